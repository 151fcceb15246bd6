"""Words that say nothing."""

import pytest

from chalicelib.protocol.session.events import AsrDelta, AsrFinal, Speaking
from mediaworker.session.fillers import is_filler
from tests.worker.session.stage import Stage


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Um...", None, True),
        ("Uh, um.", "en-US", True),
        ("Um, yes.", "en", False),
        ("嗯", None, True),
        ("嗯，嗯。", "zh-CN", True),
        ("um", "pt-BR", False),
        ("äh", "de_DE", True),
        ("ええと", "ja", True),
        ("えー", "ja", True),
        ("um", "xx", False),
        ("um", "", True),
        ("...", "en", False),
        ("", None, False),
    ],
)
def test_tell_fillers_from_words(
    text: str, language: str | None, expected: bool
) -> None:
    assert is_filler(text, language) is expected


def test_texts_say_that_they_are_fillers() -> None:
    stage = Stage().invite(asr={"language": "en"})
    stage.hear(1_280).answer("Um", is_final=False)
    assert stage.last(AsrDelta).is_filler is True
    stage.answer("Um, hello", is_final=False)
    assert stage.last(AsrDelta).is_filler is None
    stage.hush(640).answer("Um.")
    assert stage.last(AsrFinal).is_filler is True


def test_speech_says_how_sure_it_is() -> None:
    stage = Stage().invite(vad={"speechPadding": 128})
    stage.hear(64, 0.6).hear(64, 0.8)
    assert stage.last(Speaking).confidence == 0.7
