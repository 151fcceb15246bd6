"""Files that can be heard up to wherever they are cut."""

import io
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mediaworker.audio.arrays import Samples
from mediaworker.audio.opus import OpusLibrary
from mediaworker.audio.wav import Format, MalformedWav, WavReader
from mediaworker.opus_path import opus_paths
from mediaworker.recording.formats import HEADER, MOST_SIZE, Opus, Track, Wav
from mediaworker.recording.ogg import PAGE, checksum
from tests.worker.recording.ogg_reading import decoded, pages_of

RATE = 8_000
WIDTH = RATE // 50


def voices(seconds: float, rate: int = RATE) -> Samples:
    """440 Hz on the left, 700 Hz on the right."""
    at = np.arange(round(seconds * rate)) / rate
    waves = [np.sin(2 * np.pi * hertz * at) for hertz in (440, 700)]
    samples: Samples = (np.stack(waves, axis=1) * 10_000).astype(np.int16)
    return samples


def written(
    path: Path, make: Callable[[int], Track], samples: Samples, flush: int = 10
) -> bytes:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    track = make(descriptor)
    for begin in range(0, len(samples), WIDTH * flush):
        track.write(samples[begin : begin + WIDTH * flush])
        track.flush()
    track.finish()
    os.close(descriptor)
    whole = path.read_bytes()
    assert track.size == len(whole)
    return whole


def test_wav_says_what_it_is_and_how_long(tmp_path: Path) -> None:
    samples = voices(0.5)
    whole = written(tmp_path / "a.wav", lambda fd: Wav(fd, RATE), samples)
    with wave.open(io.BytesIO(whole)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        assert file.getsampwidth() == 2
        read = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert (read.reshape(-1, 2) == samples).all()


@pytest.mark.parametrize("flush", [1, 3, 10])
def test_wav_is_valid_when_cut_at_any_byte(tmp_path: Path, flush: int) -> None:
    samples = voices(0.1)
    whole = written(tmp_path / "a.wav", lambda fd: Wav(fd, RATE), samples, flush)
    assert len(whole) == HEADER.size + samples.nbytes
    means = samples.astype(int).sum(axis=1)
    for length in range(len(whole) + 1):
        reader = WavReader()
        events = reader.feed(whole[:length])
        if length < HEADER.size:
            with pytest.raises(MalformedWav):
                reader.finish()
            continue
        reader.finish()
        assert events[0] == Format(RATE, 2, "pcm_s16")
        heard = [event for event in events if not isinstance(event, Format)]
        count = (length - HEADER.size) // 4
        assert sum(map(len, heard)) == count
        if heard:
            assert abs(np.concatenate(heard) - means[:count] / 2).max() <= 1
        with wave.open(io.BytesIO(whole[:length])) as file:
            assert len(file.readframes(1 << 20)) // 4 == count


def test_wav_of_a_process_that_was_killed_is_valid(tmp_path: Path) -> None:
    """As it stands on the disk after each flush, and before the next."""
    path = tmp_path / "a.wav"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    track = Wav(descriptor, RATE)
    for flushed in range(4):
        with wave.open(str(path)) as file:
            assert file.getnframes() == flushed * WIDTH
        track.write(np.ones((WIDTH, 2), np.int16))
        with wave.open(str(path)) as file:
            assert file.getnframes() == flushed * WIDTH
        track.flush()
    os.close(descriptor)


def test_wav_that_is_too_long_for_its_header_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    track = Wav(descriptor, RATE)
    track.size = 1 << 33
    track.write(np.ones((WIDTH, 2), np.int16))
    track.flush()
    os.close(descriptor)
    sizes = HEADER.unpack(path.read_bytes()[: HEADER.size])
    assert (sizes[1], sizes[-1]) == (MOST_SIZE, MOST_SIZE)


@pytest.fixture(scope="module")
def library() -> OpusLibrary:
    return OpusLibrary(*opus_paths())


def opus(path: Path, library: OpusLibrary, samples: Samples, rate: int) -> bytes:
    return written(path, lambda fd: Opus(fd, rate, library, 7), samples)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_opus_sounds_as_it_was_said_and_as_long(
    tmp_path: Path, library: OpusLibrary, rate: int
) -> None:
    samples = voices(1.0, rate)
    read = decoded(opus(tmp_path / "a.opus", library, samples, rate), library)
    assert abs(len(read) - 48_000) <= 48_000 // rate
    for side, hertz in enumerate((440, 700)):
        spectrum = np.abs(np.fft.rfft(read[4_800:-4_800, side]))
        peak = np.argmax(spectrum) * 48_000 / (len(read) - 9_600)
        assert abs(peak - hertz) < 3
        level = np.sqrt(np.mean(read[4_800:-4_800, side].astype(float) ** 2))
        assert abs(level / (10_000 / 2**0.5) - 1) < 0.2


def test_opus_is_valid_when_cut_at_any_byte(
    tmp_path: Path, library: OpusLibrary
) -> None:
    whole = opus(tmp_path / "a.opus", library, voices(0.3), RATE)
    ends = [page.end for page in pages_of(whole)]
    assert len(ends) >= 4
    for length in range(ends[1], len(whole) + 1):
        pages = list(pages_of(whole[:length]))
        assert [page.end for page in pages] == [end for end in ends if end <= length]
    heard = [len(decoded(whole[:end], library)) for end in ends[1:]]
    assert heard == sorted(heard) and heard[-1] == 0.3 * 48_000


def test_pages_of_an_opus_file_count_and_end(
    tmp_path: Path, library: OpusLibrary
) -> None:
    whole = opus(tmp_path / "a.opus", library, voices(2.5), RATE)
    pages = list(pages_of(whole))
    assert [page.number for page in pages] == list(range(len(pages)))
    assert [page.flags for page in pages[:2]] == [2, 0]
    assert pages[-1].flags == 4
    positions = [page.position for page in pages]
    assert positions == sorted(positions)
    assert whole[28:36] == b"OpusHead"


def test_page_has_no_more_packets_than_fit(
    tmp_path: Path, library: OpusLibrary
) -> None:
    """Though a flush comes never, and noise makes packets long."""
    noise = np.random.default_rng(1).integers(-30_000, 30_000, (48_000 * 3, 2))
    whole = written(
        tmp_path / "a.opus",
        lambda fd: Opus(fd, 48_000, library, 7),
        noise.astype(np.int16),
        flush=10_000,
    )
    assert len(decoded(whole, library)) == 48_000 * 3


def test_checksum_is_ogg_s() -> None:
    """By the definition of RFC 3533, a bit at a time."""
    page = PAGE.pack(b"OggS", 0, 2, 1, 2, 3, 0, 0) + bytes(range(100))
    remainder = 0
    for octet in page:
        remainder ^= octet << 24
        for _ in range(8):
            remainder <<= 1
            if remainder >> 32:
                remainder ^= 0x104C11DB7
    assert checksum(page) == remainder


def test_opus_is_read_by_others(tmp_path: Path, library: OpusLibrary) -> None:
    av = pytest.importorskip("av")
    assert av and sys.executable
    path = tmp_path / "a.opus"
    opus(path, library, voices(1.0), RATE)
    script = (
        "import av, sys\n"
        "with av.open(sys.argv[1]) as file:\n"
        "    frames = list(file.decode(audio=0))\n"
        "    print(file.streams.audio[0].channels, sum(f.samples for f in frames))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    channels, samples = map(int, told.stdout.split())
    assert channels == 2 and abs(samples - 48_000) <= 960
