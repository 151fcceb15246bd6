"""Audio that comes in pieces and is taken in frames."""

from collections import deque

import numpy as np
import soxr

SAMPLE_BYTES = 2
SLICE_MS = 100
WAV_MARK = b"RIFF"
WAV_HEADER_BYTES = 44


class Samples:
    """Pieces of 16-bit samples; only what is taken is copied."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that can be taken now."""
        self._pieces: deque[bytes] = deque()
        self._head = b""
        self._offset = 0

    @property
    def left(self) -> int:
        """Bytes that are still to be taken, as far as is known."""
        return self.size

    def push(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.size += len(piece)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, or all that there are."""
        end = self._offset + size
        if end > len(self._head):
            return self._gather(size)
        frame = self._head[self._offset : end]
        self._offset = end
        self.size -= size
        return frame

    def _gather(self, size: int) -> bytes:
        gathered = self._head[self._offset :]
        while len(gathered) < size and self._pieces:
            self._head = self._pieces.popleft()
            self._offset = size - len(gathered)
            gathered += self._head[: self._offset]
        if len(gathered) < size:
            self._head, self._offset = b"", 0
        self.size -= len(gathered)
        return gathered


class Given(Samples):
    """An application's own audio, brought to the session's rate as it is taken.

    So a long piece never costs more than a slice at a time.
    """

    def __init__(self, audio: bytes, from_rate: int, rate: int) -> None:
        super().__init__()
        if audio.startswith(WAV_MARK):
            audio = audio[WAV_HEADER_BYTES:]
        self._raw = memoryview(audio)[: len(audio) // SAMPLE_BYTES * SAMPLE_BYTES]
        self._at = 0
        self._slice = from_rate * SLICE_MS // 1_000 * SAMPLE_BYTES
        self._length = len(self._raw) // SAMPLE_BYTES * rate // from_rate * SAMPLE_BYTES
        self._taken = 0
        self._converter = (
            soxr.ResampleStream(from_rate, rate, 1, dtype="int16", quality="MQ")
            if from_rate != rate
            else None
        )
        self._refill(1)

    @property
    def left(self) -> int:
        return max(self.size, self._length - self._taken)

    def take(self, size: int) -> bytes:
        taken = super().take(size)
        self._taken += len(taken)
        self._refill(size)
        return taken

    def _refill(self, size: int) -> None:
        """Make the next frame ready, if there is one."""
        while self.size < size and self._at < len(self._raw):
            piece = self._raw[self._at : self._at + self._slice]
            self._at += len(piece)
            self.push(self._converted(bytes(piece)))

    def _converted(self, piece: bytes) -> bytes:
        if self._converter is None:
            return piece
        is_last = self._at >= len(self._raw)
        samples = np.frombuffer(piece, np.int16)
        converted: bytes = self._converter.resample_chunk(samples, is_last).tobytes()
        return converted
