"""How the samples of a WAV file are written, and signed 16-bit of each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mediaworker.audio import g711
from mediaworker.audio.arrays import Samples


@dataclass(frozen=True, slots=True)
class Encoding:
    name: str
    width: int
    """Bytes of a sample."""
    decode: Callable[[bytes], Samples]
    """Of a whole number of samples."""


def _unsigned_8(data: bytes) -> Samples:
    return (np.frombuffer(data, np.uint8).astype(np.int16) - 128) * np.int16(256)


def _signed_16(data: bytes) -> Samples:
    return np.frombuffer(data, "<i2").astype(np.int16)


def _signed_24(data: bytes) -> Samples:
    highest = np.frombuffer(data, np.uint8).reshape(-1, 3)[:, 1:]
    return np.ascontiguousarray(highest).view("<i2")[:, 0].astype(np.int16)


def _signed_32(data: bytes) -> Samples:
    return (np.frombuffer(data, "<i4") >> 16).astype(np.int16)


def _float_32(data: bytes) -> Samples:
    # What is no number is silence; infinity is as loud as can be.
    finite = np.nan_to_num(np.frombuffer(data, "<f4"), posinf=1, neginf=-1)
    samples: Samples = np.rint(np.clip(finite, -1, 1) * 32767).astype(np.int16)
    return samples


def _mu_law(data: bytes) -> Samples:
    return g711.decode(np.frombuffer(data, np.uint8))


def _a_law(data: bytes) -> Samples:
    return g711.decode_a_law(np.frombuffer(data, np.uint8))


ENCODINGS = {
    (1, 8): Encoding("pcm_u8", 1, _unsigned_8),
    (1, 16): Encoding("pcm_s16", 2, _signed_16),
    (1, 24): Encoding("pcm_s24", 3, _signed_24),
    (1, 32): Encoding("pcm_s32", 4, _signed_32),
    (3, 32): Encoding("float32", 4, _float_32),
    (6, 8): Encoding("pcma", 1, _a_law),
    (7, 8): Encoding("pcmu", 1, _mu_law),
}
"""Format tag and bits of a sample, as in the file -> the encoding."""
