"""Audio whose frames are numbered, so that a lost one or a double is seen. Pure.

G.711 hears it as a hum that slowly rises; as bytes it is the number of each frame.
"""

import io
import wave
from collections.abc import Iterable, Sequence

RATE = 8_000
FRAME_BYTES = 160
FRAMES_A_SECOND = 50
HALF = FRAME_BYTES // 2
BASE = 100
FIRST_CODE = 0x90
"""Of positive samples, none of which is silence."""
MOST_FRAMES = BASE * BASE


def frame(number: int) -> bytes:
    """20 ms of mu-law that say which they are."""
    high, low = divmod(number % MOST_FRAMES, BASE)
    return bytes([FIRST_CODE + high]) * HALF + bytes([FIRST_CODE + low]) * HALF


def numbers_in(audio: Iterable[bytes]) -> list[int]:
    """Of the numbered frames in what was heard, wherever the others cut it."""
    heard = b"".join(audio)
    begin = next((at for at, code in enumerate(heard) if _is_ours(code)), len(heard))
    return [
        (piece[0] - FIRST_CODE) * BASE + piece[HALF] - FIRST_CODE
        for piece in _pieces(heard[begin:])
        if _is_numbered(piece)
    ]


def wav(seconds: float) -> bytes:
    """A file of numbered frames."""
    count = int(seconds * FRAMES_A_SECOND)
    samples = b"".join(
        _sample(code).to_bytes(2, "little", signed=True) * HALF
        for number in range(count)
        for code in (frame(number)[0], frame(number)[-1])
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(samples)
    return file.getvalue()


def holes(numbers: Sequence[int], count: int) -> int:
    """How many of the frames 0 to ``count`` did not come once and in their order."""
    expected = list(range(count))
    if list(numbers) == expected:
        return 0
    missing = len(set(expected) - set(numbers))
    doubles = len(numbers) - len(set(numbers))
    moved = sum(
        after < before for before, after in zip(numbers, numbers[1:], strict=False)
    )
    return max(1, missing + doubles + moved)


def _pieces(heard: bytes) -> list[bytes]:
    return [heard[at : at + FRAME_BYTES] for at in range(0, len(heard), FRAME_BYTES)]


def _is_ours(code: int) -> bool:
    return FIRST_CODE <= code < FIRST_CODE + BASE


def _is_numbered(piece: bytes) -> bool:
    if len(piece) < FRAME_BYTES or not (_is_ours(piece[0]) and _is_ours(piece[-1])):
        return False
    return piece == bytes([piece[0]]) * HALF + bytes([piece[-1]]) * HALF


def _sample(code: int) -> int:
    """Of a mu-law code (ITU-T G.711)."""
    inverted = ~code & 0xFF
    exponent, mantissa = inverted >> 4 & 7, inverted & 15
    magnitude = ((mantissa << 3) + 0x84 << exponent) - 0x84
    return -magnitude if inverted & 0x80 else magnitude
