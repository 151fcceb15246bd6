import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.audio.arrays import Floats
from mediaworker.audio.opus import (
    FRAME_BYTES,
    MOST_SAMPLES,
    OpusError,
    OpusLibrary,
    OpusMissing,
    duration,
)
from mediaworker.opus_path import opus_paths

CELT_20 = 31 << 3
SILK_WB_20 = 9 << 3


@pytest.fixture(scope="module")
def library() -> OpusLibrary:
    return OpusLibrary(*opus_paths())


@pytest.fixture(scope="module")
def frames(speech: Floats) -> list[bytes]:
    samples = (speech[: 320 * 200] * 32_767).astype(np.int16)
    return [frame.tobytes() for frame in samples.reshape(-1, 320)]


def likeness(sent: bytes, heard: bytes) -> float:
    """The correlation at the delay where it is greatest, up to 20 ms."""
    one, other = (np.frombuffer(x, np.int16).astype(np.float64) for x in (sent, heard))
    count = len(one) - 320
    return max(
        float(np.corrcoef(one[:count], other[lag : lag + count])[0, 1])
        for lag in range(0, 320, 4)
    )


def test_hear_what_was_said(library: OpusLibrary, frames: list[bytes]) -> None:
    encoder, decoder = library.encoder(), library.decoder()
    heard = [decoder.decode(encoder.encode(frame)) for frame in frames]
    assert {len(frame) for frame in heard} == {FRAME_BYTES}
    assert likeness(b"".join(frames), b"".join(heard)) > 0.9


def test_keep_to_the_bitrate(library: OpusLibrary, frames: list[bytes]) -> None:
    encoder = library.encoder(bitrate=16_000)
    octets = sum(len(encoder.encode(frame)) for frame in frames)
    assert octets * 8 / (len(frames) * 0.02) < 20_000


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_other_rates_and_two_sides(library: OpusLibrary, rate: int) -> None:
    encoder = library.encoder(48_000, rate=rate, channels=2)
    assert 0 < encoder.lookahead < rate // 50
    assert duration(encoder.encode(bytes(4 * rate // 50))) == 960
    with pytest.raises(OpusError):
        encoder.encode(bytes(2 * rate // 50))


def test_forget_what_was_encoded(library: OpusLibrary, frames: list[bytes]) -> None:
    encoder = library.encoder()
    first = encoder.encode(frames[50])
    encoder.encode(frames[51])
    encoder.reset()
    assert encoder.encode(frames[50]) == first


def test_make_up_what_is_lost(library: OpusLibrary, frames: list[bytes]) -> None:
    encoder, decoder = library.encoder(), library.decoder()
    for frame in frames[:60]:
        decoder.decode(encoder.encode(frame))
    made = decoder.conceal()
    assert len(made) == FRAME_BYTES
    assert any(made)


def test_recover_nothing_that_is_not_there(
    library: OpusLibrary, frames: list[bytes]
) -> None:
    encoder, decoder = library.encoder(), library.decoder()
    packets = [encoder.encode(frame) for frame in frames[:60]]
    assert all(decoder.recover(packet) is None for packet in packets)
    assert decoder.recover(b"") is None
    assert decoder.recover(bytes((CELT_20, 0xFF))) is None


def test_recover_the_frame_before(library: OpusLibrary, frames: list[bytes]) -> None:
    # No encoder of ours makes copies, so this one is told to.
    encoder, decoder = library.encoder(), library.decoder()
    encoder._set(4_012, 1)
    encoder._set(4_014, 20)
    packets = [encoder.encode(frame) for frame in frames[:120]]
    heard, recovered = [], 0
    for before, packet in zip(packets[::2], packets[1::2], strict=True):
        frame = decoder.recover(packet)
        recovered += frame is not None
        heard.append(decoder.decode(before) if frame is None else frame)
        heard.append(decoder.decode(packet))
    assert recovered > 10
    assert likeness(b"".join(frames[:120]), b"".join(heard)) > 0.8


def test_refuse_what_is_no_frame(library: OpusLibrary) -> None:
    with pytest.raises(OpusError, match="a frame has 640 bytes"):
        library.encoder().encode(bytes(FRAME_BYTES - 2))


@pytest.mark.parametrize("packet", [b"", bytes((SILK_WB_20 | 3,)), b"\xff\xff\x01"])
def test_refuse_what_is_no_packet(library: OpusLibrary, packet: bytes) -> None:
    with pytest.raises(OpusError):
        library.decoder().decode(packet)


def test_refuse_a_bitrate_that_there_is_not(library: OpusLibrary) -> None:
    with pytest.raises(OpusError, match="invalid argument"):
        library.encoder(bitrate=0)
    with pytest.raises(OpusError, match="invalid argument"):
        library.encoder(complexity=11)


def test_give_memory_back_once(library: OpusLibrary) -> None:
    encoder, decoder = library.encoder(), library.decoder()
    for _ in range(2):
        encoder.close()
        decoder.close()
    with pytest.raises(TypeError):
        decoder.conceal()
    with pytest.raises(TypeError):
        encoder.encode(bytes(FRAME_BYTES))


def test_say_that_there_is_no_library() -> None:
    with pytest.raises(OpusMissing):
        OpusLibrary("/nowhere/libopus.so", "libopus-of-nobody.so")


def test_take_the_next_library_when_one_is_missing() -> None:
    OpusLibrary("/nowhere/libopus.so", *opus_paths())


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (bytes((0 << 3,)), 10),
        (bytes((3 << 3,)), 60),
        (bytes((SILK_WB_20,)), 20),
        (bytes((12 << 3,)), 10),
        (bytes((13 << 3,)), 20),
        (bytes((16 << 3,)), 2.5),
        (bytes((CELT_20,)), 20),
        (bytes((CELT_20 | 1,)), 40),
        (bytes((CELT_20 | 2,)), 40),
        (bytes((CELT_20 | 3, 6)), 120),
        (bytes((16 << 3 | 3, 48)), 120),
    ],
)
def test_tell_how_long_a_packet_lasts(packet: bytes, milliseconds: float) -> None:
    """RFC 6716 section 3.1."""
    assert duration(packet) == milliseconds * 48


@pytest.mark.parametrize(
    "packet", [b"", bytes((CELT_20 | 3,)), bytes((CELT_20 | 3, 0)), b"\xfb\x07"]
)
def test_refuse_a_packet_of_no_length(packet: bytes) -> None:
    with pytest.raises(OpusError):
        duration(packet)


@given(packet=st.binary(max_size=64))
def test_decode_anything_in_bounds(library: OpusLibrary, packet: bytes) -> None:
    decoder = library.decoder()
    try:
        decoder.recover(packet)
        heard = decoder.decode(packet)
    except OpusError:
        heard = b""
    finally:
        decoder.close()
    assert len(heard) <= MOST_SAMPLES * 2
