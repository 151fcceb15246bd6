import numpy as np
import pytest

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.runtime.wires import WIRES

EACH = pytest.mark.parametrize("codec", WIRES)


@EACH
def test_hear_nothing_in_silence(codec: Codec) -> None:
    wire = WIRES[codec]
    assert len(wire.silence) == wire.frame_bytes
    silence = np.frombuffer(wire.silence, np.uint8)[None]
    samples = wire.decode(silence)
    assert samples.shape == (1, wire.rate // 50)
    assert np.abs(samples).max() <= 8
    assert wire.encode(samples).tobytes() == wire.silence


@EACH
def test_decode_rows_of_what_was_encoded(codec: Codec) -> None:
    wire = WIRES[codec]
    shape = (3, wire.rate // 50)
    samples = np.random.default_rng(1).integers(-30_000, 30_000, shape, np.int16)
    octets = wire.encode(samples)
    assert octets.shape == (3, wire.frame_bytes)
    heard = wire.decode(octets).astype(int)
    assert np.abs(heard - samples).max() <= 1_024
    assert wire.encode(wire.decode(octets)).tolist() == octets.tolist()
