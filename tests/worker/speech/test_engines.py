"""The real engines: what they say is understood, and what was recorded is too."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soxr

from mediaworker.audio.wav import Format, WavReader
from mediaworker.speech.ear import hearable
from mediaworker.speech.espeak import PATH_MAX, Espeak, _short
from mediaworker.speech.flite import Flite
from mediaworker.speech.moonshine import Moonshine, credible, is_silent, unrepeated
from mediaworker.speech.pico import Pico
from mediaworker.speech.ports import Engine, Heard, NotInstalled, Samples, Voice
from mediaworker.speech.vocabulary import Vocabulary

MODELS = Path(__file__).parents[3] / ".parley" / "models"
SENTENCE = "The weather in the city will be warm and sunny today."


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z ]", "", text.lower()).split()


SPOKEN = words(
    "It was the best of times, it was the worst of times, it was the age of wisdom, "
    "it was the age of foolishness, it was the epoch of belief, it was the epoch of "
    "incredulity."
)


@pytest.fixture(scope="module")
def moonshine() -> Moonshine:
    return Moonshine(MODELS / "moonshine-tiny-en")


@pytest.fixture(scope="module", params=[Espeak, Flite, Pico])
def engine(request: pytest.FixtureRequest) -> Engine:
    try:
        made: Callable[[], Engine] = request.param
        return made()
    except NotInstalled as missing:
        pytest.skip(f"{missing} is not installed")


def recorded(seconds: float) -> Samples:
    """The beginning of a reading, at 16 kHz."""
    reader = WavReader()
    file = (MODELS / "speech-samples" / "two_cities.wav").read_bytes()
    found, *sound = reader.feed(file)
    assert isinstance(found, Format)
    whole = np.concatenate([each for each in sound if isinstance(each, np.ndarray)])
    part = whole[: int(seconds * found.rate)]
    return soxr.resample(part, found.rate, 16_000)  # type: ignore[no-any-return]


def error_rate(expected: Sequence[str], heard: Sequence[str]) -> float:
    """Of words: how many are wrong, missing or too many."""
    row = list(range(len(heard) + 1))
    for at, word in enumerate(expected, 1):
        before, row[0] = row[0], at
        for other, found in enumerate(heard, 1):
            change = before + (word != found)
            before = row[other]
            row[other] = min(change, before + 1, row[other - 1] + 1)
    return row[-1] / len(expected)


def said(voice: Voice, text: str, speed: float = 1.0) -> Samples:
    parts: list[Samples] = []

    def hear(samples: Samples) -> bool:
        parts.append(samples)
        return True

    voice.speak(text, speed, hear)
    return np.concatenate(parts)


@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_understand_recorded_speech(moonshine: Moonshine, rate: int) -> None:
    at_rate = soxr.resample(recorded(13.2), 16_000, rate)
    (text,) = moonshine.transcribe([hearable(at_rate.tobytes(), rate)])
    assert error_rate(SPOKEN, words(text)) <= 0.1


def test_understand_several_as_well_as_one(moonshine: Moonshine) -> None:
    audio = hearable(recorded(13).tobytes(), 16_000)
    several = [audio[: 16_000 * seconds] for seconds in (2, 4, 11)]
    alone = [moonshine.transcribe([each])[0] for each in several]
    assert all(
        error_rate(words(one), words(other)) <= 0.2
        for one, other in zip(alone, moonshine.transcribe(several), strict=True)
    )


def test_invent_nothing(moonshine: Moonshine) -> None:
    noise = np.random.default_rng(7).normal(0, 1, 32_000).astype(np.float32)
    nothing: list[Heard] = [
        np.zeros(32_000, np.float32),
        np.zeros(0, np.float32),
        noise[:1_000] * 0.1,
        noise * 0.0002,
        noise * 0.05,
    ]
    assert moonshine.transcribe(nothing) == [""] * len(nothing)
    assert all(map(is_silent, nothing))


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([9, 5, 5, 5, 5, 5], [9, 5]),
        ([1, 2, 1, 2, 1, 2, 1, 2, 1], [1, 2]),
        ([5, 5, 5], [5, 5, 5]),
        ([], []),
    ],
)
def test_stop_where_it_repeats_itself(tokens: list[int], kept: list[int]) -> None:
    assert unrepeated(tokens) == kept


def test_believe_no_subtitle() -> None:
    assert credible("Hello.") == "Hello."
    assert credible("♪♪") == credible("© somebody") == credible("...") == ""


def test_read_a_vocabulary(tmp_path: Path) -> None:
    file = tmp_path / "words"
    long = b"x" * 200
    file.write_bytes(b"\x00" + b"\x03\xe2\x96\x81" + bytes([200, 1]) + long)
    found = Vocabulary.read(file)
    assert len(found) == 3
    assert found.text([2, 1, 0, 2]) == f"{long.decode()} {long.decode()}"
    file.write_bytes(b"\x05ab")
    with pytest.raises(ValueError, match="cut short"):
        Vocabulary.read(file)


def test_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled):
        Moonshine(tmp_path)
    with pytest.raises(NotInstalled):
        Pico("libnothing.so.0")


def test_say_what_can_be_understood(engine: Engine, moonshine: Moonshine) -> None:
    voice = engine.speaks("en")
    assert voice is not None
    spoken = said(voice, SENTENCE)
    at_rate = soxr.resample(spoken, voice.rate, 16_000)
    (text,) = moonshine.transcribe([hearable(at_rate.tobytes(), 16_000)])
    expected = words(SENTENCE)
    assert error_rate(expected, words(text)) <= 0.5


def test_speak_faster(engine: Engine) -> None:
    voice = engine.speaks("en-us")
    assert voice is not None
    text = SENTENCE
    assert len(said(voice, text, 2.0)) < 0.75 * len(said(voice, text))


def test_speak_in_pieces_until_it_is_enough(engine: Engine) -> None:
    voice = engine.speaks("en")
    assert voice is not None
    heard: list[int] = []

    def hear(samples: Samples) -> bool:
        heard.append(len(samples))
        return len(heard) < 2

    voice.speak("This is a long sentence that nobody will hear to its end.", 1.0, hear)
    assert len(heard) == 2
    assert heard[0] <= voice.rate // 5
    # And it can speak again.
    assert len(said(voice, "Hello.")) > voice.rate // 5


def test_pass_a_listeners_error_on(engine: Engine) -> None:
    voice = engine.speaks("en")
    assert voice is not None

    def hear(samples: Samples) -> bool:
        raise ValueError("nobody listens")

    with pytest.raises(ValueError, match="nobody listens"):
        voice.speak("Hello.", 1.0, hear)


def test_know_the_voices_by_name(engine: Engine) -> None:
    voice = engine.speaks("en")
    assert voice is not None
    same = engine.named(voice.name.upper())
    assert same is not None and same.name == voice.name
    assert engine.named("nobody") is None
    assert engine.speaks("tlh") is None


def test_speak_many_languages() -> None:
    engine = Espeak()
    for language, text in (("zh-cn", "你好"), ("de", "Guten Tag"), ("ru", "Привет")):
        voice = engine.speaks(language)
        assert voice is not None
        assert np.abs(said(voice, text)).max() > 3_000
    assert [voice.name for voice in map(engine.speaks, ("zh", "en")) if voice] == [
        "cmn",
        "en-us",
    ]


def test_find_the_data_of_a_deep_checkout(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * PATH_MAX)
    deep.mkdir()
    assert len(str(_short(deep))) <= PATH_MAX
    assert _short(deep).resolve() == deep
    assert _short(Path("/usr")) == Path("/usr")
