"""Inputs that are almost right: made from right ones, the same for the same seed."""

import random
from collections.abc import Callable, Iterator, Sequence

MOST_BYTES = 4_096
MOST_CHANGES = 8
WORDS = (
    b"",
    b"\x00",
    b"\xff",
    b"\r\n\r\n",
    b": ",
    b"%",
    b"%ff",
    b"-1",
    b"1e999",
    b"NaN",
    b"9" * 400,
    b"null",
    b"[" * 200,
    b'{"',
    b"\\ud800",
    b"\xed\xa0\x80",
    b"\x81\xfe\xff\xff",
    b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x88\x80",
    b"\x89\xfd",
)

Change = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def inputs(seed: int, corpus: Sequence[bytes]) -> Iterator[bytes]:
    """The corpus itself, then what comes of it, without end."""
    yield from corpus
    draws = random.Random(seed)
    while True:
        data = bytearray(draws.choice(corpus))
        for _ in range(draws.randint(1, MOST_CHANGES)):
            draws.choice(CHANGES)(draws, data, corpus)
            del data[MOST_BYTES:]
        yield bytes(data)


def _place(draws: random.Random, data: bytearray) -> int:
    return draws.randint(0, len(data))


def _flip(draws: random.Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    if data:
        data[draws.randrange(len(data))] ^= 1 << draws.randrange(8)


def _replace(draws: random.Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    if data:
        data[draws.randrange(len(data))] = draws.randrange(256)


def _cut(draws: random.Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    start = _place(draws, data)
    del data[start : start + draws.randint(1, 32)]


def _repeat(draws: random.Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    start = _place(draws, data)
    piece = bytes(data[start : start + draws.randint(1, 64)])
    data[start:start] = piece * draws.randint(1, 16)


def _insert(draws: random.Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    start = _place(draws, data)
    data[start:start] = draws.choice(WORDS)


def _splice(draws: random.Random, data: bytearray, corpus: Sequence[bytes]) -> None:
    other = draws.choice(corpus)
    start = _place(draws, data)
    data[start:] = other[draws.randint(0, len(other)) :]


CHANGES: tuple[Change, ...] = (_flip, _replace, _cut, _repeat, _insert, _splice)
