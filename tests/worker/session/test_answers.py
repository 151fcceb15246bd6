"""What the speech process says to a session that does not wait for it."""

import pytest

from mediaworker.speech.replies import (
    Answer,
    Beep,
    Broken,
    Chunk,
    Judged,
    Made,
    Marks,
    Misheard,
    Prepared,
    Remark,
    Text,
    Unheard,
)
from tests.worker.session.stage import Stage

ANSWERS: tuple[Answer, ...] = (
    Chunk(1, bytes(320)),
    Made(1, "embedded", 40, 12, 34),
    Broken(1, "embedded", "no", 500),
    Marks(1, ((0, 0),)),
    Prepared(1, "key", 320, False),
    Text(1, 1, 1, "hello", "embedded", True, 80),
    Misheard(1, 1, 1, "embedded", "no", 500),
    Remark(1, "hello", True, "deepgram"),
    Unheard(1, "deepgram", "no", 500),
    Judged(1, 1, 0.9, 5),
    Beep(1, 0, 200),
)


def stages() -> dict[str, Stage]:
    """Sessions that have asked for nothing."""
    ended = Stage().invite(tts={}, asr={})
    ended.send("hangup")
    return {
        "waits": Stage(),
        "plays nothing": Stage().invite(),
        "is over": ended,
    }


@pytest.mark.parametrize("circumstance", ["waits", "plays nothing", "is over"])
@pytest.mark.parametrize("reply", ANSWERS, ids=lambda reply: type(reply).__name__)
def test_ignore_what_nobody_waits_for(circumstance: str, reply: Answer) -> None:
    stage = stages()[circumstance]
    stage.told()
    effects = len(stage.effects)
    stage.session.speech_told(reply, stage.now)
    assert stage.settle().told(with_metrics=True) == []
    assert len(stage.effects) == effects


def test_ignore_the_loss_of_what_was_never_asked() -> None:
    for stage in stages().values():
        stage.told()
        stage.session.speech_lost(stage.now)
        assert stage.settle().told(with_metrics=True) == []
