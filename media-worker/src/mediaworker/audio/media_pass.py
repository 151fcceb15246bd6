"""The audio of a call that another server carries, on its way there and back.

There it goes in packets of a size that the server has chosen; back it comes in pieces
of any size, in bursts or as it is made, and is taken frame by frame.
"""

from collections import deque
from typing import Protocol

import numpy as np

from mediaworker.audio.arrays import Samples
from mediaworker.audio.pieces import Pieces
from mediaworker.audio.resampling import Resampler

SAMPLE_BYTES = 2
FRAMES_A_SECOND = 50
SLOT_MS = 20
MOST_SECONDS = 60
"""Of the server's audio that waits."""
MOST_MARKS = 256
"""That wait for what is before them."""
JITTER_SLOTS = 5
"""Who goes on so soon after nothing was left was only late."""
MOST_MARGIN = 10
"""Frames that are waited for before who was late goes on: 200 ms."""
CALM_SLOTS = 500
"""After so many without a gap, a frame less is waited for."""
PATIENT_SLOTS = 3
"""How long less than a frame waits for the rest of it."""
WATCHED_SLOTS = 100
LEAST_LAG, MOST_LAG = 3, 20
"""In frames: who has had so many waiting all the while sends as it is made, and has a
clock that runs ahead. Who sends in bursts passes through this sooner."""
QUIET = 64
"""A frame that is never louder may be left out unheard."""


class Uplink:
    """What the caller says, in packets for the server."""

    def __init__(self, from_rate: int, to_rate: int, packet_bytes: int) -> None:
        is_same = from_rate == to_rate
        self._resampler = None if is_same else Resampler(from_rate, to_rate)
        self._packet_bytes = packet_bytes
        self._waiting = bytearray()

    def feed(self, samples: Samples) -> list[bytes]:
        """The packets that these, and what was left, make."""
        resampler = self._resampler
        made = samples if resampler is None else resampler.feed(samples)
        self._waiting += made.tobytes()
        packets, size = [], self._packet_bytes
        while len(self._waiting) >= size:
            packets.append(bytes(self._waiting[:size]))
            del self._waiting[:size]
        return packets


class Source(Protocol):
    """What the server sent, as it is to be heard."""

    played: int
    """Bytes of it that were taken, or dropped."""

    def take(self, size: int, waiting: Pieces) -> bytes | None:
        """A frame of so many bytes; None for a frame of silence."""

    def clear(self) -> None:
        """What waits was dropped."""


class Flow:
    """As it comes: at once, and after a gap as late as it takes to have no other."""

    def __init__(self) -> None:
        self.played = 0
        self._is_flowing = False
        self._left = 0
        """Less than a frame, when there was nothing more."""
        self._gap = JITTER_SLOTS
        """How long nothing has come since."""
        self._margin = 0
        self._patience = 0
        self._calm = 0
        self._least = MOST_LAG
        self._watched = 0

    def take(self, size: int, waiting: Pieces) -> bytes | None:
        if self._is_flowing and waiting.size >= size:
            self._watch(size, waiting)
            return self._taken(size, waiting)
        if self._is_flowing:
            self._stop(waiting.even)
        if waiting.even > self._left:
            return self._begin(size, waiting)
        return self._end(size, waiting)

    def clear(self) -> None:
        self._stop(0)
        self._gap = JITTER_SLOTS

    def _stop(self, left: int) -> None:
        self._is_flowing, self._left = False, left
        self._gap = self._patience = self._calm = 0

    def _begin(self, size: int, waiting: Pieces) -> bytes | None:
        """There is something new; nothing, as long as more of it is waited for."""
        if self._gap < JITTER_SLOTS:
            self._margin = min(MOST_MARGIN, self._margin + 1)
            self._gap = JITTER_SLOTS
        self._patience += 1
        is_patient = self._patience <= self._margin + PATIENT_SLOTS
        if is_patient and waiting.size < size * (1 + self._margin):
            return None
        self._is_flowing = True
        return self._taken(size, waiting)

    def _end(self, size: int, waiting: Pieces) -> bytes | None:
        """Nothing new has come: what is left is the end."""
        self._gap += 1
        if not self._left or self._gap <= PATIENT_SLOTS:
            return None
        self._left = 0
        return self._taken(size, waiting)

    def _taken(self, size: int, waiting: Pieces) -> bytes:
        self._calm += 1
        if self._calm == CALM_SLOTS:
            self._calm, self._margin = 0, max(0, self._margin - 1)
        piece = waiting.take(min(size, waiting.even))
        self.played += len(piece)
        return piece.ljust(size, b"\0")

    def _watch(self, size: int, waiting: Pieces) -> None:
        """Leave a frame out that nobody hears, of what is ever further behind."""
        lag = waiting.size // size - self._margin
        self._least = min(self._least, lag) if lag < MOST_LAG else 0
        self._watched += 1
        if self._watched < WATCHED_SLOTS:
            return
        if self._least >= LEAST_LAG and is_quiet(waiting.peek(size)):
            self.played += len(waiting.take(size))
        elif self._least >= LEAST_LAG:
            return
        self._least, self._watched = MOST_LAG, 0


class Clocked:
    """In blocks of one length, one after the other; what has not come is silence."""

    def __init__(self, block_bytes: int) -> None:
        self.played = 0
        self._block_bytes = block_bytes
        self._block = b""
        self._heard = 0
        """Of the block: bytes that the server sent."""

    def take(self, size: int, waiting: Pieces) -> bytes | None:
        frame, is_heard = b"", False
        while len(frame) < size:
            if not self._block:
                self._cut(waiting)
            is_heard |= self._heard > 0
            frame += self._consume(size - len(frame))
        return frame if is_heard else None

    def clear(self) -> None:
        self.played += self._heard
        self._heard = 0
        self._block = bytes(len(self._block))

    def _cut(self, waiting: Pieces) -> None:
        piece = waiting.take(min(self._block_bytes, waiting.even))
        self._heard = len(piece)
        self._block = piece.ljust(self._block_bytes, b"\0")

    def _consume(self, size: int) -> bytes:
        piece, self._block = self._block[:size], self._block[size:]
        heard = min(self._heard, len(piece))
        self._heard -= heard
        self.played += heard
        return piece


class Downlink:
    """What the server says, in frames for the caller."""

    def __init__(self, from_rate: int, ptime_ms: int = 0) -> None:
        """``ptime_ms`` is a block's length; 0 to have it as it comes."""
        self._rate = from_rate
        self._waiting = Pieces()
        self._most_bytes = MOST_SECONDS * from_rate * SAMPLE_BYTES
        block_bytes = from_rate * max(ptime_ms, SLOT_MS) // 1_000 * SAMPLE_BYTES
        self._source: Source = Clocked(block_bytes) if ptime_ms else Flow()
        self._resampler: Resampler | None = None
        self._to_rate = 0
        self._ready = b""
        self._is_fading = False
        self._slots = 0
        self._pushed = 0
        self._marks: deque[tuple[int, str]] = deque()
        self.is_muted = False
        """What is taken is silence."""

    @property
    def is_empty(self) -> bool:
        """All that has come was heard, or dropped."""
        return self._source.played + 1 >= self._pushed

    def push(self, audio: bytes) -> bool:
        """False where it is too much, and goes nowhere."""
        if self._waiting.size + len(audio) > self._most_bytes:
            return False
        self._waiting.push(audio)
        self._pushed += len(audio)
        return True

    def mark(self, name: str) -> bool:
        """Have it told once all before it was heard; False where too many wait."""
        if len(self._marks) >= MOST_MARKS:
            return False
        self._marks.append((self._pushed, name))
        return True

    def reached(self) -> list[str]:
        """The marks before which all was heard by now, each once."""
        names, played = [], self._source.played
        # Half a sample is never heard, but for its other half.
        while self._marks and self._marks[0][0] <= played + 1:
            names.append(self._marks.popleft()[1])
        return names

    def forget_marks(self) -> None:
        """Nobody waits for them."""
        self._marks.clear()

    def clear(self) -> list[str]:
        """Nothing that waits is heard; the marks that waited."""
        self._source.clear()
        self._source.played += self._waiting.size
        self._waiting, self._ready, self._is_fading = Pieces(), b"", False
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    def take(self, rate: int) -> bytes | None:
        """The next 20 ms at this rate; None where there is nothing to be heard."""
        if rate != self._to_rate:
            self._tune(rate)
        if self._resampler is None:
            frame = self._source.take(self._slot_bytes(), self._waiting)
        else:
            frame = self._converted(self._resampler, rate)
        if frame is None or not self.is_muted:
            return frame
        return bytes(len(frame))

    def _tune(self, rate: int) -> None:
        self._to_rate, self._ready = rate, b""
        self._resampler = None if rate == self._rate else Resampler(self._rate, rate)

    def _converted(self, resampler: Resampler, rate: int) -> bytes | None:
        """At the end a frame more than there is: of what the filter still holds."""
        size, slot_bytes = rate // FRAMES_A_SECOND * SAMPLE_BYTES, self._slot_bytes()
        piece = self._source.take(slot_bytes, self._waiting)
        if piece is not None or self._is_fading:
            samples = np.frombuffer(piece or bytes(slot_bytes), np.int16)
            self._ready += resampler.feed(samples).tobytes()
        elif self._ready:
            self._ready = self._ready.ljust(size, b"\0")
        self._is_fading = piece is not None
        if len(self._ready) < size:
            return None
        frame, self._ready = self._ready[:size], self._ready[size:]
        return frame

    def _slot_bytes(self) -> int:
        """Of the slot; where samples do not come out even, now more and now fewer."""
        self._slots += 1
        until = self._slots * self._rate // FRAMES_A_SECOND
        since = (self._slots - 1) * self._rate // FRAMES_A_SECOND
        return (until - since) * SAMPLE_BYTES


def is_quiet(frame: bytes) -> bool:
    return bool(np.abs(np.frombuffer(frame, np.int16).astype(np.int32)).max() < QUIET)
