"""Files that are played."""

import pytest

from chalicelib.protocol.session.events import Failed, TrackEnded, TrackStarted
from mediaworker.session.effects import CreditJob, DropJob, FetchFile
from tests.worker.session.stage import TRACK, Stage

URL = "http://a.example/b.wav"


def playing(**fields: object) -> Stage:
    stage = Stage().invite(tts={})
    stage.told()
    return stage.send("play", url=URL, **fields)


@pytest.mark.covers("play.command", "play.url")
def test_file_is_fetched_and_played_before_it_is_whole() -> None:
    stage = playing(offsetMs=500)
    assert stage.wanted(FetchFile) == [FetchFile(1, URL, 500)]
    stage.supply(1, 2_000)
    assert stage.play_out(1_000) == 50
    assert stage.told() == [f"trackStart {URL}"]
    assert stage.wanted(CreditJob) == [CreditJob(1, 1_000)]
    stage.make(1).play_out(1_100)
    assert stage.told(with_metrics=True) == [f"trackEnd {URL}"]


def test_file_may_have_a_play_id() -> None:
    stage = playing(playId="x").supply(1, 40).make(1)
    stage.play_out(60)
    assert stage.last(TrackStarted).play_id == stage.last(TrackEnded).play_id == "x"


def test_file_takes_the_place_of_a_text_and_the_other_way_round() -> None:
    stage = Stage().invite(tts={}).say("One", playId=URL)
    stage.told()
    stage.send("play", url=URL)
    assert stage.told() == [f"interruption {URL}", f"trackEnd {URL}"]
    stage.say("Two", playId=URL)
    assert stage.told() == [f"trackEnd {URL}"]
    assert stage.wanted(DropJob) == [DropJob(1), DropJob(2)]


def test_file_that_is_stopped_tells_no_interruption() -> None:
    stage = playing().supply(1, 100)
    stage.play_out(40)
    stage.send("interrupt", graceful=True)
    assert stage.told() == [f"trackStart {URL}", f"trackEnd {URL}"]


def test_file_that_cannot_be_had_is_an_error_and_ends() -> None:
    stage = playing().break_(1, "not found", 404)
    assert stage.frame() is None
    assert stage.told() == ["error play 404", f"trackEnd {URL}"]
    failed = stage.last(Failed)
    assert (failed.track_id, failed.error) == (TRACK, "not found")


@pytest.mark.covers("play.autoHangup")
def test_file_may_be_the_last_that_is_heard() -> None:
    stage = playing(autoHangup=True).supply(1, 40).make(1)
    stage.play_out(60)
    assert stage.session.is_over


@pytest.mark.covers("play.waitInputTimeout")
def test_file_may_be_followed_by_a_wait() -> None:
    stage = playing(waitInputTimeout=2).supply(1, 40).make(1)
    stage.play_out(60)
    stage.told()
    assert stage.wait(2).told() == ["silence"]


def test_file_can_be_paused() -> None:
    stage = playing().supply(1, 100).make(1).send("pause")
    assert stage.play_out(100) == 0
    assert stage.send("resume").play_out(100) == 5


def test_same_file_again_takes_the_place_of_the_first() -> None:
    stage = playing().supply(1, 100)
    stage.play_out(40)
    stage.send("play", url=URL)
    assert stage.told() == [f"trackStart {URL}", f"trackEnd {URL}"]
    stage.supply(2, 40).make(2).play_out(60)
    assert stage.told() == [f"trackStart {URL}", f"trackEnd {URL}"]


def test_offset_behind_the_end_is_nothing_to_hear() -> None:
    stage = playing(offsetMs=9_000_000).make(1)
    assert stage.frame() is None
    assert stage.told() == [f"trackEnd {URL}"]
    assert stage.last(TrackEnded).duration == 0


@pytest.mark.covers("play.url", "event.trackEnd.playId")
def test_file_without_a_play_id_is_called_by_its_url() -> None:
    stage = playing().supply(1, 40).make(1)
    stage.play_out(60)
    assert stage.last(TrackStarted).play_id == stage.last(TrackEnded).play_id == URL


def test_replaced_file_forgets_its_hangup_and_its_wait() -> None:
    stage = playing(autoHangup=True, waitInputTimeout=2).supply(1, 40).make(1)
    stage.send("play", url="http://a.example/c.wav").supply(2, 40).make(2)
    stage.play_out(60)
    assert stage.session.is_connected and stage.session.timer() is None
