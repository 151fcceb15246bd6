"""G.722 at 64 kbit/s: an octet for each two samples of 16 kHz."""

from array import array

from G722 import G722

RATE = 16_000
BITRATE = 64_000
FRAME_BYTES = RATE // 50 * 2
SILENT_OCTET = b"\xff"
"""The smallest step in both bands, so that a decoder comes to rest."""


class Encoder:
    """Signed 16-bit samples to octets."""

    def __init__(self) -> None:
        self._state = _fresh()

    def encode(self, samples: bytes) -> bytes:
        """Raises `ValueError` unless their number is even."""
        if len(samples) % 4:
            raise ValueError("it is no whole number of octets")
        octets: bytes = self._state.encode(memoryview(samples).cast("h"))
        return octets

    def reset(self) -> None:
        """Forget what was encoded."""
        self._state = _fresh()


class Decoder:
    """Octets, any number of them, to signed 16-bit samples."""

    def __init__(self) -> None:
        self._state = _fresh()

    def decode(self, octets: bytes) -> bytes:
        samples: array[int] = self._state.decode(octets)
        return samples.tobytes()


def _fresh() -> G722:
    return G722(RATE, BITRATE, False)
