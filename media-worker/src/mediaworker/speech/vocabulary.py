"""The words that Moonshine's numbers stand for."""

from collections.abc import Iterable, Sequence
from pathlib import Path

SPACE = "\u2581".encode()


class Vocabulary:
    """A file of pieces, each behind its length: one byte, or two from 128 up."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return len(self._pieces)

    @classmethod
    def read(cls, path: Path) -> "Vocabulary":
        """Raises ValueError for a file that ends too early."""
        data = path.read_bytes()
        pieces = []
        at = 0
        while at < len(data):
            length, at = data[at], at + 1
            if length >= 128 and at < len(data):
                length, at = data[at] * 128 + length - 128, at + 1
            pieces.append(data[at : at + length])
            at += length
        if at != len(data):
            raise ValueError(f"{path.name} is cut short")
        return cls(pieces)

    def text(self, tokens: Iterable[int]) -> str:
        joined = b"".join(self._pieces[token] for token in tokens)
        return joined.replace(SPACE, b" ").decode("utf-8", "ignore").strip()
