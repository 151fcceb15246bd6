"""Bytes that come in pieces and are taken in others."""

from collections import deque

SAMPLE_BYTES = 2


class Pieces:
    """Of 16-bit samples, which pieces may cut in two."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that can be taken now."""
        self._pieces: deque[bytes] = deque()
        self._offset = 0
        """Of the first piece: bytes that were taken."""

    @property
    def even(self) -> int:
        """Bytes of whole samples."""
        return self.size // SAMPLE_BYTES * SAMPLE_BYTES

    def push(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self.size += len(piece)

    def peek(self, size: int) -> bytes:
        """The next bytes, or all that there are; they can still be taken."""
        found, offset = b"", self._offset
        for piece in self._pieces:
            if len(found) >= size:
                break
            found += piece[offset : offset + size - len(found)]
            offset = 0
        return found

    def take(self, size: int) -> bytes:
        """The next bytes, or all that there are."""
        taken = self.peek(size)
        self.size -= len(taken)
        end = self._offset + len(taken)
        while self._pieces and end >= len(self._pieces[0]):
            end -= len(self._pieces.popleft())
        self._offset = end
        return taken
