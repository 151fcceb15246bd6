"""A session's seat, as the tick, its effects and other seats know it."""

from typing import Protocol

from chalicelib.protocol.lease import Fact
from chalicelib.protocol.session.options import CallOption
from mediaworker.runtime.bridge import Party
from mediaworker.runtime.carriers import Carrier
from mediaworker.runtime.legs import Leg, LegStatistics, Source
from mediaworker.runtime.passes import Passer
from mediaworker.runtime.recorders import Recorded
from mediaworker.runtime.speechdesk import Client
from mediaworker.runtime.wires import Wire
from mediaworker.session.effects import Connect, Listen
from mediaworker.session.legs import LegEffect


class Occupant(Client, Party, Recorded, Passer, Protocol):
    """What its session or its leg raise is its own, unless it is said here."""

    wire: Wire | None
    """None until the session is connected, and when it is over; so the next."""
    source: Source | None
    carrier: Carrier | None
    """Over the application's socket; None where a leg carries its audio."""
    row: int | None
    """In its detector; None when no voice is to be detected."""
    key_row: int | None
    """In the detector of tones; None when no keys are to be."""
    heard_ms: int
    is_playing: bool
    """There may be a frame to take."""
    is_muted: bool
    transcribes: bool
    subscribes: bool
    """Its application's socket is sent what both sides say."""

    @property
    def session_id(self) -> str: ...

    @property
    def option(self) -> CallOption | None:
        """What its call was asked to be; it may hold secrets."""

    @property
    def leg(self) -> Leg | None:
        """None for who has none, or none any more."""

    def obey(self, effect: LegEffect) -> None:
        """Have the leg do it; raises what the leg does."""

    def hear(self, probability: float, to_ms: int, now: float) -> None:
        """A window of the detector."""

    def press(self, digit: str) -> None:
        """A key that was heard."""

    def take_frame(self, now: float) -> bytes | None:
        """The next samples to be sent."""

    def take_beside(self) -> bytes | None:
        """Samples that are sent too: from a bridge, and from a media server."""

    def count_missing(self) -> int:
        """Frames of what plays that were not there in time, since it was asked."""

    def send_audio(self, frame: bytes, slot: int) -> bool:
        """False when it was dropped."""

    def show(self, payload: bytes) -> bool:
        """Send it to the application's socket; False when it was dropped."""

    def flawed(self, sentence: str) -> None:
        """Something is wrong with the audio that the application sends."""

    def send_silence(self, slot: int) -> None:
        """There is nothing to be sent in the slot."""

    def fail(self, error: Exception) -> None:
        """The session cannot go on; all others can."""

    def statistics(self) -> LegStatistics | None:
        """Of its leg, if it had one."""

    def counted(self, fact: Fact) -> Fact:
        """With what went over the socket or the leg, which only the seat has seen."""

    def close(self, code: int, reason: str) -> None:
        """The session is over, and has told it."""


class Floor(Protocol):
    """Where seats stand: the engine."""

    def connect(self, seat: Occupant, effect: Connect) -> None:
        """Give it a place in the tick."""

    def listen(self, seat: Occupant, effect: Listen) -> None:
        """Have more of it heard."""

    def disconnect(self, seat: Occupant) -> None:
        """Take its place away, if it has one."""
