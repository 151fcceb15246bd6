"""What is interrupted and fades: ``fadeOutMs``."""

import numpy as np
import pytest

from chalicelib.protocol.session.events import Interrupted
from mediaworker.session.effects import DropJob
from mediaworker.session.fading import Fade
from mediaworker.session.rules import Rules
from tests.worker.session.stage import Stage

LOUD = 8_000


def speaking(**fields: object) -> Stage:
    """Two seconds of a text, of which a tenth has been heard."""
    stage = Stage().invite(tts={}, vad={}).say("One two", playId="a", **fields)
    stage.supply(1, 2_000, LOUD).make(1).play_out(100)
    stage.told()
    return stage


def levels(stage: Stage, frames: int) -> list[int]:
    """The first sample of each frame that there was."""
    found = [stage.frame() for _ in range(frames)]
    return [int(np.frombuffer(frame, "<i2")[0]) for frame in found if frame]


def test_interrupted_text_becomes_softer_and_ends() -> None:
    stage = speaking().send("interrupt", fadeOutMs=80)
    assert stage.told() == ["interruption a"]
    assert stage.last(Interrupted).current == 100
    assert levels(stage, 4) == [LOUD, 6_000, 4_000, 2_000]
    assert stage.told() == []
    assert stage.frame() is None
    assert stage.told() == ["trackEnd a"]
    assert not stage.session.is_playing


def test_fade_is_a_straight_line_from_sample_to_sample() -> None:
    fade = Fade(40)
    frame = np.full(160, LOUD, "<i2").tobytes()
    heard = np.frombuffer(fade.soften(frame) + fade.soften(frame), "<i2")
    assert fade.is_over
    assert np.abs(np.diff(heard.astype(int))).max() <= LOUD / 320 + 1
    assert heard[0] == LOUD and 0 <= heard[-1] <= LOUD / 320 + 1


def test_fade_shorter_than_a_frame_is_one() -> None:
    assert levels(speaking().send("interrupt", fadeOutMs=1), 3) == [LOUD]


def test_fade_has_its_bound() -> None:
    rules = Rules(most_fade_ms=60)
    stage = Stage(rules=rules).invite(tts={}).say("x").supply(1, 1_000, LOUD).make(1)
    stage.play_out(40)
    assert stage.send("interrupt", fadeOutMs=3_600_000).play_out(1_000) == 3


def test_file_fades_and_tells_no_interruption() -> None:
    stage = Stage().invite().send("play", url="http://a/b.wav")
    stage.supply(1, 1_000, LOUD).play_out(40)
    stage.told()
    stage.send("interrupt", fadeOutMs=40)
    assert levels(stage, 5) == [LOUD, LOUD // 2]
    assert stage.told() == ["trackEnd http://a/b.wav"]
    assert stage.wanted(DropJob) == [DropJob(1)]


def test_fade_ends_with_what_there_is() -> None:
    stage = Stage().invite(tts={}).say("x", playId="a").supply(1, 60, LOUD)
    stage.play_out(20)
    stage.told()
    stage.send("interrupt", fadeOutMs=1_000)
    assert levels(stage, 10) == [LOUD, LOUD - LOUD // 50]
    assert stage.told() == ["interruption a", "trackEnd a"]
    assert stage.session.timer() is None


def test_fade_lets_no_later_text_be_heard() -> None:
    stage = speaking().say("Two", playId="a", autoHangup=True, waitInputTimeout=3)
    stage.send("interrupt", fadeOutMs=10_000).play_out(3_000)
    assert stage.wanted(DropJob) == [DropJob(2)]
    assert stage.told() == ["interruption a", "trackEnd a"]
    assert stage.session.is_connected and stage.session.timer() is None


def test_stream_fades_though_it_was_to_end_gracefully() -> None:
    stage = Stage().invite(tts={}).say("One. And", playId="a", streaming=True)
    stage.supply(1, 1_000, LOUD).make(1).play_out(40)
    stage.told()
    stage.send("interrupt", graceful=True, fadeOutMs=40)
    assert levels(stage, 5) == [LOUD, LOUD // 2]
    assert stage.told() == ["interruption a", "trackEnd a"]
    assert stage.session.timer() is None


def test_text_that_ends_gracefully_does_not_fade() -> None:
    stage = speaking().send("interrupt", graceful=True, fadeOutMs=40)
    assert set(levels(stage, 200)) == {LOUD}


def test_text_that_ends_gracefully_may_fade_after_all() -> None:
    stage = speaking().send("interrupt", graceful=True)
    stage.play_out(40)
    stage.send("interrupt", fadeOutMs=40)
    assert levels(stage, 5) == [LOUD, LOUD // 2]
    assert stage.told() == ["interruption a", "trackEnd a"]


def test_second_fade_changes_nothing_and_a_plain_interrupt_ends_it() -> None:
    stage = speaking().send("interrupt", fadeOutMs=80)
    stage.frame()
    stage.send("interrupt", fadeOutMs=8_000)
    assert levels(stage, 1) == [6_000]
    stage.send("interrupt")
    assert stage.frame() is None
    assert stage.told() == ["interruption a", "trackEnd a"]


@pytest.mark.parametrize("play_id", ["a", "b"])
def test_next_text_cuts_the_fade(play_id: str) -> None:
    stage = speaking().send("interrupt", fadeOutMs=1_000)
    stage.frame()
    stage.say("Two", playId=play_id).supply(2, 40, 5).make(2)
    assert levels(stage, 3) == [5, 5]
    assert stage.told() == [
        "interruption a",
        "trackEnd a",
        f"trackStart {play_id}",
        f"trackEnd {play_id}",
    ]


@pytest.mark.parametrize("name", ["pause", None])
def test_what_nobody_hears_ends_at_once(name: str | None) -> None:
    stage = Stage().invite(tts={}).say("One", playId="a").supply(1, 400)
    if name is not None:
        stage.play_out(40)
        stage.send(name)
    stage.send("interrupt", fadeOutMs=400)
    assert stage.told()[-2:] == ["interruption a", "trackEnd a"]


def test_fade_is_held_by_a_pause() -> None:
    stage = speaking().send("interrupt", fadeOutMs=80)
    stage.frame()
    assert stage.send("pause").play_out(100) == 0
    assert levels(stage.send("resume"), 5) == [6_000, 4_000, 2_000]


def test_muted_fade_is_silent() -> None:
    stage = speaking().send("mute", trackId="serverSideTrack")
    assert levels(stage.send("interrupt", fadeOutMs=40), 5) == [0, 0]


def test_end_of_a_stream_that_faded_begins_nothing() -> None:
    stage = Stage().invite(tts={}).say("One. ", playId="a", streaming=True)
    stage.supply(1, 1_000, LOUD).make(1).play_out(40)
    stage.send("interrupt", fadeOutMs=40).play_out(200)
    stage.told()
    stage.say("", playId="a", streaming=True, endOfStream=True, autoHangup=True)
    assert not stage.session.is_playing and stage.told() == []
