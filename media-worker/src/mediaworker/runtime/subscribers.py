"""Sessions whose applications listen in: both sides go to the socket, too.

A binary frame is one octet that says whose audio it is, and 20 ms of 16-bit
little-endian samples at 16 kHz.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum

from mediaworker.audio.halfband import Doubler
from mediaworker.runtime.occupant import Occupant
from mediaworker.runtime.wires import Samples

RATE = 16_000


class Track(IntEnum):
    """The first octet of a frame."""

    SERVER_SIDE = 0
    """All that the far end is sent."""
    CALLER = 1


class Subscribers:
    """Of all sessions."""

    def __init__(self, dropped: Callable[[], None]) -> None:
        """``dropped`` is told of each frame that a socket did not take in time."""
        self._doublers: dict[Occupant, dict[Track, Doubler]] = {}
        self._dropped = dropped

    @property
    def is_busy(self) -> bool:
        """Whether anybody listens in."""
        return bool(self._doublers)

    def join(self, seat: Occupant, rate: int) -> None:
        """From now on; again: nothing."""
        if seat not in self._doublers:
            doubled = () if rate == RATE else Track
            self._doublers[seat] = {track: Doubler() for track in doubled}

    def leave(self, seat: Occupant) -> None:
        """Keep nothing of a session that is over."""
        self._doublers.pop(seat, None)

    def show(self, track: Track, seats: Sequence[Occupant], samples: Samples) -> None:
        """A row for each seat; who fails at it is ended, and no other."""
        for seat, said in zip(seats, samples, strict=True):
            doublers = self._doublers.get(seat)
            if doublers is None:
                continue
            try:
                wide = doublers[track].feed(said) if doublers else said
                is_sent = seat.show(bytes((track,)) + wide.tobytes())
            except Exception as error:
                seat.fail(error)
            else:
                if not is_sent:
                    self._dropped()
