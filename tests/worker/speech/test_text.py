"""What is said of a text, in which pieces, and in what language."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.speech.delivery import Delivery, Shaper
from mediaworker.speech.languages import guessed, tag
from mediaworker.speech.text import PIECE_MAX, cleaned, pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello 😀 there\x07", "Hello there"),
        ("a\u200bb\ufe0f", "ab"),
        ("20 °C  and\tmore", "20 °C and more"),
        ("<b>x</b>", "<b>x</b>"),
        ("\ud800", ""),
    ],
)
def test_clean_a_text(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello Mr. Smith! How are you?", ["Hello Mr. Smith!", "How are you?"]),
        ("It costs 3.50 e.g. today.", ["It costs 3.50 e.g. today."]),
        ("你好。我很好！", ["你好。", "我很好！"]),
        ("One\nTwo", ["One", "Two"]),
        ("😀 ... !", []),
        ("", []),
    ],
)
def test_cut_a_text_into_sentences(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_cut_the_first_piece_short() -> None:
    text = "This is the beginning of a long one, which goes on and on, and does not"
    assert pieces(f"{text} stop before it has to.")[0] == text[: text.rindex(",") + 1]
    assert "".join(pieces("x" * 500)) == "x" * 500


@given(st.text(max_size=2_000))
def test_keep_every_letter_and_digit(text: str) -> None:
    found = pieces(text)
    assert all(len(piece) <= PIECE_MAX for piece in found)
    said = [char for char in "".join(found) if char.isalnum()]
    assert said == [char for char in cleaned(text) if char.isalnum()]


@pytest.mark.parametrize(
    ("text", "language"),
    [("Hello", "en"), ("你好", "zh"), ("今日は", "ja"), ("Привет", "ru"), ("42", "en")],
)
def test_guess_a_language(text: str, language: str) -> None:
    assert guessed(text) == language


def test_read_a_language_tag() -> None:
    assert tag("zh_CN") == "zh-cn"
    assert tag("English") == "en"
    assert tag(" ") is tag(None) is None


@pytest.mark.covers("SynthesisOption.speed", "SynthesisOption.volume")
@pytest.mark.parametrize(
    ("speed", "volume", "expected"),
    [
        (None, None, (1.0, 1.0)),
        (1.0, 5, (1.0, 1.0)),
        (2.0, 10, (2.0, 2.0)),
        (0.0, 0, (1.0, 0.0)),
        (-2.0, 50, (0.6, 1.0)),
        (10.0, 100, (3.0, 2.0)),
        (-10.0, 1, (0.4, 0.2)),
    ],
)
def test_read_speed_and_volume(
    speed: float | None, volume: int | None, expected: tuple[float, float]
) -> None:
    found = Delivery.of(SynthesisOption(speed=speed, volume=volume))
    assert (found.speed, found.gain) == pytest.approx(expected)


def test_shape_what_a_voice_says() -> None:
    tone = (20_000 * np.sin(np.arange(22_050) / 10)).astype(np.int16)
    shaper = Shaper(22_050, 8_000, gain=2.0)
    made = [shaper.feed(part) for part in np.split(tone, 10)] + [shaper.end()]
    samples = np.frombuffer(b"".join(made), np.int16)
    assert len(samples) == pytest.approx(8_000, abs=2)
    assert samples.max() == 32_767
    assert Shaper(8_000, 8_000).feed(tone) == tone.tobytes()
