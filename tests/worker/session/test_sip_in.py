"""A telephone call that comes in."""

import pytest

from chalicelib.protocol.lease import SessionEnded, SessionStarted
from chalicelib.protocol.session.events import HungUp, Incoming, Rejected
from chalicelib.protocol.session.vocabulary import CallType, Codec, VadType
from mediaworker.session.effects import (
    Close,
    Connect,
    DropJob,
    FetchFile,
    Listen,
    Report,
)
from mediaworker.session.legs import (
    Answered,
    CallCame,
    DeclineCall,
    Declined,
    DropLeg,
    KeyPressed,
    LegEnded,
    LegLost,
    MediaAgreed,
    MediaArrived,
    RingBack,
    TakeCall,
)
from tests.worker.session.stage import EPOCH_MS, TRACK, Stage

CAME = CallCame("sip:alice@example.com", "sip:bob@parley.example", "v=0", {"X-A": "1"})
AGREED = MediaAgreed(Codec.PCMA, has_keys=True)
ANSWERED = Answered("v=0\r\nanswer")
TONE = "https://a.example/tone.wav"


def waiting(**fields: str) -> Stage:
    return Stage(CallType.SIP, **fields)  # type: ignore[arg-type]


def come() -> Stage:
    stage = waiting().tell(CAME)
    stage.told()
    return stage


@pytest.mark.covers(
    "event.incoming.event",
    "event.incoming.trackId",
    "event.incoming.timestamp",
    "event.incoming.caller",
    "event.incoming.callee",
    "event.incoming.sdp",
)
def test_call_that_came_is_told_at_once() -> None:
    stage = waiting().tell(CAME)
    assert stage.told() == ["incoming"]
    incoming = stage.last(Incoming)
    assert (incoming.caller, incoming.callee) == (CAME.caller, CAME.callee)
    assert (incoming.sdp, incoming.headers) == ("v=0", {"X-A": "1"})
    (report,) = stage.wanted(Report)
    assert isinstance(report.fact, SessionStarted)
    assert report.fact.caller == stage.session.caller == CAME.caller
    assert stage.tell(CAME).told() == []


def test_call_that_came_is_told_whatever_it_says_of_itself() -> None:
    headers = {
        "X-A": "a\r\nb" + "x" * 4_000,
        "bad name": "",
        **dict.fromkeys("abcd", ""),
    }
    headers |= {f"X-{n}": "" for n in range(100)}
    stage = waiting().tell(CallCame("a\r\n" * 3_000, "\ud800", "x" * 70_000, headers))
    assert stage.told() == ["incoming"]
    incoming = stage.last(Incoming)
    assert incoming.headers is not None and len(incoming.headers) == 64
    assert (len(incoming.caller), incoming.callee) == (2_048, "�")
    bare = waiting().tell(CallCame("", "", "", {})).last(Incoming)
    assert bare.headers is None


@pytest.mark.covers(
    "accept.command",
    "accept.option",
    "event.hangup.answerTime",
    "event.hangup.from",
    "event.hangup.to",
)
def test_call_is_accepted_and_answered_in_order() -> None:
    stage = come().send("accept", option={"vad": {}, "realtime": {}})
    assert stage.told() == ["trackStart (call)"]
    assert stage.leg_was_asked() == [TakeCall()]
    stage.now += 1
    stage.tell(AGREED)
    assert stage.wanted(Connect) == [Connect(Codec.PCMA, VadType.SILERO, False)]
    stage.tell(ANSWERED, MediaArrived())
    assert stage.told() == ["answer", "error realtime 501", "mediaReady"]
    assert stage.session.is_connected
    stage.tell(LegEnded("byCaller", "caller"))
    hangup = stage.last(HungUp)
    assert hangup.answered_at_ms == EPOCH_MS + 101_000
    assert hangup.ringing_at_ms is None
    assert hangup.from_ and hangup.from_.username == "alice"
    assert hangup.to and hangup.to.username == "bob"


@pytest.mark.covers("ringing.command", "ringing.earlyMedia", "ringing.ringtone")
def test_call_rings_with_a_tone_until_it_is_accepted() -> None:
    stage = come().send("ringing").send("ringing", ringtone=TONE)
    assert stage.leg_was_asked() == [RingBack(False), RingBack(True)]
    assert stage.wanted(FetchFile) == []
    stage.tell(AGREED)
    assert stage.wanted(Connect) == [Connect(Codec.PCMA, None, False)]
    for job in range(1, 4):
        stage.supply(job, 2_000).make(job).play_out(1_980)
    assert stage.told() == ["trackStart (call)", f"trackStart {TONE}"]
    assert stage.wanted(FetchFile) == [FetchFile(job, TONE) for job in range(1, 5)]
    stage.send("accept", option={"asr": {}, "tts": {}})
    assert stage.told() == [f"trackEnd {TONE}"]
    assert stage.wanted(DropJob) == [DropJob(4)]
    assert stage.wanted(Listen) == [Listen(VadType.SILERO, True)]
    assert stage.tell(ANSWERED).told() == ["answer"]
    stage.hear(640).say("Hello").supply(5, 40).make(5).play_out(20)
    assert "trackStart" in stage.told()
    assert stage.last(Incoming) and stage.wanted(Connect)[1:] == []


def test_tone_that_is_next_to_nothing_is_played_once() -> None:
    stage = come().tell(AGREED).send("ringing", ringtone=TONE)
    stage.supply(1, 100).make(1).play_out(200)
    assert stage.told()[1:] == [f"trackStart {TONE}", f"trackEnd {TONE}"]
    assert len(stage.wanted(FetchFile)) == 1


def test_tone_that_cannot_be_had_is_asked_for_once() -> None:
    stage = come().tell(AGREED).send("ringing", ringtone=TONE).break_(1)
    stage.play_out(40)
    assert stage.told()[1:] == ["error play 500", f"trackEnd {TONE}"]
    assert len(stage.wanted(FetchFile)) == 1


def test_tone_is_not_begun_once_the_call_is_accepted() -> None:
    stage = come().send("ringing", ringtone=TONE).send("accept", option={})
    stage.tell(AGREED, ANSWERED)
    assert stage.told() == ["trackStart (call)", "answer"]
    assert stage.wanted(FetchFile) == []


def test_prompt_before_the_answer_goes_on_through_it() -> None:
    stage = come().send("ringing", earlyMedia=True).tell(AGREED)
    assert stage.leg_was_asked() == [RingBack(True)]
    stage.say("Please hold", option={}).supply(1, 400).make(1).play_out(100)
    stage.send("accept", option={}).tell(ANSWERED).play_out(400)
    assert stage.told() == [
        "trackStart (call)",
        "trackStart",
        "answer",
        "trackEnd",
    ]


def test_prompt_before_there_is_audio_is_refused() -> None:
    stage = come().send("ringing").say("Hello", option={})
    assert stage.told() == ["error command 409"]


def test_ears_of_a_call_that_rang_open_step_by_step() -> None:
    stage = come().send("ringing", earlyMedia=True).tell(AGREED)
    stage.send("accept", option={"asr": {"startWhenAnswer": True}}).tell(ANSWERED)
    assert stage.wanted(Listen) == [
        Listen(VadType.SILERO, False),
        Listen(VadType.SILERO, True),
    ]


def test_recorder_of_the_ringing_is_told_once_after_the_answer() -> None:
    recorder = {"recorderFile": "../a.wav"}
    stage = come().send("ringing", recorder=recorder)
    stage.send("accept", option={"recorder": recorder}).tell(AGREED, ANSWERED)
    assert stage.told() == ["trackStart (call)", "answer", "error recorder 400"]


@pytest.mark.covers("reject.command", "reject.reason", "reject.code")
@pytest.mark.parametrize(("code", "sent"), [(486, 486), (None, 603)])
def test_rejected_call_is_declined_at_once(code: int | None, sent: int) -> None:
    stage = come().send("ringing").send("reject", reason="not now", code=code)
    assert stage.told() == ["hangup"]
    assert stage.leg_was_asked()[1:] == [DeclineCall(sent, "not now"), DropLeg()]
    assert isinstance(stage.effects[-1], Close)
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("rejected", "callee")
    assert hangup.ringing_at_ms is not None and hangup.answered_at_ms is None
    fact = stage.wanted(Report)[-1].fact
    assert isinstance(fact, SessionEnded) and fact.answered_at_ms is None


def test_hangup_before_the_acceptance_rejects_the_call() -> None:
    stage = come().send("hangup")
    assert stage.told() == ["hangup"]
    assert stage.leg_was_asked() == [DropLeg()]
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("rejected", "system")


def test_caller_takes_the_call_back() -> None:
    stage = come().send("ringing").tell(LegEnded("canceled", "caller", {"X-B": "2"}))
    assert stage.told() == ["hangup"]
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("canceled", "caller")
    assert hangup.extra and hangup.extra["X-B"] == "2"


def test_call_that_cannot_be_taken_is_over() -> None:
    stage = come().send("accept", option={}).tell(Declined(488, "no codec"))
    assert stage.told() == ["trackStart (call)", "reject", "trackEnd (call)", "hangup"]
    assert stage.last(Rejected).code == 488


def test_call_that_nobody_accepts_is_declined() -> None:
    stage = come().wait(59).send("ringing").wait(59)
    assert stage.told() == []
    stage.wait(2)
    assert stage.told() == ["error session 408", "hangup"]
    assert stage.leg_was_asked()[1:] == [
        DeclineCall(408, "Request Timeout"),
        DropLeg(),
    ]
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("noAnswer", "system")


def test_leg_that_is_lost_before_a_call_came_ends_the_session() -> None:
    stage = waiting().tell(LegLost("there is no such call"))
    assert stage.told() == ["error media 408", "hangup"]
    assert stage.wanted(Report) == []


def test_second_audio_that_is_agreed_upon_changes_nothing() -> None:
    stage = come().tell(AGREED, AGREED).send("accept", option={}).tell(AGREED, ANSWERED)
    assert len(stage.wanted(Connect)) == 1


def test_key_is_heard_before_the_answer_once_there_is_audio() -> None:
    stage = come().tell(KeyPressed("1")).send("ringing", earlyMedia=True)
    assert stage.tell(AGREED, KeyPressed("2")).told() == ["trackStart (call)", "dtmf 2"]


def test_mute_before_the_acceptance_holds_for_the_tone() -> None:
    stage = come().send("mute", trackId=TRACK).tell(AGREED)
    stage.send("ringing", ringtone=TONE).supply(1, 100)
    assert stage.frame() == bytes(320)


@pytest.mark.parametrize(
    ("name", "fields", "code"),
    [
        ("invite", {"option": {"callee": "sip:x@y"}}, 409),
        ("bridge", {"targetSessionId": "x"}, 409),
        ("addIceCandidate", {"candidate": ""}, 501),
        ("refer", {"caller": "a", "callee": "b"}, 501),
        ("message", {"body": "x"}, 409),
        ("hangup", {"refer": True}, 404),
    ],
)
def test_command_that_does_not_fit_a_call_that_came_is_refused(
    name: str, fields: dict[str, object], code: int
) -> None:
    stage = come().send(name, **fields)
    assert stage.told() == [f"error command {code}"]
    assert stage.send("accept", option={}).leg_was_asked() == [TakeCall()]


def test_second_acceptance_is_refused() -> None:
    stage = come().send("accept", option={}).send("accept", option={})
    assert stage.told() == ["trackStart (call)", "error command 409"]


@pytest.mark.parametrize("user", ["bob", "*"])
def test_session_that_listens_waits_for_as_long_as_it_takes(user: str) -> None:
    stage = waiting(listen=user, ping="20").wait(3_600)
    assert set(stage.told()) == {"ping"}
    assert stage.invite(callee="sip:x@y").told() == ["error command 409"]
    assert stage.tell(CAME).told() == ["incoming"]
    stage.wait(61)
    assert stage.told()[-2:] == ["error session 408", "hangup"]


def test_session_only_listens_until_a_call_has_come() -> None:
    stage = waiting(listen="bob")
    assert stage.session.only_listens
    assert not stage.tell(CAME).session.only_listens


@pytest.mark.parametrize("call_type", list(CallType))
def test_session_that_waits_for_an_invite_does_not_only_listen(
    call_type: CallType,
) -> None:
    assert not Stage(call_type).session.only_listens


def test_only_a_sip_session_listens() -> None:
    stage = Stage(CallType.WEBRTC, listen="bob").wait(61)
    assert stage.told() == ["error session 408", "hangup"]
