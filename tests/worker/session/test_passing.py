"""What a session tells of a media server that carries its other side."""

from typing import Any

import pytest

from chalicelib.protocol.session.events import (
    Failed,
    Inactivity,
    Metrics,
    TrackEnded,
)
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.session import legs
from mediaworker.session.effects import ClearMedia, MuteMedia, PassMedia
from mediaworker.session.passing import (
    PassEnded,
    PassEvent,
    PassHeard,
    PassResumed,
    PassTrouble,
)
from tests.worker.session.stage import SESSION_ID, SSRC, TRACK, Stage

URL = "wss://media.example/?key=secret"
OPTION = {"url": URL, "inputSampleRate": 24_000, "outputSampleRate": 16_000}
BEGUN = ["trackStart", "trackStart (call)", "answer"]


def invited(call_type: CallType = CallType.WEBSOCKET, **more: Any) -> Stage:
    stage = Stage(call_type)
    fields = {"offer": "v=0", "callee": "sip:a@b"}
    return stage.invite(mediaPass={**OPTION, **more}, **fields)


def pass_told(stage: Stage, event: PassEvent) -> Stage:
    stage.session.pass_told(event, stage.now)
    return stage.settle()


@pytest.mark.covers("CallOption.mediaPass", "MediaPassOption.packetSize")
def test_track_is_told_before_the_callers() -> None:
    stage = invited()
    assert stage.told() == BEGUN
    (asked,) = stage.wanted(PassMedia)
    option = asked.option
    assert (option.url, option.packet_size, option.ptime) == (URL, 2_560, None)
    assert "secret" not in repr(asked)


def test_track_is_told_before_the_call_is_placed() -> None:
    assert invited(CallType.SIP).told() == BEGUN[:2]


def test_track_is_told_when_a_call_is_taken() -> None:
    stage = Stage(CallType.SIP, listen="*")
    stage.tell(legs.CallCame("sip:a@b", "sip:c@d", "v=0", {}))
    stage.told()
    assert stage.send("accept", option={"mediaPass": OPTION}).told() == BEGUN[:2]


def test_track_ends_with_the_call() -> None:
    stage = invited()
    stage.told()
    stage.now += 1.5
    told = stage.send("hangup").told()
    assert told == ["trackEnd", "trackEnd (call)", "hangup"]
    ended = stage.all(TrackEnded)[0]
    assert (ended.track_id, ended.duration, ended.ssrc) == (TRACK, 1_500, SSRC)
    assert pass_told(stage, PassEnded("late", 502)).told() == []


def test_server_that_has_had_enough_ends_the_track_and_not_the_call() -> None:
    stage = invited()
    stage.told()
    assert pass_told(stage, PassEnded()).told() == ["trackEnd"]
    assert stage.session.is_connected
    assert pass_told(stage, PassTrouble("late", 429)).told() == []
    assert stage.send("hangup").told() == ["trackEnd (call)", "hangup"]


def test_server_that_is_lost_is_an_error() -> None:
    stage = invited()
    stage.told()
    told = pass_told(stage, PassEnded("it was lost", 502)).told()
    assert told == ["error media_pass 502", "trackEnd"]
    failed = stage.last(Failed)
    assert (failed.track_id, failed.error) == (TRACK, "it was lost")


def test_server_that_cannot_be_had_is_told_after_the_answer() -> None:
    stage = invited(CallType.SIP)
    stage.told()
    assert pass_told(stage, PassEnded("no", 403)).told() == ["trackEnd"]
    stage.tell(legs.MediaAgreed(Codec.PCMU, True), legs.Answered("v=0"))
    assert stage.told() == ["answer", "error media_pass 403"]


def test_trouble_is_told_and_the_track_goes_on() -> None:
    stage = invited()
    stage.told()
    told = pass_told(stage, PassTrouble("too fast", 429)).told()
    assert told == ["error media_pass 429"]
    assert pass_told(stage, PassEnded()).told() == ["trackEnd"]


def test_server_that_came_back_is_told_in_numbers() -> None:
    stage = pass_told(invited(), PassResumed(2, 1_300))
    metrics = stage.last(Metrics)
    assert (metrics.key, metrics.duration) == ("media_pass.resumed", 1_300)
    assert metrics.data == {"tries": 2}


@pytest.mark.parametrize("last", [PassHeard(False), PassEnded(), PassEnded("no", 502)])
def test_nobody_is_inactive_while_the_server_is_heard(last: PassEvent) -> None:
    stage = Stage().invite(mediaPass=OPTION, inactivityTimeout=5)
    stage.wait(3)
    pass_told(stage, PassHeard(True)).wait(60)
    assert stage.session.is_connected
    pass_told(stage, last).wait(4.9)
    assert stage.session.is_connected
    stage.wait(0.2)
    assert len(stage.all(Inactivity)) == 1
    assert stage.session.is_over


def test_server_that_is_not_heard_postpones_nothing() -> None:
    stage = Stage().invite(mediaPass=OPTION, inactivityTimeout=5)
    stage.wait(3)
    pass_told(stage, PassHeard(False))
    pass_told(stage, PassEnded()).wait(2.1)
    assert stage.session.is_over
    pass_told(stage, PassHeard(True))
    assert stage.session.timer() is None


@pytest.mark.parametrize(
    "more",
    [
        {"inputSampleRate": 11_111},
        {"outputSampleRate": 11_111},
        {"packetSize": 79},
        {"ptime": 5_001},
    ],
)
def test_pass_that_cannot_be_had_is_an_error_and_the_call_goes_on(
    more: dict[str, Any],
) -> None:
    stage = invited(**more)
    assert stage.told() == ["trackStart (call)", "answer", "error media_pass 400"]
    assert not stage.wanted(PassMedia)


def test_smallest_packets_and_longest_blocks_are_taken() -> None:
    stage = invited(packetSize=80, ptime=5_000)
    assert stage.told() == BEGUN


def test_servers_side_is_muted_by_its_track() -> None:
    stage = invited().send("mute", trackId=TRACK).send("mute", trackId=TRACK)
    stage.send("mute", trackId=SESSION_ID).send("unmute")
    assert stage.wanted(MuteMedia) == [MuteMedia(True), MuteMedia(False)]


def test_what_was_muted_before_stays_so() -> None:
    stage = Stage(CallType.SIP, listen="*")
    stage.tell(legs.CallCame("sip:a@b", "sip:c@d", "v=0", {}))
    stage.send("mute", trackId=TRACK)
    assert not stage.wanted(MuteMedia)
    stage.send("accept", option={"mediaPass": OPTION})
    assert stage.wanted(MuteMedia) == [MuteMedia(True)]


def test_interrupt_silences_the_server_unless_it_is_graceful() -> None:
    stage = invited().send("interrupt", graceful=True)
    assert not stage.wanted(ClearMedia)
    assert stage.send("interrupt").wanted(ClearMedia) == [ClearMedia()]
    assert not Stage().invite().send("interrupt").wanted(ClearMedia)


def test_texts_and_files_have_tracks_of_their_own_meanwhile() -> None:
    stage = invited()
    stage.told()
    stage.send("play", url="http://a.example/a.wav", playId="p")
    stage.supply(1, ms=20).make(1).play_out(100)
    assert stage.told() == ["trackStart p", "trackEnd p"]
    assert stage.send("hangup").told()[0] == "trackEnd"
