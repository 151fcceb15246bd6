import warnings

import numpy as np
import pytest

from mediaworker.audio import g711

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    audioop = pytest.importorskip("audioop")

OCTETS = np.arange(256, dtype=np.uint8)
SAMPLES = np.arange(-32768, 32768).astype(np.int16)


def test_decode_as_the_standard_has_it() -> None:
    expected = np.frombuffer(audioop.ulaw2lin(OCTETS.tobytes(), 2), np.int16)
    assert g711.decode(OCTETS).tolist() == expected.tolist()


def test_encode_as_the_standard_has_it() -> None:
    expected = audioop.lin2ulaw(SAMPLES.tobytes(), 2)
    assert g711.encode(SAMPLES).tobytes() == expected


def test_silence_is_all_ones() -> None:
    assert g711.encode(np.zeros(1, np.int16)).tolist() == [0xFF]
    assert g711.decode(np.array([0xFF, 0x7F], np.uint8)).tolist() == [0, 0]


def test_decode_what_was_encoded_again() -> None:
    twice = g711.encode(g711.decode(OCTETS))
    # The two zeros are one.
    assert np.flatnonzero(twice != OCTETS).tolist() == [0x7F]


def test_decode_floats_at_full_scale() -> None:
    floats = g711.decode_floats(OCTETS)
    assert floats.dtype == np.float32
    assert floats.tolist() == (g711.decode(OCTETS) / 32768).tolist()


def test_write_rows_where_told() -> None:
    octets = OCTETS.reshape(2, 128)
    samples, floats = np.empty((2, 128), np.int16), np.empty((2, 128), np.float32)
    back = np.empty((2, 128), np.uint8)
    assert g711.decode(octets, samples) is samples
    assert g711.decode_floats(octets, floats) is floats
    assert g711.encode(samples, back) is back
    assert samples.tolist() == g711.decode(octets).tolist()


def test_decode_a_law_as_the_standard_has_it() -> None:
    expected = np.frombuffer(audioop.alaw2lin(OCTETS.tobytes(), 2), np.int16)
    assert g711.decode_a_law(OCTETS).tolist() == expected.tolist()


def test_encode_a_law_as_the_standard_has_it() -> None:
    expected = audioop.lin2alaw(SAMPLES.tobytes(), 2)
    assert g711.encode_a_law(SAMPLES).tobytes() == expected


def test_decode_what_was_encoded_again_in_a_law() -> None:
    twice = g711.encode_a_law(g711.decode_a_law(OCTETS))
    assert twice.tolist() == OCTETS.tolist()


def test_write_a_law_where_told() -> None:
    samples, back = np.empty(256, np.int16), np.empty(256, np.uint8)
    assert g711.decode_a_law(OCTETS, samples) is samples
    assert g711.encode_a_law(samples, back) is back
