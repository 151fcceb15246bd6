import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.audio import g711
from mediaworker.audio.arrays import Samples
from mediaworker.audio.encodings import ENCODINGS
from mediaworker.audio.wav import (
    MOST_BEFORE_SOUND,
    REST_OF_GUID,
    Event,
    Format,
    MalformedWav,
    WavReader,
    wav_bytes,
)

RAMP = np.arange(-32768, 32768, 128).astype(np.int16)


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    padding = b"\0" * (len(body) % 2)
    length = len(body) if size is None else size
    return struct.pack("<4sI", name, length) + body + padding


def fmt(tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16) -> bytes:
    align = channels * bits // 8
    fields = tag, channels, rate, rate * align, align, bits
    return chunk(b"fmt ", struct.pack("<HHIIHH", *fields))


def extensible(guid: bytes) -> bytes:
    fields = 0xFFFE, 1, 8000, 16000, 2, 16, 22, 16, 4
    return chunk(b"fmt ", struct.pack("<HHIIHHHHI", *fields) + guid)


def riff(*chunks: bytes) -> bytes:
    return b"RIFF\xff\xff\xff\xffWAVE" + b"".join(chunks)


def data(samples: Samples, size: int | None = None) -> bytes:
    return chunk(b"data", samples.tobytes(), size)


def read(*pieces: bytes) -> tuple[Format | None, list[int]]:
    reader = WavReader()
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
    found = [event for event in events if isinstance(event, Format)]
    assert events[: len(found)] == found and len(found) <= 1
    sound: list[int] = []
    for event in events[len(found) :]:
        assert not isinstance(event, Format)
        assert event.dtype == np.int16 and event.size
        sound += event.tolist()
    return (found[0] if found else None), sound


def sound_of(*pieces: bytes) -> list[int]:
    return read(*pieces)[1]


@pytest.mark.parametrize("rate", [8000, 16000])
def test_read_what_was_written(rate: int) -> None:
    found, sound = read(wav_bytes(RAMP, rate))
    assert found == Format(rate, 1, "pcm_s16")
    assert sound == RAMP.tolist()


def test_give_sound_before_all_has_come() -> None:
    file = wav_bytes(RAMP, 8000)
    assert sound_of(file[:103]) == RAMP[:29].tolist()


@pytest.mark.parametrize(
    ("tag", "bits", "body", "expected"),
    [
        (1, 8, b"\x00\x80\xff", [-32768, 0, 32512]),
        (1, 24, b"\xff\xff\x7f\x00\x00\x80\x00\x01\x00", [32767, -32768, 1]),
        (1, 32, struct.pack("<ii", -(2**31), 2**31 - 1), [-32768, 32767]),
        (3, 32, struct.pack("<ffff", 1, -1, 0.5, 9), [32767, -32767, 16384, 32767]),
        (3, 32, struct.pack("<f", float("nan")), [0]),
        (3, 32, struct.pack("<ff", float("inf"), -float("inf")), [32767, -32767]),
        (7, 8, b"\x00\xff", [-32124, 0]),
    ],
)
def test_read_each_encoding(
    tag: int, bits: int, body: bytes, expected: list[int]
) -> None:
    found, sound = read(riff(fmt(tag, bits=bits), chunk(b"data", body)))
    assert found is not None and found.encoding == ENCODINGS[tag, bits].name
    assert sound == expected


def test_read_mu_law_as_on_a_call() -> None:
    octets = np.arange(256, dtype=np.uint8)
    file = riff(fmt(7, bits=8), chunk(b"data", octets.tobytes()))
    assert sound_of(file) == g711.decode(octets).tolist()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_read_a_law_as_the_standard_has_it() -> None:
    audioop = pytest.importorskip("audioop")
    octets = bytes(range(256))
    expected = np.frombuffer(audioop.alaw2lin(octets, 2), np.int16)
    file = riff(fmt(6, bits=8), chunk(b"data", octets))
    assert sound_of(file) == expected.tolist()


def test_mix_channels_to_one() -> None:
    pairs = np.array((100, 200, -32768, -32768, 32767, 32767), np.int16)
    found, sound = read(riff(fmt(channels=2), data(pairs)))
    assert found == Format(8000, 2, "pcm_s16")
    assert sound == [150, -32768, 32767]


def test_read_an_extensible_format() -> None:
    file = riff(extensible(b"\x01\x00" + REST_OF_GUID), data(RAMP))
    assert sound_of(file) == RAMP.tolist()


def test_pass_over_chunks_of_odd_size() -> None:
    note = chunk(b"LIST", b"odd")
    assert sound_of(riff(note, fmt(), note, data(RAMP))) == RAMP.tolist()


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_read_to_the_end_what_was_streamed(size: int) -> None:
    assert sound_of(riff(fmt(), data(RAMP, size)), RAMP.tobytes()) == [
        *RAMP.tolist(),
        *RAMP.tolist(),
    ]


def test_ignore_what_follows_the_sound() -> None:
    file = riff(fmt(), chunk(b"data", b"\1\0\2\0\3"), chunk(b"LIST", b"text"))
    assert sound_of(file, b"more") == [1, 2]


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"ID3", "not a RIFF file"),
        (b"RIFF....AVI ", "not a RIFF file"),
        (riff(data(RAMP)), "its sound comes before its format"),
        (riff(fmt(), fmt()), "two formats"),
        (riff(chunk(b"fmt ", b"short")), "its format is 5 bytes long"),
        (riff(chunk(b"fmt ", b"", 5000)), "its format is 5000 bytes long"),
        (riff(fmt(tag=85)), "samples of 16 bits in format 85 cannot be played"),
        (riff(fmt(bits=12)), "samples of 12 bits in format 1 cannot be played"),
        (riff(fmt(channels=0)), "it has 0 channels"),
        (riff(fmt(channels=17)), "it has 17 channels"),
        (riff(fmt(rate=1)), "its rate is 1 Hz"),
        (riff(fmt().replace(b"\x02\0\x10\0", b"\x03\0\x10\0")), "into 3 bytes"),
        (riff(extensible(b"")), "does not say what it is"),
        (riff(extensible(b"\x01\x00" + bytes(14))), "does not say what it is"),
        (riff(chunk(b"LIST", b"", MOST_BEFORE_SOUND)), "within 1048576 bytes"),
    ],
)
def test_refuse_what_cannot_be_played(file: bytes, sentence: str) -> None:
    with pytest.raises(MalformedWav, match=sentence):
        read(file)


def test_refuse_chunks_without_end() -> None:
    small = chunk(b"LIST", b"")
    with pytest.raises(MalformedWav, match="within 1048576 bytes"):
        read(riff(*[small] * (MOST_BEFORE_SOUND // len(small))))


@pytest.mark.parametrize("kept", [0, 5, 20, 40])
def test_tell_that_the_file_ended_too_early(kept: int) -> None:
    reader = WavReader()
    reader.feed(wav_bytes(RAMP, 8000)[:kept])
    with pytest.raises(MalformedWav, match="ends before its sound begins"):
        reader.finish()


@pytest.mark.parametrize("kept", [44, 60, None])
def test_accept_a_file_that_was_cut_in_its_sound(kept: int | None) -> None:
    reader = WavReader()
    reader.feed(wav_bytes(RAMP, 8000)[:kept])
    reader.finish()


def pieces_of(file: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*sorted(cut % (len(file) + 1) for cut in cuts), len(file)]
    return [file[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def outcome(pieces: list[bytes]) -> tuple[Format | None, list[int]] | str:
    try:
        return read(*pieces)
    except MalformedWav as error:
        return str(error)


CUTS = st.lists(st.integers(0, 10_000), max_size=12)
CHUNKS = st.one_of(
    st.builds(
        fmt,
        st.sampled_from((1, 3, 6, 7, 85)),
        st.integers(0, 3),
        st.sampled_from((0, 8000, 44100)),
        st.sampled_from((8, 16, 24, 32)),
    ),
    st.builds(
        chunk,
        st.sampled_from((b"LIST", b"data", b"fmt ")),
        st.binary(max_size=60),
        st.none() | st.integers(0, 70) | st.just(0xFFFFFFFF),
    ),
    st.binary(max_size=12),
)
FILES = st.one_of(
    st.binary(max_size=80),
    st.lists(CHUNKS, max_size=5).map(lambda chunks: riff(*chunks)),
    st.builds(
        lambda head, body: riff(head, chunk(b"data", body)),
        st.sampled_from([fmt(tag, 2, bits=bits) for tag, bits in ENCODINGS]),
        st.binary(max_size=60),
    ),
)


@given(FILES, CUTS)
def test_read_the_same_however_it_is_cut(file: bytes, cuts: list[int]) -> None:
    assert outcome(pieces_of(file, cuts)) == outcome([file])


@given(st.lists(st.integers(-32768, 32767)), CUTS)
def test_write_and_read_any_sound(sound: list[int], cuts: list[int]) -> None:
    file = wav_bytes(np.array(sound, np.int16), 16000)
    assert outcome(pieces_of(file, cuts)) == (Format(16000, 1, "pcm_s16"), sound)


def test_pass_over_a_chunk_that_comes_in_pieces() -> None:
    file = riff(fmt(), chunk(b"LIST", bytes(100)), data(RAMP))
    assert sound_of(file[:60], file[60:]) == RAMP.tolist()
