"""µ-law (ITU-T G.711), by tables."""

import numpy as np

from mediaworker.audio.arrays import Floats, Octets, Samples

_BIAS = 33
_LARGEST = 8191
"""Of a biased magnitude of 14 bits."""


def decode(octets: Octets, out: Samples | None = None) -> Samples:
    """To signed 16-bit samples."""
    return np.take(_DECODED, octets, out=out, mode="clip")


def decode_floats(octets: Octets, out: Floats | None = None) -> Floats:
    """To samples between -1 and 1."""
    return np.take(_DECODED_FLOATS, octets, out=out, mode="clip")


def encode(samples: Samples, out: Octets | None = None) -> Octets:
    """Signed 16-bit samples to one byte each."""
    return np.take(_ENCODED, samples.view(np.uint16), out=out, mode="clip")


def _decoded() -> Samples:
    # All bits are sent inverted: sign, segment of three bits, place in it of four.
    code = ~np.arange(256) & 0xFF
    segment, place = code >> 4 & 7, code & 15
    magnitude = ((2 * place + _BIAS) << segment) - _BIAS
    return (np.where(code & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


def _encoded() -> Octets:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(sample) + _BIAS, _LARGEST)
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    code = segment << 4 | magnitude >> (segment + 1) & 15
    inverted: Octets = (~np.where(sample < 0, code | 0x80, code)).astype(np.uint8)
    return inverted


_DECODED = _decoded()
_DECODED_FLOATS = _DECODED.astype(np.float32) / np.float32(32768)
_ENCODED = _encoded()
