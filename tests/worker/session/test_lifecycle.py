"""A call's beginning and end."""

import pytest

from chalicelib.protocol.lease import Counts, SessionEnded, SessionStarted
from chalicelib.protocol.session.codec import MalformedCommand
from chalicelib.protocol.session.events import (
    Answered,
    Failed,
    HungUp,
    Ping,
    Rejected,
    TrackEnded,
)
from chalicelib.protocol.session.vocabulary import Codec, VadType
from mediaworker.session.effects import Close, Connect, DropJob, MuteCaller, Report
from mediaworker.session.ending import attendee
from mediaworker.session.rules import Rules
from tests.worker.session.stage import EPOCH_MS, SESSION_ID, SSRC, TRACK, Stage


@pytest.mark.covers(
    "invite.command",
    "invite.option",
    "event.answer.event",
    "event.answer.trackId",
    "event.answer.timestamp",
    "event.answer.sdp",
)
def test_invite_reports_connects_and_is_answered_in_order() -> None:
    stage = Stage().invite(caller="sip:a@b.example", callee="+4930")
    assert stage.told() == ["trackStart (call)", "answer"]
    assert stage.last(Answered).sdp == ""
    report, connect = stage.effects
    assert isinstance(report, Report) and isinstance(report.fact, SessionStarted)
    assert report.fact.caller == "sip:a@b.example"
    assert connect == Connect(Codec.PCMU, None, False)
    assert stage.session.is_connected and not stage.session.is_over
    assert (stage.session.caller, stage.session.callee) == ("sip:a@b.example", "+4930")


@pytest.mark.covers("CallOption.codec")
@pytest.mark.parametrize(
    ("asked", "option", "codec", "rate"),
    [
        ("", {}, Codec.PCMU, 8_000),
        ("pcm", {}, Codec.PCM, 16_000),
        ("pcm", {"codec": "pcmu"}, Codec.PCMU, 8_000),
        ("", {"codec": "pcm"}, Codec.PCM, 16_000),
    ],
)
def test_codec_is_the_invites_then_the_addresss(
    asked: str, option: dict[str, str], codec: Codec, rate: int
) -> None:
    stage = Stage(codec=asked).invite(**option)
    assert stage.wanted(Connect)[0].codec is codec
    assert stage.session.rate == rate


def test_rate_before_the_invite_is_the_addresss() -> None:
    assert Stage(codec="pcm").session.rate == 16_000
    assert Stage(codec="pcma").session.rate == 8_000
    assert Stage(codec="opus").session.rate == 16_000


def test_codec_that_is_not_installed_rejects_the_call() -> None:
    stage = Stage(rules=Rules(codecs=frozenset({Codec.PCMU}))).invite(codec="opus")
    assert stage.told() == ["error codec 501", "reject", "hangup"]
    assert stage.last(Rejected).code == 488
    assert "opus" in stage.last(Rejected).reason
    assert stage.last(HungUp).reason == "rejected"
    assert [type(effect) for effect in stage.effects] == [Close]
    assert stage.session.is_over


def test_accept_without_a_pending_call_ends_the_session() -> None:
    stage = Stage().send("accept", option={})
    assert stage.told() == ["reject", "hangup"]
    assert (stage.last(Rejected).reason, stage.last(Rejected).code) == (
        "no pending call",
        486,
    )
    assert stage.wanted(Report) == []


BEFORE = [
    ("tts", {"text": "x"}),
    ("play", {"url": "http://a/b"}),
    ("interrupt", {}),
    ("pause", {}),
    ("resume", {}),
    ("mute", {}),
    ("unmute", {}),
    ("history", {"speaker": "a", "text": "b"}),
    ("custom", {"data": 1}),
    ("reject", {"reason": "no"}),
    ("ringing", {}),
    ("bridge", {"targetSessionId": "x"}),
    ("unbridge", {"targetSessionId": "x"}),
]


@pytest.mark.parametrize(("name", "fields"), BEFORE)
def test_command_before_the_invite_is_refused(
    name: str, fields: dict[str, object]
) -> None:
    stage = Stage().send(name, **fields)
    assert stage.told() == ["error command 409"]
    assert stage.last(Failed).track_id == SESSION_ID
    assert name in stage.last(Failed).error
    assert not stage.session.is_over
    assert stage.invite().told() == ["trackStart (call)", "answer"]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("invite", {"option": {}}),
        ("accept", {"option": {}}),
        ("reject", {"reason": "no"}),
        ("ringing", {}),
    ],
)
def test_setting_up_a_call_that_is_set_up_is_refused(
    name: str, fields: dict[str, object]
) -> None:
    stage = Stage().invite()
    stage.told()
    assert stage.send(name, **fields).told() == ["error command 409"]
    assert stage.session.is_connected


@pytest.mark.covers("refer.command", "refer.caller", "refer.callee")
@pytest.mark.parametrize("is_invited", [True, False])
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("refer", {"caller": "a", "callee": "b"}),
        ("addIceCandidate", {"candidate": ""}),
        ("dtmf", {"digits": "1"}),
    ],
)
def test_command_that_is_not_built_says_so(
    is_invited: bool, name: str, fields: dict[str, object]
) -> None:
    stage = Stage()
    if is_invited:
        stage.invite()
    stage.told()
    assert stage.send(name, **fields).told() == ["error command 501"]
    assert name in stage.last(Failed).error


@pytest.mark.covers(
    "event.error.event",
    "event.error.trackId",
    "event.error.timestamp",
    "event.error.sender",
    "event.error.error",
    "event.error.code",
)
def test_malformed_command_is_told_and_the_session_goes_on() -> None:
    stage = Stage().invite()
    stage.told()
    error = MalformedCommand("text is required", "tts", "text")
    stage.session.refuse(error, stage.now)
    assert stage.settle().told() == ["error command 400"]
    assert stage.last(Failed).error == "tts: text is required"
    assert stage.session.is_connected


def test_notice_is_told_as_an_error() -> None:
    stage = Stage()
    stage.session.notice("media", "too fast", 429, stage.now)
    assert stage.settle().told() == ["error media 429"]


@pytest.mark.covers(
    "hangup.command",
    "hangup.reason",
    "hangup.initiator",
    "event.hangup.event",
    "event.hangup.trackId",
    "event.hangup.timestamp",
    "event.hangup.reason",
    "event.hangup.initiator",
    "event.hangup.hangupTime",
)
@pytest.mark.parametrize(
    ("fields", "reason", "initiator"),
    [
        ({"reason": "user_requested", "initiator": "user"}, "user_requested", "user"),
        ({}, "bySystem", "system"),
        ({"initiator": "Caller"}, "byCaller", "Caller"),
        ({"initiator": "callee"}, "byCallee", "callee"),
        ({"reason": "done"}, "done", "system"),
    ],
)
def test_hangup_is_told_in_order_and_in_its_own_words(
    fields: dict[str, str], reason: str, initiator: str
) -> None:
    stage = Stage().invite(caller="sip:alice@example.com")
    stage.now += 5
    stage.told()
    assert stage.send("hangup", **fields).told() == ["trackEnd (call)", "hangup"]
    ended = stage.last(TrackEnded)
    assert (ended.duration, ended.play_id) == (5_000, None)
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == (reason, initiator)
    assert hangup.started_at_ms == hangup.answered_at_ms == EPOCH_MS + 100_000
    assert hangup.ended_at_ms == EPOCH_MS + 105_000
    assert hangup.from_ == attendee("sip:alice@example.com") and hangup.to is None
    assert hangup.extra == {
        "session_id": SESSION_ID,
        "call_type": "websocket",
        "start_time": "2023-11-14T22:15:00Z",
    }
    report, close = stage.effects[-2:]
    assert isinstance(report, Report) and isinstance(report.fact, SessionEnded)
    assert (report.fact.reason, report.fact.initiator) == (reason, initiator)
    assert report.fact.duration_ms == 5_000
    assert report.fact.counts == Counts(commands=2, events=4)
    assert close == Close(reason=reason)
    assert stage.session.is_over and not stage.session.is_connected
    assert stage.session.timer() is None


def test_hangup_while_a_text_is_said_ends_it_first() -> None:
    stage = Stage().invite(tts={}).say("Hello there", playId="a")
    stage.supply(1, 100).play_out(40)
    stage.told()
    assert stage.send("hangup").told() == [
        "interruption a",
        "trackEnd a",
        "trackEnd (call)",
        "hangup",
    ]
    assert stage.wanted(DropJob) == [DropJob(1)]
    track_ends = stage.all(TrackEnded)
    assert [(end.track_id, end.ssrc) for end in track_ends] == [
        (TRACK, SSRC),
        (SESSION_ID, 0),
    ]


def test_hangup_before_the_invite_ends_the_session_without_a_report() -> None:
    stage = Stage().send("hangup", reason="x" * 200)
    assert stage.told() == ["hangup"]
    assert stage.effects == [Close(reason="x" * 123)]
    assert stage.last(HungUp).answered_at_ms is None


def test_hangup_of_a_transferred_leg_leaves_the_call_alone() -> None:
    stage = Stage().invite()
    stage.told()
    assert stage.send("hangup", refer=True).told() == ["error command 404"]
    assert stage.session.is_connected


def test_end_tells_its_error_first() -> None:
    stage = Stage().invite()
    stage.told()
    stage.session.end("failed", "system", stage.now, "the socket was lost", 408)
    stage.session.end("again", "system", stage.now)
    assert stage.settle().told() == ["error session 408", "trackEnd (call)", "hangup"]


def test_after_the_end_nothing_is_told() -> None:
    stage = Stage(ping="5").invite(tts={}, asr={}, vad={}, inactivityTimeout=9)
    stage.say("Hello").hear(640).send("hangup")
    stage.told()
    before = list(stage.effects)
    stage.supply(1, 100).make(1).break_(1).answer("hi").mishear().hear(640).hush(640)
    stage.invite().say("x").send("hangup").wait(100)
    stage.session.speech_lost(stage.now)
    stage.session.press("1", stage.now)
    stage.session.notice("media", "x", 500, stage.now)
    stage.session.refuse(MalformedCommand("x"), stage.now)
    stage.session.end("x", "y", stage.now)
    stage.session.handle_timer(stage.now)
    assert stage.frame() is None
    assert stage.settle().told(with_metrics=True) == []
    assert stage.effects == before
    assert not stage.session.is_playing and stage.session.underruns == 0


@pytest.mark.covers("query.pingInterval", "event.ping.event", "event.ping.timestamp")
def test_ping_is_told_at_its_interval_from_the_opening_on() -> None:
    stage = Stage(ping="5").wait(10)
    assert stage.told() == ["ping", "ping"]
    assert stage.last(Ping).payload == "2023-11-14T22:15:10Z"


def test_timer_that_is_handled_too_early_does_nothing() -> None:
    stage = Stage(ping="5")
    stage.session.handle_timer(stage.now)
    assert stage.settle().told() == []
    assert stage.session.timer() == stage.now + 5


def test_news_are_there_until_they_were_taken() -> None:
    stage = Stage(ping="5")
    session = stage.session
    assert session.has_news and session.timer() is not None
    assert not session.has_news
    session.notice("media", "x", 500, stage.now)
    assert session.has_news
    stage.settle()
    assert not session.has_news


def test_history_and_custom_are_echoed() -> None:
    stage = Stage().invite()
    stage.told()
    stage.send("history", speaker="bot", text="hi")
    stage.send("custom", data={"a": 1}, sender="me")
    assert stage.told() == ["addHistory hi", "custom"]


@pytest.mark.covers(
    "mute.command",
    "mute.trackId",
    "unmute.command",
    "unmute.trackId",
    "query.serverSideTrack",
)
@pytest.mark.parametrize("name", [TRACK, "server-side-track"])
def test_mute_of_the_server_side_by_either_name_plays_silence(name: str) -> None:
    stage = Stage().invite(tts={}).say("Hello").supply(1, 100).make(1)
    stage.send("mute", trackId=name)
    assert stage.frame() == bytes(320)
    assert stage.frame() == bytes(320)
    stage.send("unmute", trackId=name)
    assert stage.frame() == b"\x01\x00" * 160
    assert stage.wanted(MuteCaller) == []


@pytest.mark.covers("mute.trackId", "unmute.trackId")
def test_mute_of_the_caller_is_asked_for_once() -> None:
    stage = Stage().invite()
    stage.send("mute", trackId=SESSION_ID).send("mute").send("unmute")
    assert stage.wanted(MuteCaller) == [MuteCaller(True), MuteCaller(False)]


def test_mute_of_an_unknown_track_is_refused() -> None:
    stage = Stage().invite()
    stage.told()
    assert stage.send("mute", trackId="x").told() == ["error command 404"]


@pytest.mark.covers(
    "event.dtmf.event", "event.dtmf.trackId", "event.dtmf.timestamp", "event.dtmf.digit"
)
def test_key_is_told_once_the_call_is_there() -> None:
    stage = Stage()
    stage.session.press("1", stage.now)
    stage.invite()
    stage.told()
    for digit in ("5", "a", "x", ""):
        stage.session.press(digit, stage.now)
    assert stage.settle().told() == ["dtmf 5", "dtmf A"]


def test_nobody_heard_for_long_ends_the_call() -> None:
    stage = Stage().invite(inactivityTimeout=10)
    assert stage.wanted(Connect)[0].vad is VadType.SILERO
    stage.wait(9).hear(320).hush(320).wait(9)
    assert stage.told() == ["trackStart (call)", "answer"]
    assert stage.wait(1.1).told() == ["inactivity", "trackEnd (call)", "hangup"]
    assert stage.last(HungUp).reason == "inactivityTimeout"


def test_nothing_that_is_due_with_the_end_is_told_after_it() -> None:
    stage = Stage(ping="10").invite(inactivityTimeout=9)
    stage.now += 60
    stage.session.handle_timer(stage.now)
    told = stage.settle().told()
    assert told[2:] == ["inactivity", "trackEnd (call)", "hangup"]


def test_nobody_is_inactive_while_something_plays() -> None:
    stage = Stage().invite(inactivityTimeout=1, tts={}).say("Hello", playId="a")
    stage.supply(1, 2_000).make(1).play_out(1_900)
    assert stage.session.timer() is None
    stage.send("pause").send("resume").play_out(400)
    assert stage.wait(2).told()[-2:] == ["trackEnd (call)", "hangup"]


@pytest.mark.covers("Attendee.username", "Attendee.realm", "Attendee.source")
@pytest.mark.parametrize(
    ("party", "parts"),
    [
        ("sip:alice@example.com", ("alice", "example.com")),
        ("sip:alice@192.168.3.197:12345;transport=tcp", ("alice", "192.168.3.197")),
        ("<SIPS:a@[::1]:5060?x=y>", ("a", "[::1]")),
        ("sip:192.168.3.197:3050", ("", "192.168.3.197")),
        ("tel:+4930", ("+4930", "")),
        ("+4930", ("+4930", "")),
        ("alice@example.com", ("alice", "example.com")),
        ("", ("", "")),
    ],
)
def test_attendee_is_taken_apart(party: str, parts: tuple[str, str]) -> None:
    who = attendee(party)
    assert who is not None
    assert (who.username, who.realm) == parts
    assert who.source == party


def test_session_that_nobody_invites_ends() -> None:
    stage = Stage(ping="0").wait(59)
    assert stage.told() == []
    stage.wait(2)
    assert stage.told() == ["error session 408", "hangup"]
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("noAnswer", "system")


def test_session_that_was_invited_stays() -> None:
    stage = Stage(ping="0").invite().wait(120)
    assert "hangup" not in stage.told()
