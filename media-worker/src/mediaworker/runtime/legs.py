"""Where a session's seat and the leg that carries its audio meet.

Legs live in packages above this one (`mediaworker.webrtc`, `mediaworker.telephony`);
`composition` hands their makers down.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from chalicelib.protocol.lease import DialogFacts
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.runtime.wires import Wire
from mediaworker.session.legs import LegEffect, LegEvent


class Source(Protocol):
    """Audio that came for a session, a frame of its wire for each slot."""

    @property
    def is_silent(self) -> bool:
        """The last frame was made up, and nothing has come for a while."""

    def take(self) -> bytes | None:
        """The slot's frame; None when nobody waits for one."""

    def take_more(self) -> bytes | None:
        """A second frame for the slot of one that has fallen behind."""


@dataclass(frozen=True, slots=True)
class Holder:
    """For whom a leg is made."""

    session_id: str
    tenant: str
    uid: str
    tell: Callable[[LegEvent], None]
    """Brings the session what happened, at once, or after what it is at; never within
    a call of the leg's methods, except `Leg.obey`. Nothing is told after `DropLeg`, or
    after the leg said that it is over."""
    lost: Callable[[Exception], None]
    """The leg cannot go on, by a mistake of ours: ends the session, and no other."""
    listen: str | None = None
    """For calls to whom the session waits; see `SessionQuery.listen`."""
    is_privileged: bool = False
    """Its user may act for others of the tenant."""
    is_attached: Callable[[], bool] = lambda: True
    """Whether the application's socket is there now."""


@dataclass(frozen=True, slots=True)
class LegStatistics:
    """What a leg has seen of its media; zeros where nothing came."""

    packets_received: int = 0
    packets_sent: int = 0
    packets_lost: int = 0
    """As RFC 3550 section 6.4.1 counts them; duplicates may make it negative."""
    packets_late: int = 0
    """Came after they were to be heard."""
    frames_concealed: int = 0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    """By RTCP; None until it was measured."""
    mos: float | None = None
    """An estimate of how the far end is heard, from 1.0 to 4.5."""


class Leg(Protocol):
    """What carries a session's audio. Nothing here waits; all on the loop's thread."""

    @property
    def wire(self) -> Wire:
        """How frames stand in `source` and `send_audio`; once media is agreed.

        An instance that all legs share: what stands in one goes through the tick
        together.
        """

    @property
    def source(self) -> Source:
        """Once media is agreed."""

    @property
    def is_open(self) -> bool:
        """Whether the far end can hear: what plays waits until it can."""

    @property
    def statistics(self) -> LegStatistics:
        """At any time, after the end too; counts never fall, but for `packets_lost`."""

    def obey(self, effect: LegEffect) -> None:
        """Do it, or begin to."""

    def send_audio(self, frame: bytes, slot: int) -> bool:
        """One frame in the slot; False when it was dropped."""

    def send_silence(self, slot: int) -> None:
        """Nothing plays in the slot; called instead of the former, once media is
        agreed, so that every slot has one of the two."""


@runtime_checkable
class HasDialog(Protocol):
    """A leg of SIP has this beside."""

    def dialog(self) -> DialogFacts | None:
        """As it is, or will be once it is dropped; None when there was no INVITE."""


LegMaker = Callable[[Holder], Leg]
"""May tell the holder already: it hears it once the application's socket is there.
May raise `mediaworker.runtime.ports.Refusal`."""
Legs = Mapping[CallType, LegMaker]
"""How each type of call gets its leg; a type that is absent has none."""
