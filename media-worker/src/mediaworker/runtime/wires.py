"""How audio stands on a socket, and how many frames of it become samples at once."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio import g711

Samples = NDArray[np.int16]
Octets = NDArray[np.uint8]


class Wire(Protocol):
    """One codec of raw audio, in frames of 20 ms."""

    @property
    def rate(self) -> int:
        """Of the samples."""

    @property
    def frame_bytes(self) -> int: ...

    @property
    def silence(self) -> bytes:
        """A frame that nothing is heard in."""

    def decode(self, frames: Octets) -> Samples:
        """One row of samples for each row of octets."""

    def encode(self, samples: Samples) -> Octets:
        """One row of octets for each row of samples."""


@dataclass(frozen=True, eq=False, slots=True)
class Pcmu:
    """G.711 µ-law at 8 kHz."""

    rate: int = 8_000
    frame_bytes: int = 160
    silence: bytes = b"\xff" * 160

    def decode(self, frames: Octets) -> Samples:
        return g711.decode(frames)

    def encode(self, samples: Samples) -> Octets:
        return g711.encode(samples)


@dataclass(frozen=True, eq=False, slots=True)
class Pcma:
    """G.711 A-law at 8 kHz."""

    rate: int = 8_000
    frame_bytes: int = 160
    silence: bytes = b"\xd5" * 160

    def decode(self, frames: Octets) -> Samples:
        return g711.decode_a_law(frames)

    def encode(self, samples: Samples) -> Octets:
        return g711.encode_a_law(samples)


@dataclass(frozen=True, eq=False, slots=True)
class Pcm:
    """16-bit little-endian samples at 16 kHz."""

    rate: int = 16_000
    frame_bytes: int = 640
    silence: bytes = bytes(640)

    def decode(self, frames: Octets) -> Samples:
        return np.ascontiguousarray(frames).view(np.int16)

    def encode(self, samples: Samples) -> Octets:
        return np.ascontiguousarray(samples).view(np.uint8)


WIRES: dict[Codec, Wire] = {
    Codec.PCMU: Pcmu(),
    Codec.PCMA: Pcma(),
    Codec.PCM: Pcm(),
}
"""Those of the engine: what codecs with state become is ``PCM``."""
