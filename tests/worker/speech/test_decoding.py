"""Files into samples: every kind, every cut, and what is no such file."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaworker.speech.decoding import child as child_module
from mediaworker.speech.decoding import program
from mediaworker.speech.decoding.child import Children
from mediaworker.speech.decoding.files import Files
from mediaworker.speech.decoding.library import libsndfile
from mediaworker.speech.decoding.pieces import Piece, mixed
from mediaworker.speech.ports import Failure
from tests.worker.speech.sounds import (
    EXACT,
    KINDS,
    Samples,
    file_of,
    hertz_of,
    level_of,
    tone,
)

SECONDS = 10.0
CODECS_MS = 60
"""What an encoder may add to a file, or ADPCM's last block."""


async def _chunks(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _decoded(chunks: AsyncIterator[bytes], children: Children) -> list[Piece]:
    async with Files(children).decoding(chunks) as pieces:
        return [piece async for piece in pieces]


def run(talk: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await talk()

    asyncio.run(bounded())


def decoded(*pieces: bytes, children: Children | None = None) -> tuple[int, Samples]:
    """Rate and samples of a file that comes in pieces."""
    found: list[Piece] = []

    async def talk() -> None:
        own = children or Children(libsndfile())
        found.extend(await _decoded(_chunks(pieces), own))

    run(talk)
    (rate,) = {piece.rate for piece in found}
    return rate, np.concatenate([piece.samples for piece in found])


def refused(*pieces: bytes, children: Children | None = None) -> Failure:
    with pytest.raises(Failure) as caught:
        decoded(*pieces, children=children)
    return caught.value


@pytest.mark.covers("play.url")
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_decode_a_tone(kind: str, channels: int) -> None:
    rate = 48_000 if kind == "opus" else 44_100
    sound = tone(rate, 1_000)
    found_rate, samples = decoded(file_of(kind, sound, rate, channels))
    assert found_rate == rate
    assert len(samples) == pytest.approx(rate, abs=rate * CODECS_MS / 1_000)
    assert hertz_of(samples, rate) == pytest.approx(440, abs=1)
    # LAME takes some of a pure tone away where there are two channels.
    assert level_of(samples[: rate // 2]) == pytest.approx(level_of(sound), rel=0.25)
    if kind in EXACT:
        assert np.abs(samples.astype(int) - sound).max() <= 1


@pytest.mark.parametrize("kind", ["flac", "mp3", "vorbis"])
@pytest.mark.parametrize("rate", [8_000, 22_050])
def test_decode_telephony_rates(kind: str, rate: int) -> None:
    found_rate, samples = decoded(file_of(kind, tone(rate, 500), rate))
    assert found_rate == rate
    assert hertz_of(samples, rate) == pytest.approx(440, abs=5)
    assert len(samples) == pytest.approx(rate / 2, abs=rate * CODECS_MS / 1_000)


@pytest.mark.parametrize("kind", ["flac", "mp3", "vorbis", "opus", "wav", "ima-adpcm"])
def test_hear_the_beginning_before_the_end_has_come(kind: str) -> None:
    rate = 48_000
    noise = np.random.default_rng(7).integers(-9_000, 9_000, 5 * rate)
    file = file_of(kind, noise.astype(np.int16), rate)

    async def talk() -> None:
        goes_on = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield file[: len(file) // 2]
            await goes_on.wait()
            yield file[len(file) // 2 :]

        files = Files(Children(libsndfile()))
        async with files.decoding(slowly()) as pieces:
            count = len((await anext(pieces)).samples)
            assert count
            goes_on.set()
            async for piece in pieces:
                count += len(piece.samples)
        assert count == pytest.approx(5 * rate, abs=rate * CODECS_MS / 1_000)

    run(talk)


SHORT = {kind: file_of(kind, tone(16_000, 80), 16_000) for kind in ("wav", "flac")}
WHOLE: dict[str, Samples] = {}


@settings(max_examples=15)
@given(st.data(), st.sampled_from(sorted(SHORT)))
def test_split_makes_no_difference(data: st.DataObject, kind: str) -> None:
    file = SHORT[kind]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(file) - 1), max_size=6)))
    edges = [0, *cuts, len(file)]
    pieces = [file[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    if kind not in WHOLE:
        WHOLE[kind] = decoded(file)[1]
    assert np.array_equal(decoded(*pieces)[1], WHOLE[kind])


def test_skip_the_tags_before_an_mp3() -> None:
    file = file_of("mp3", tone(16_000, 300), 16_000)
    picture = bytes(300_000)
    size = bytes(len(picture) >> shift & 127 for shift in (21, 14, 7, 0))
    tag = b"ID3\x04\0\0" + size + picture
    rate, samples = decoded(tag[:7], tag[7:90_000], tag[90_000:], tag + file)
    assert rate == 16_000 and len(samples) > 4_000


def test_hear_a_damaged_file_as_far_as_it_goes() -> None:
    file = file_of("flac", tone(16_000, 2_000), 16_000)
    rate, samples = decoded(file[: len(file) // 2])
    assert rate == 16_000 and 0 < len(samples) < 2 * 16_000
    file = file_of("mp3", tone(16_000, 2_000), 16_000)
    assert len(decoded(file[:2_000], bytes(500), file[2_500:])[1]) > 16_000


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"", "neither WAV, MP3, Ogg nor FLAC"),
        (b"<html>not found</html>", "neither WAV"),
        (b"ID3\x04\0\0\0\0\0\x7f", "ends before its sound begins"),
        (b"ID3\x04\0\0\x7f\x7f\x7f\x7f", "does not begin within"),
        (b"fLaC" + bytes(100), "it is damaged"),
        (b"OggS" + bytes(100), "it is damaged"),
        (b"\xff\xfb\x90\x64" + bytes(2_000), "no sound in it"),
        (b"RIFF\0\0\0\0WAVE", "ends before its sound begins"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "its sound comes before its format"),
    ],
)
def test_refuse_what_is_no_such_file(file: bytes, sentence: str) -> None:
    failure = refused(file)
    assert failure.code == 415
    assert sentence in failure.sentence


def flac_head(rate: int = 8_000, channels: int = 1, frames: int = 0) -> bytes:
    """STREAMINFO alone (RFC 9639 section 8.2)."""
    bits = rate << 44 | (channels - 1) << 41 | 15 << 36 | frames
    info = b"\x10\0\x10\0" + bytes(6) + bits.to_bytes(8) + bytes(16)
    return b"fLaC\x80" + len(info).to_bytes(3) + info


@pytest.mark.parametrize("head", [flac_head(1), flac_head(655_350)])
def test_refuse_a_rate_that_is_out_of_bounds(head: bytes) -> None:
    failure = refused(head + bytes(5_000))
    assert failure.code == 415 and "out of bounds" in failure.sentence


def test_believe_no_length() -> None:
    """A head that promises 2^36 frames costs nothing."""
    with pytest.raises((Failure, ValueError)):
        decoded(flac_head(48_000, 8, (1 << 36) - 1) + bytes(5_000))


def test_fail_as_the_download_does() -> None:
    file = file_of("mp3", tone(16_000, 2_000), 16_000)

    async def broken() -> AsyncIterator[bytes]:
        yield file[: len(file) // 2]
        raise Failure("the connection was lost", 502)

    async def talk() -> None:
        count = 0
        with pytest.raises(Failure, match="the connection was lost"):
            async with Files(Children(libsndfile())).decoding(broken()) as pieces:
                async for piece in pieces:
                    count += len(piece.samples)
        assert count > 8_000

    run(talk)


def test_outlive_a_decoder_that_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    children = Children(libsndfile())
    started = Children._start

    async def doomed(self: Children, container: object) -> child_module.Child:
        child = await started(self, container)  # type: ignore[arg-type]
        child._process.send_signal(signal.SIGSEGV)
        return child

    monkeypatch.setattr(Children, "_start", doomed)
    file = file_of("flac", tone(16_000, 2_000), 16_000)
    failure = refused(file, children=children)
    assert failure.code == 415 and "gave up on it" in failure.sentence
    assert children.running == 0


def test_end_a_decoder_that_nobody_hears() -> None:
    file = file_of("flac", tone(16_000, 60_000), 16_000)
    children = Children(libsndfile())

    async def talk() -> None:
        async with Files(children).decoding(_chunks([file] * 3)) as pieces:
            await anext(pieces)
            assert children.running == 1
        assert children.running == 0

    run(talk)


def test_start_no_more_than_so_many() -> None:
    failure = refused(flac_head(), children=Children(libsndfile(), 0, 0.01))
    assert (failure.sentence, failure.code) == (
        "too many files are being decoded",
        503,
    )


def test_play_wav_alone_without_the_library() -> None:
    without = Children(None)
    assert refused(flac_head(), children=without).code == 503
    sound = tone(8_000, 100)
    assert np.array_equal(
        decoded(file_of("wav", sound, 8_000), children=without)[1], sound
    )


def test_find_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = libsndfile()
    assert found is not None and found.is_file()
    from mediaworker.speech.decoding import library

    monkeypatch.setattr(library, "FOLDER", "no_such_package")
    assert libsndfile() is None
    monkeypatch.setattr(library, "FOLDER", "numpy")
    assert libsndfile() is None


def test_mix_what_is_no_number() -> None:
    floats = np.array([np.nan, 0.5, np.inf, 1.0, -np.inf, -1.0], "<f4").tobytes()
    assert mixed(floats, 2).tolist() == [8_192, 32_767, -32_768]


def test_rewind_what_was_kept() -> None:
    source = [b"abcd", b"efgh", b""]
    pipe = program.Rewindable(lambda count: source.pop(0)[:count])
    assert pipe.take(4) == b"abcd"
    assert pipe.seek(1, 0) == 1
    assert pipe.take(10) == b"bcd"
    assert pipe.seek(0, 2) == -1 and pipe.seek(0, 1) == 4 and pipe.seek(9, 0) == -1
    assert pipe.take(4) == b"efgh"
    assert pipe.take(4) == b""


def test_decode_from_one_descriptor_to_another(tmp_path: Path) -> None:
    found = libsndfile()
    assert found is not None
    library = program.Library(str(found))
    for kind, status in (("flac", 0), ("ogg", program.UNREADABLE)):
        path = tmp_path / kind
        path.write_bytes(SHORT["flac"] if kind == "flac" else b"OggS" + bytes(99))
        out = tmp_path / "out"
        with path.open("rb") as source, out.open("wb") as sink:
            done = program.decode(library, kind, source.fileno(), sink.fileno())
        assert done == status
        if not status:
            assert program.HEAD.unpack(out.read_bytes()[:8]) == (16_000, 1)
            assert len(out.read_bytes()) == 8 + 4 * 16_000 * 80 // 1_000


def test_name_no_module_of_ours() -> None:
    """The program runs with the standard library alone."""
    names = {name.partition(".")[0] for name in vars(program) if name in sys.modules}
    assert names <= {"ctypes", "os", "resource", "signal", "struct", "sys"}


DAMAGED = {
    kind: file_of(kind, tone(16_000, 60), 16_000)
    for kind in ("flac", "mp3", "vorbis", "opus", "ima-adpcm")
}


@settings(max_examples=40)
@given(st.sampled_from(sorted(DAMAGED)), st.data())
def test_survive_any_damage(kind: str, data: st.DataObject) -> None:
    """What is heard is bounded, and what is not is refused; nothing hangs."""
    file = bytearray(DAMAGED[kind])
    last = len(file) - 1
    for _ in range(data.draw(st.integers(1, 8))):
        file[data.draw(st.integers(4, last))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(16, len(file)))
    children = Children(libsndfile())
    heard = 0

    async def talk() -> None:
        nonlocal heard
        async with Files(children).decoding(_chunks([bytes(file[:end])])) as pieces:
            async for piece in pieces:
                heard += len(piece.samples)
                if heard > 1 << 22:
                    return

    try:
        run(talk)
    except Failure as failure:
        assert failure.code == 415
    assert children.running == 0
