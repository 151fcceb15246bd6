"""RIPEMD-160, since OpenSSL 3 has put it away with other old hashes.

Names and tables as in "RIPEMD-160: A Strengthened Version of RIPEMD" (Dobbertin,
Bosselaers, Preneel, 1996). It is used on 32 public bytes, where speed is nothing.
"""

import struct

Words = tuple[int, int, int, int, int]

START: Words = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
MASK = 0xFFFFFFFF
BLOCK_BYTES = 64

ORDERS = (
    bytes(range(16))
    + bytes((7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8))
    + bytes((3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12))
    + bytes((1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2))
    + bytes((4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13)),
    bytes((5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12))
    + bytes((6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2))
    + bytes((15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13))
    + bytes((8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14))
    + bytes((12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11)),
)
"""Which word of the block each step of the left and of the right line takes."""

SHIFTS = (
    bytes((11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8))
    + bytes((7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12))
    + bytes((11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5))
    + bytes((11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12))
    + bytes((9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6)),
    bytes((8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6))
    + bytes((9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11))
    + bytes((9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5))
    + bytes((15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8))
    + bytes((8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11)),
)
CONSTANTS = (
    (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E),
    (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000),
)
"""Of the five rounds, left and right."""


def digest(data: bytes) -> bytes:
    """The hash, 20 bytes."""
    padding = b"\x80" + bytes(-(len(data) + 9) % BLOCK_BYTES)
    padded = data + padding + struct.pack("<Q", len(data) * 8)
    state = START
    for place in range(0, len(padded), BLOCK_BYTES):
        state = _compress(state, struct.unpack_from("<16I", padded, place))
    return struct.pack("<5I", *state)


def _compress(state: Words, block: tuple[int, ...]) -> Words:
    left, right = (_line(side, state, block) for side in (0, 1))
    return (
        (state[1] + left[2] + right[3]) & MASK,
        (state[2] + left[3] + right[4]) & MASK,
        (state[3] + left[4] + right[0]) & MASK,
        (state[4] + left[0] + right[1]) & MASK,
        (state[0] + left[1] + right[2]) & MASK,
    )


def _line(side: int, state: Words, block: tuple[int, ...]) -> Words:
    a, b, c, d, e = state
    for step in range(80):
        turn = step // 16
        mixed = _mix(4 - turn if side else turn, b, c, d)
        word = block[ORDERS[side][step]] + CONSTANTS[side][turn]
        rotated = _rotated((a + mixed + word) & MASK, SHIFTS[side][step])
        a, b, c, d, e = e, (rotated + e) & MASK, b, _rotated(c, 10), d
    return a, b, c, d, e


def _mix(function: int, x: int, y: int, z: int) -> int:
    match function:
        case 0:
            return x ^ y ^ z
        case 1:
            return x & y | ~x & z
        case 2:
            return (x | ~y & MASK) ^ z
        case 3:
            return x & z | y & ~z
        case _:
            return x ^ (y | ~z & MASK)


def _rotated(word: int, count: int) -> int:
    return (word << count | word >> 32 - count) & MASK
