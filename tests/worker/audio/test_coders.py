import numpy as np
import pytest

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio import g711
from mediaworker.audio.arrays import Floats
from mediaworker.audio.coders import Coder, MalformedPayload, coder_of
from mediaworker.audio.opus import OpusLibrary
from mediaworker.opus_path import opus_paths

LIBRARY = OpusLibrary(*opus_paths())
CODECS = [Codec.PCMU, Codec.PCMA, Codec.G722, Codec.OPUS]
EACH = pytest.mark.parametrize("codec", CODECS)


def made(codec: Codec) -> Coder:
    return coder_of(codec, LIBRARY)


def samples_of(codec: Codec, wire: bytes) -> Floats:
    octets = np.frombuffer(wire, np.uint8)
    if codec is Codec.PCMU:
        return g711.decode(octets).astype(np.float32)
    if codec is Codec.PCMA:
        return g711.decode_a_law(octets).astype(np.float32)
    return octets.view(np.int16).astype(np.float32)


def frames_of(codec: Codec, speech: Floats) -> list[bytes]:
    """Two seconds of it on the codec's wire."""
    samples = (speech[:32_000] * 32_767).astype(np.int16)
    if codec is Codec.PCMU:
        wire = g711.encode(samples[::2].copy()).tobytes()
    elif codec is Codec.PCMA:
        wire = g711.encode_a_law(samples[::2].copy()).tobytes()
    else:
        wire = samples.tobytes()
    size = len(wire) // 100
    return [wire[place : place + size] for place in range(0, len(wire), size)]


@EACH
def test_hear_what_was_said(codec: Codec, speech: Floats) -> None:
    near, far = made(codec), made(codec)
    frames = frames_of(codec, speech)
    payloads = [near.encode(frame) for frame in frames]
    ticks = {far.duration(payload) for payload in payloads}
    assert ticks == {near.clock_rate // 50}
    sent = samples_of(codec, b"".join(frames))
    heard = samples_of(codec, b"".join(map(far.decode, payloads)))
    best = max(
        np.corrcoef(sent[: -(lag + 1)], heard[lag:-1])[0, 1] for lag in range(150)
    )
    assert best > 0.85


@EACH
def test_agree_with_itself_about_sizes(codec: Codec) -> None:
    coder = made(codec)
    assert coder.codec is codec
    assert len(coder.silence) == coder.frame_bytes == len(coder.conceal())
    assert coder.duration(coder.silent_payload) == coder.clock_rate // 50
    assert len(coder.decode(coder.silent_payload)) == coder.frame_bytes


@EACH
def test_hear_nothing_in_silence_after_speech(codec: Codec, speech: Floats) -> None:
    near, far = made(codec), made(codec)
    for frame in frames_of(codec, speech):
        far.decode(near.encode(frame))
    for _ in range(5):
        heard = far.decode(near.silent_payload)
    assert np.abs(samples_of(codec, heard)).max() < 64
    assert np.abs(samples_of(codec, near.silence)).max() < 64


@EACH
def test_go_on_after_silence_as_in_the_beginning(codec: Codec, speech: Floats) -> None:
    near, fresh = made(codec), made(codec)
    frames = frames_of(codec, speech)
    for frame in frames[50:]:
        near.encode(frame)
    near.restart()
    assert [near.encode(f) for f in frames[:9]] == [fresh.encode(f) for f in frames[:9]]


@EACH
def test_refuse_what_is_no_frame(codec: Codec) -> None:
    with pytest.raises(ValueError, match="a frame has"):
        made(codec).encode(bytes(4))


@EACH
def test_refuse_payloads_too_long_or_empty(codec: Codec) -> None:
    coder = made(codec)
    for payload in (b"", b"\xff" * 961):
        with pytest.raises(MalformedPayload):
            coder.duration(payload)
        with pytest.raises(MalformedPayload):
            coder.decode(payload)


@pytest.mark.parametrize("codec", CODECS[:3])
def test_take_payloads_of_any_length(codec: Codec) -> None:
    coder = made(codec)
    for milliseconds in (10, 20, 30, 40, 60, 120):
        payload = b"\xd5" * (milliseconds * 8)
        assert coder.duration(payload) == milliseconds * 8
        decoded = coder.decode(payload)
        assert len(decoded) == coder.frame_bytes * milliseconds // 20


def test_recover_by_opus_alone() -> None:
    assert [made(codec).recover(b"\x00" * 160) for codec in CODECS[:3]] == [None] * 3
    assert made(Codec.OPUS).recover(b"\x48\x40" + bytes(30)) is not None


def test_recover_nothing_where_the_library_refuses() -> None:
    coder = made(Codec.OPUS)
    assert coder.recover(b"\x48\x40" + bytes(1_300)) is None


@EACH
def test_close_more_than_once(codec: Codec) -> None:
    coder = made(codec)
    coder.close()
    coder.close()


def test_keep_to_the_bitrate_that_is_wanted(speech: Floats) -> None:
    def octets(bitrate: int | None) -> int:
        coder = coder_of(Codec.OPUS, LIBRARY, bitrate=bitrate)
        return sum(len(coder.encode(f)) for f in frames_of(Codec.OPUS, speech))

    assert octets(1) == octets(6_000) < octets(12_000) < octets(None) == octets(10**6)


def test_say_which_codec_there_is_none_for() -> None:
    for codec, library in ((Codec.PCM, LIBRARY), (Codec.OPUS, None)):
        with pytest.raises(ValueError, match=f"no coder of {codec}"):
            coder_of(codec, library)
