"""Audio to send, and what can be told of audio that came: samples of 16 bits."""

import array
import io
import itertools
import math
import wave
from collections.abc import Iterable, Iterator
from typing import TypeAlias

RATE = 16_000
FRAME_MS = 20
LOUD = 9_000
PITCH_HZ = 120
VOWELS = (
    ((730, 90), (1_090, 110), (2_440, 160)),
    ((270, 60), (2_290, 100), (3_010, 170)),
    ((570, 70), (840, 80), (2_410, 160)),
    ((530, 70), (1_840, 100), (2_480, 160)),
)
"""Formants and their widths, in Hz, as Peterson and Barney measured men's vowels."""
SYLLABLE_SECONDS = 0.22

Samples: TypeAlias = "array.array[int]"


def silence(seconds: float, rate: int = RATE) -> Samples:
    return array.array("h", bytes(2 * int(seconds * rate)))


def tone(seconds: float, hertz: float, rate: int = RATE, loud: int = LOUD) -> Samples:
    turn = 2 * math.pi * hertz / rate
    count = int(seconds * rate)
    return array.array("h", (int(loud * math.sin(turn * i)) for i in range(count)))


def voice(seconds: float, rate: int = RATE) -> Samples:
    """Vowels of a man who says nothing: pulses of his throat through resonances."""
    said: list[float] = []
    for vowel in itertools.cycle(VOWELS):
        said += _syllable(vowel, rate)
        if len(said) >= seconds * rate:
            break
    loudest = max(map(abs, said))
    return array.array("h", (int(LOUD * 2 * one / loudest) for one in said))


def _syllable(vowel: Iterable[tuple[int, int]], rate: int) -> list[float]:
    count = int(SYLLABLE_SECONDS * rate)
    phase, pulses = 0.0, []
    for i in range(count):
        phase += PITCH_HZ * (1.1 - 0.2 * i / count) / rate
        pulses.append(1.0 - 2 * (phase % 1.0))
    for hertz, width in vowel:
        pulses = _resonated(pulses, hertz, width, rate)
    edge = count / 6
    return [
        one * min(1.0, i / edge, (count - i) / edge) for i, one in enumerate(pulses)
    ]


def _resonated(
    given: Iterable[float], hertz: int, width: int, rate: int
) -> list[float]:
    """Klatt's resonator of second order."""
    decay = math.exp(-math.pi * width / rate)
    b = 2 * decay * math.cos(2 * math.pi * hertz / rate)
    c = -decay * decay
    before, former, made = 0.0, 0.0, []
    for one in given:
        before, former = (1 - b - c) * one + b * before + c * former, before
        made.append(before)
    return made


def frames(samples: Samples, codec: str) -> Iterator[bytes]:
    """What a caller sends, 20 ms each; of PCM at 16 kHz, or of G.711 at 8."""
    rate = RATE if codec == "pcm" else RATE // 2
    given = samples if codec == "pcm" else samples[::2]
    step = rate * FRAME_MS // 1_000
    for at in range(0, len(given) - step + 1, step):
        frame = given[at : at + step]
        yield frame.tobytes() if codec == "pcm" else bytes(map(_to_ulaw, frame))


def decoded(data: bytes, codec: str) -> Samples:
    """Raises KeyError for a codec that the kit does not decode."""
    if codec == "pcm":
        return array.array("h", data[: len(data) // 2 * 2])
    table = DECODERS[codec]
    return array.array("h", (table[octet] for octet in data))


def _to_ulaw(sample: int) -> int:
    """ITU-T G.711, table 2a."""
    sign = 0x80 if sample < 0 else 0
    size = min(abs(sample), 32_635) + 132
    exponent = max(0, size.bit_length() - 8)
    return ~(sign | exponent << 4 | (size >> (exponent + 3)) & 0x0F) & 0xFF


def _from_ulaw(octet: int) -> int:
    octet = ~octet & 0xFF
    size = (((octet & 0x0F) << 3) + 132 << (octet >> 4 & 7)) - 132
    return -size if octet & 0x80 else size


def _from_alaw(octet: int) -> int:
    octet ^= 0x55
    exponent = octet >> 4 & 7
    size = ((octet & 0x0F) << 4) + 8
    if exponent:
        size = size + 0x100 << (exponent - 1)
    return size if octet & 0x80 else -size


DECODERS = {
    "pcmu": [_from_ulaw(octet) for octet in range(256)],
    "pcma": [_from_alaw(octet) for octet in range(256)],
}
RATES = {"pcm": RATE, "pcmu": RATE // 2, "pcma": RATE // 2}
FRAME_BYTES = {"pcm": 640, "pcmu": 160, "pcma": 160, "g722": 160}
"""Of 20 ms; Opus has no fixed size."""


def level(samples: Samples) -> float:
    """The root of the mean square; 0 of nothing."""
    if not samples:
        return 0.0
    return math.sqrt(sum(one * one for one in samples) / len(samples))


def share_of(hertz: float, samples: Samples, rate: int) -> float:
    """How much of the energy is one tone's: 1 for a pure one (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hertz / rate)
    before = former = 0.0
    for one in samples:
        before, former = one + turn * before - former, before
    power = before * before + former * former - turn * before * former
    energy = sum(one * one for one in samples)
    return 2 * power / (len(samples) * energy) if energy else 0.0


def wav(samples: Samples, rate: int = RATE) -> bytes:
    """A file of them."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return whole.getvalue()
