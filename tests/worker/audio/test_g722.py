import numpy as np
import pytest

from mediaworker.audio import g722
from mediaworker.audio.arrays import Floats


def test_hear_what_was_said(speech: Floats) -> None:
    sent = (speech[: 320 * 200] * 32_767).astype(np.int16)
    encoder, decoder = g722.Encoder(), g722.Decoder()
    octets = [encoder.encode(frame.tobytes()) for frame in sent.reshape(-1, 320)]
    assert {len(payload) for payload in octets} == {160}
    heard = np.frombuffer(b"".join(map(decoder.decode, octets)), np.int16)
    delay = 22
    one, other = sent[:-delay].astype(float), heard[delay:].astype(float)
    noise = one - other
    assert 10 * np.log10((one**2).sum() / (noise**2).sum()) > 15


def test_forget_what_was_encoded() -> None:
    frame = np.random.default_rng(1).integers(-8_000, 8_000, 320, np.int16).tobytes()
    encoder = g722.Encoder()
    first = encoder.encode(frame)
    assert encoder.encode(frame) != first
    encoder.reset()
    assert encoder.encode(frame) == first


def test_come_to_rest_by_silence() -> None:
    noise = np.random.default_rng(1).integers(-8_000, 8_000, 1_600, np.int16)
    decoder = g722.Decoder()
    decoder.decode(g722.Encoder().encode(noise.tobytes()))
    decoder.decode(g722.SILENT_OCTET * 160)
    heard = np.frombuffer(decoder.decode(g722.SILENT_OCTET * 1_600), np.int16)
    assert np.abs(heard).max() < 64


@pytest.mark.parametrize("samples", [bytes(2), bytes(639)])
def test_refuse_half_an_octet(samples: bytes) -> None:
    with pytest.raises(ValueError, match="no whole number of octets"):
        g722.Encoder().encode(samples)


def test_decode_nothing() -> None:
    assert g722.Decoder().decode(b"") == b""
