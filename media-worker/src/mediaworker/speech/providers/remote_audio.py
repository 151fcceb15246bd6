"""Samples on their way from a provider, and to one."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import numpy as np

from mediaworker.audio.wav import Format, MalformedWav, WavReader
from mediaworker.speech.delivery import Shaper
from mediaworker.speech.ports import Failure, Samples

FRAME_MS = 20
WAITING_MS = 5_000
"""What a provider may be behind; then the oldest is lost."""
LONGEST_PIECE_MS = 1_000
TURNS = 256
"""Gaps that are remembered; a provider's answer is not about older audio."""
RIFF = b"RIFF"
SAMPLE_BYTES = 2
BAD_GATEWAY = 502


class Timeline:
    """From when on what is sent runs behind what was heard."""

    def __init__(self) -> None:
        self._origins: deque[tuple[int, int]] = deque(maxlen=TURNS)

    def note(self, sent_ms: int, at_ms: int) -> None:
        """What is sent next was heard then."""
        if not self._origins or self.heard_ms(sent_ms) != at_ms:
            self._origins.append((sent_ms, at_ms))

    def heard_ms(self, sent_ms: int) -> int:
        """When what was sent then was heard."""
        if not self._origins:
            return sent_ms
        begun = [each for each in self._origins if each[0] <= sent_ms]
        from_ms, at_ms = begun[-1] if begun else self._origins[0]
        return max(0, at_ms + sent_ms - from_ms)


class RemoteEar:
    """What is heard of one stream, until the provider takes it."""

    def __init__(self, rate: int, overflowed: Callable[[], None]) -> None:
        self._rate = rate
        self._overflowed = overflowed
        self._frames: deque[bytes] = deque(maxlen=WAITING_MS // FRAME_MS)
        self._heard = 0
        """Frames, since the stream began."""
        self._has_overflowed = False
        self._is_taken = False
        """By a provider, now."""
        self._is_closed = False
        self._came = asyncio.Event()
        self._timeline = Timeline()

    def hear(self, samples: bytes | memoryview) -> None:
        if self._is_closed:
            return
        if self._is_taken and len(self._frames) == self._frames.maxlen:
            if not self._has_overflowed:
                self._overflowed()
            self._has_overflowed = True
        self._frames.append(bytes(samples))
        self._heard += 1
        self._came.set()

    def close(self) -> None:
        """Nobody will take any more."""
        self._is_closed = True
        self._frames.clear()

    async def audio(self, rate: int, piece_bytes: int) -> AsyncIterator[bytes]:
        """From what waits on; pieces of that many bytes, or a little more."""
        shaper = Shaper(self._rate, rate)
        self._timeline = Timeline()
        self._is_taken = True
        piece = bytearray()
        sent = 0
        try:
            while True:
                frame, at_ms = await self._next()
                self._timeline.note(sent * FRAME_MS, at_ms)
                sent += 1
                piece += shaper.feed(np.frombuffer(frame, "<i2"))
                if len(piece) >= piece_bytes:
                    yield bytes(piece)
                    piece.clear()
        finally:
            self._is_taken = False

    def heard_ms(self, sent_ms: int | None) -> int | None:
        """When what the provider was sent then was heard."""
        return None if sent_ms is None else self._timeline.heard_ms(sent_ms)

    async def _next(self) -> tuple[bytes, int]:
        while not self._frames:
            self._has_overflowed = False
            self._came.clear()
            await self._came.wait()
        at = self._heard - len(self._frames)
        return self._frames.popleft(), at * FRAME_MS


class Decoding:
    """A provider's bytes into a job's: bare samples, or a WAV file of them."""

    def __init__(self, from_rate: int, rate: int, gain: float) -> None:
        self._rate = rate
        self._gain = gain
        self._shaper = Shaper(from_rate, rate, gain)
        self._reader: WavReader | None = None
        self._begun = False
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What is ready of it; raises `Failure` for a file that cannot be played."""
        data = self._held + data
        self._held = b""
        if not self._begun:
            if len(data) < len(RIFF):
                self._held = data
                return b""
            self._begun = True
            self._reader = WavReader() if data.startswith(RIFF) else None
        if self._reader is not None:
            return self._unwrapped(self._reader, data)
        whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
        self._held = data[whole:]
        return self._shaper.feed(_samples(data[:whole]))

    def end(self) -> bytes:
        """What was held back."""
        whole = len(self._held) // SAMPLE_BYTES * SAMPLE_BYTES
        made = self._shaper.feed(_samples(self._held[:whole]))
        return made + self._shaper.end()

    def _unwrapped(self, reader: WavReader, data: bytes) -> bytes:
        made = b""
        try:
            for event in reader.feed(data):
                if isinstance(event, Format):
                    self._shaper = Shaper(event.rate, self._rate, self._gain)
                else:
                    made += self._shaper.feed(event)
        except MalformedWav:
            raise Failure("the provider's WAV file is broken", BAD_GATEWAY) from None
        return made


def _samples(data: bytes) -> Samples:
    return np.frombuffer(data, "<i2")
