"""Two sessions that hear each other, beside what each of them plays.

What one's far end says is heard by the other's in the next slot, and what is bridged
before it is heard is never heard after the two were parted.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mediaworker.audio.halfband import Doubler, Halver
from mediaworker.runtime.ports import SessionView
from mediaworker.runtime.wires import Samples

SENDER = "bridge"
MESSAGE = "message"
NOT_YOURS = 403
NOT_THERE = 404
WRONG_TIME = 409

MOST_FRAMES = 2
"""That wait for their slot: what is older is dropped, as it would be delay for good."""


class Party(Protocol):
    """A session, as whoever bridges it knows it."""

    side: "Side | None"
    """Its end of a bridge."""

    @property
    def view(self) -> SessionView: ...

    @property
    def rate(self) -> int: ...

    @property
    def is_admins(self) -> bool:
        """Opened by an administrator of the tenant."""

    @property
    def is_live(self) -> bool:
        """The call was set up, and is not over."""

    def forward(self, digit: str) -> None:
        """A key that was pressed at the other end of the bridge."""

    def joined(self, session_id: str) -> None:
        """The session hears another one, and is heard."""

    def parted(self, session_id: str) -> None: ...

    def message(self, body: str, content_type: str | None) -> None:
        """What the application at the other end of the bridge has to say."""

    def notice(self, sender: str, sentence: str, code: int) -> None:
        """Something went wrong, and the session goes on."""


class Converter(Protocol):
    """From one rate to another, a frame at a time."""

    def feed(self, samples: Samples) -> Samples: ...


CONVERTERS: dict[tuple[int, int], Callable[[], Converter]] = {
    (8_000, 16_000): Doubler,
    (16_000, 8_000): Halver,
}


class Lane:
    """One way of a bridge."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        is_same = from_rate == to_rate
        self._converter = None if is_same else CONVERTERS[from_rate, to_rate]()
        self._frames: deque[bytes] = deque(maxlen=MOST_FRAMES)

    def put(self, samples: Samples) -> None:
        """A frame that one has said."""
        converter = self._converter
        heard = samples if converter is None else converter.feed(samples)
        self._frames.append(heard.tobytes())

    def take(self) -> bytes | None:
        """The next frame for the other to hear."""
        return self._frames.popleft() if self._frames else None


@dataclass(frozen=True, slots=True)
class Side:
    """A session's end of a bridge."""

    partner: Party
    says: Lane
    hears: Lane


class Cannot(Exception):
    """Why two sessions are not bridged."""

    def __init__(self, sentence: str, code: int) -> None:
        self.sentence = sentence
        self.code = code
        super().__init__(sentence)


class Bridges:
    """Joins sessions of this worker, and parts them.

    ``rearrange`` lets the tick know that sessions have a side now, or none any more.
    """

    def __init__(
        self, find: Callable[[str], Party | None], rearrange: Callable[[], None]
    ) -> None:
        self._find = find
        self._rearrange = rearrange

    def join(self, seat: Party, session_id: str) -> None:
        """Tell both, or tell the one why not."""
        try:
            other = self._partner(seat, session_id)
        except Cannot as reason:
            seat.notice(SENDER, reason.sentence, reason.code)
            return
        there = Lane(seat.rate, other.rate)
        back = Lane(other.rate, seat.rate)
        seat.side = Side(other, there, back)
        other.side = Side(seat, back, there)
        self._rearrange()
        seat.joined(other.view.session_id)
        other.joined(seat.view.session_id)

    def part(self, seat: Party, session_id: str) -> None:
        """Tell both, or tell the one that they were not bridged."""
        if seat.side is None or seat.side.partner.view.session_id != session_id:
            seat.notice(SENDER, "the session is not bridged with that one", NOT_THERE)
        else:
            self.leave(seat)

    def pass_message(self, seat: Party, body: str, content_type: str | None) -> None:
        """Tell the partner, or tell the one that there is none."""
        if seat.side is None:
            seat.notice(MESSAGE, "the session is bridged with nobody", WRONG_TIME)
        else:
            seat.side.partner.message(body, content_type)

    def leave(self, seat: Party) -> None:
        """Part it from whom it is bridged with, if it is."""
        side = seat.side
        if side is None:
            return
        other = side.partner
        seat.side = other.side = None
        self._rearrange()
        seat.parted(other.view.session_id)
        other.parted(seat.view.session_id)

    def _partner(self, seat: Party, session_id: str) -> Party:
        """Raises `Cannot`."""
        other = self._find(session_id)
        if other is None or other.view.tenant != seat.view.tenant:
            raise Cannot("there is no such session", NOT_THERE)
        if other.view.uid != seat.view.uid and not seat.is_admins:
            raise Cannot("the session is somebody else's", NOT_YOURS)
        if other is seat:
            raise Cannot("a session cannot be bridged with itself", WRONG_TIME)
        if not (seat.is_live and other.is_live):
            raise Cannot("there is no call yet in one of the sessions", WRONG_TIME)
        if seat.side is not None or other.side is not None:
            raise Cannot("one of the sessions is bridged already", WRONG_TIME)
        return other
