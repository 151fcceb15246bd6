"""Whatever is a sign of life, and what is none."""

from collections.abc import Callable

import pytest

from chalicelib.protocol.session.events import HungUp, Inactivity
from tests.worker.session.stage import EPOCH_MS, Stage

SECONDS = 5
Sign = Callable[[Stage], object]


def press(stage: Stage) -> None:
    stage.session.press("1", stage.now)


def play(stage: Stage) -> None:
    stage.say("Hello").supply(1, ms=40).make(1).play_out(60)


SIGNS: dict[str, Sign] = {
    "speech": lambda stage: stage.hear(640).hush(640),
    "a key": press,
    "a text": lambda stage: stage.answer("Yes", is_final=False),
    "a playback": play,
}
NONE: dict[str, Sign] = {
    "a click": lambda stage: stage.hear(32).hush(640),
    "a command": lambda stage: stage.send("history", speaker="bot", text="Hi"),
    "no key": lambda stage: stage.session.press("?", stage.now),
    "a refused command": lambda stage: stage.send("accept", option={}),
}


def live() -> Stage:
    stage = Stage().invite(asr={}, tts={}, inactivityTimeout=SECONDS)
    stage.hear(640)
    return stage.hush(320)


def ended_after(stage: Stage) -> float:
    """Seconds until the call is given up."""
    before = stage.now
    stage.wait(60)
    ended_at_ms = stage.last(Inactivity).timestamp
    assert stage.last(HungUp).reason == "inactivityTimeout"
    assert len(stage.all(Inactivity)) == 1
    return (ended_at_ms - EPOCH_MS) / 1_000 - before


@pytest.mark.parametrize("name", SIGNS)
def test_sign_of_life_postpones_the_end(name: str) -> None:
    quiet = ended_after(live())
    stage = live()
    began = stage.now
    stage.wait(3)
    SIGNS[name](stage)
    took = stage.now - began
    assert ended_after(stage) + took > quiet + 2.9


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_sign_of_life_postpones_nothing(name: str) -> None:
    quiet = ended_after(live())
    stage = live()
    began = stage.now
    stage.wait(3)
    NONE[name](stage)
    took = stage.now - began
    assert ended_after(stage) + took == pytest.approx(quiet, abs=0.02)


def test_nobody_is_given_up_while_speaking_or_listening() -> None:
    stage = live().hear(640).wait(60)
    assert stage.all(Inactivity) == []
    stage.hush(640).say("Hello").supply(1, ms=40).frame()
    stage.wait(9)
    assert stage.all(Inactivity) == []
