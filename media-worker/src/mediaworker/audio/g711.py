"""µ-law and A-law (ITU-T G.711), by tables."""

import numpy as np

from mediaworker.audio.arrays import Floats, Octets, Samples

_BIAS = 33
_LARGEST = 8191
"""Of a biased magnitude of 14 bits."""
_EVERY_SECOND = 0x55


def decode(octets: Octets, out: Samples | None = None) -> Samples:
    """µ-law to signed 16-bit samples."""
    return np.take(_DECODED, octets, out=out, mode="clip")


def decode_floats(octets: Octets, out: Floats | None = None) -> Floats:
    """µ-law to samples between -1 and 1."""
    return np.take(_DECODED_FLOATS, octets, out=out, mode="clip")


def encode(samples: Samples, out: Octets | None = None) -> Octets:
    """Signed 16-bit samples to one byte of µ-law each."""
    return np.take(_ENCODED, samples.view(np.uint16), out=out, mode="clip")


def decode_a_law(octets: Octets, out: Samples | None = None) -> Samples:
    """A-law to signed 16-bit samples."""
    return np.take(_A_LAW_DECODED, octets, out=out, mode="clip")


def encode_a_law(samples: Samples, out: Octets | None = None) -> Octets:
    """Signed 16-bit samples to one byte of A-law each."""
    return np.take(_A_LAW_ENCODED, samples.view(np.uint16), out=out, mode="clip")


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


def _a_law_decoded() -> Samples:
    # Every second bit is sent inverted; the sign is set for what is positive.
    code = np.arange(256) ^ _EVERY_SECOND
    segment, place = code >> 4 & 7, code & 15
    lowest = (2 * place + 1) << 3
    magnitude = np.where(segment, (lowest + 256) << np.maximum(segment - 1, 0), lowest)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _a_law_encoded() -> Octets:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 3
    magnitude = np.where(sample < 0, ~sample, sample)
    segment = np.maximum(np.floor(np.log2(magnitude | 1)).astype(np.int32) - 4, 0)
    code = segment << 4 | magnitude >> np.maximum(segment, 1) & 15
    signed = np.where(sample < 0, code, code | 0x80)
    inverted: Octets = (signed ^ _EVERY_SECOND).astype(np.uint8)
    return inverted


_DECODED = _decoded()
_DECODED_FLOATS = _DECODED.astype(np.float32) / np.float32(32768)
_ENCODED = _encoded()
_A_LAW_DECODED = _a_law_decoded()
_A_LAW_ENCODED = _a_law_encoded()
