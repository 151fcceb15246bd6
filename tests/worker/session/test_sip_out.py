"""A telephone call that the application places."""

import pytest

from chalicelib.protocol.lease import SessionEnded
from chalicelib.protocol.session import records
from chalicelib.protocol.session.events import (
    Hold,
    HungUp,
    Rejected,
    Ringing,
    TrackEnded,
)
from chalicelib.protocol.session.options import SipOption
from chalicelib.protocol.session.vocabulary import CallType, Codec, VadType
from mediaworker.session.effects import Close, Connect, Listen, MuteCaller, Report
from mediaworker.session.ending import end_of
from mediaworker.session.legs import (
    Answered,
    Declined,
    DropLeg,
    HoldChanged,
    KeyPressed,
    LegEnded,
    LegEvent,
    MediaAgreed,
    MediaArrived,
    PlaceCall,
    PressKeys,
    Rang,
)
from tests.worker.session.stage import EPOCH_MS, Stage

CALLEE = "sip:bob@example.com"
AGREED = MediaAgreed(Codec.PCMU, has_keys=True)
ANSWERED = Answered("v=0")


def placed(**option: object) -> Stage:
    stage = Stage(CallType.SIP).invite(callee=CALLEE, **option)
    stage.told()
    return stage


def live(**option: object) -> Stage:
    stage = placed(**option).tell(AGREED, ANSWERED)
    stage.told()
    return stage


@pytest.mark.covers(
    "path /call/sip",
    "CallOption.callee",
    "CallOption.caller",
    "CallOption.handshakeTimeout",
    "event.ringing.event",
    "event.ringing.trackId",
    "event.ringing.timestamp",
    "event.ringing.earlyMedia",
    "event.hangup.startTime",
    "event.hangup.ringingTime",
    "event.hangup.from",
    "event.hangup.to",
    "event.hangup.extra",
    "event.trackEnd.duration",
    "Attendee.username",
    "Attendee.realm",
)
def test_invite_places_a_call_and_tells_of_it_in_order() -> None:
    stage = Stage(CallType.SIP)
    stage.invite(callee=CALLEE, caller="sip:a@b.example", handshakeTimeout="20s")
    assert stage.told() == ["trackStart (call)"]
    assert stage.leg_was_asked() == [PlaceCall(CALLEE, "sip:a@b.example", None, 20.0)]
    stage.now += 1
    stage.tell(Rang(False), Rang(True))
    assert [event.early_media for event in stage.all(Ringing)] == [False, True]
    stage.now += 1
    stage.tell(AGREED, MediaArrived(), ANSWERED)
    assert stage.told() == ["ringing", "ringing", "mediaReady", "answer"]
    stage.now += 1
    stage.tell(
        LegEnded("byCallee", "callee", {"X-Reason": "bye\r\nX: y", "no name": ""})
    )
    assert stage.told() == ["trackEnd (call)", "hangup"]
    assert stage.last(TrackEnded).duration == 3_000
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("byCallee", "callee")
    assert hangup.started_at_ms == EPOCH_MS + 100_000
    assert hangup.ringing_at_ms == EPOCH_MS + 101_000
    assert hangup.answered_at_ms == EPOCH_MS + 102_000
    assert hangup.from_ and hangup.from_.username == "a"
    assert hangup.to and hangup.to.username == "bob"
    assert hangup.extra == {
        "X-Reason": "bye  X: y",
        "session_id": "s1",
        "call_type": "sip",
        "start_time": "2023-11-14T22:15:00Z",
    }
    report, drop, close = stage.effects[-3:]
    assert isinstance(report, Report) and isinstance(report.fact, SessionEnded)
    assert report.fact.ringing_at_ms == EPOCH_MS + 101_000
    assert report.fact.duration_ms == 1_000
    assert isinstance(drop, DropLeg) and isinstance(close, Close)


@pytest.mark.covers("CallOption.sip", "SipOption.username", "SipOption.realm")
@pytest.mark.parametrize(
    ("sip", "caller"),
    [
        ({"username": "a", "realm": "b.example"}, "sip:a@b.example"),
        ({"username": "a"}, None),
        ({"realm": "b.example"}, None),
        (None, None),
    ],
)
def test_caller_is_the_account_where_none_is_named(
    sip: dict[str, str] | None, caller: str | None
) -> None:
    stage = placed(sip=sip)
    option = records.read(SipOption, sip) if sip else None
    assert stage.leg_was_asked() == [PlaceCall(CALLEE, caller, option)]
    assert stage.session.caller == caller and stage.session.callee == CALLEE


@pytest.mark.parametrize("option", [{}, {"callee": ""}])
def test_invite_without_a_callee_is_rejected(option: dict[str, str]) -> None:
    stage = Stage(CallType.SIP).invite(**option)
    assert stage.told() == ["error callee 400", "reject", "hangup"]
    assert stage.last(Rejected).reason == "a callee is needed"
    assert stage.leg_was_asked() == [DropLeg()]


@pytest.mark.covers(
    "event.reject.event",
    "event.reject.trackId",
    "event.reject.timestamp",
    "event.reject.reason",
    "event.reject.code",
)
@pytest.mark.parametrize(
    ("code", "reason", "initiator"),
    [
        (486, "rejected", "callee"),
        (600, "rejected", "callee"),
        (603, "rejected", "callee"),
        (408, "noAnswer", "system"),
        (480, "noAnswer", "system"),
        (487, "canceled", "system"),
        (402, "noBalance", "system"),
        (503, "serverUnavailable", "system"),
        (403, "failed", "system"),
        (404, "failed", "system"),
        (302, "failed", "system"),
    ],
)
def test_call_that_is_not_taken_says_why(
    code: int, reason: str, initiator: str
) -> None:
    stage = placed().tell(Rang(False), Declined(code, "Busy\nHere"))
    assert stage.told() == ["ringing", "reject", "trackEnd (call)", "hangup"]
    rejected = stage.last(Rejected)
    assert (rejected.reason, rejected.code) == ("Busy\nHere", code)
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == (reason, initiator)
    assert hangup.answered_at_ms is None and hangup.ringing_at_ms is not None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (486, "rejected"),
        (603, "rejected"),
        (408, "noAnswer"),
        (480, "noAnswer"),
        (487, "canceled"),
        (402, "noBalance"),
        (503, "serverUnavailable"),
        (404, "failed"),
        (302, "failed"),
    ],
)
def test_final_answer_says_why_there_is_no_call(status: int, reason: str) -> None:
    assert str(end_of(status)[0]) == reason


def test_hangup_while_it_rings_cancels_at_once() -> None:
    stage = placed().tell(Rang(False)).send("hangup", headers={"X-A": "1"})
    assert stage.told() == ["ringing", "trackEnd (call)", "hangup"]
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("canceled", "system")
    assert stage.wanted(DropLeg) == [DropLeg({"X-A": "1"})]
    assert isinstance(stage.effects[-1], Close)


def test_hangup_while_it_rings_keeps_its_words() -> None:
    stage = placed().send("hangup", reason="enough", initiator="user")
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("enough", "user")


def test_headers_of_a_hangup_are_the_commands_then_the_options() -> None:
    option = {"sip": {"hangupHeaders": {"X-A": "1"}}}
    assert live(**option).send("hangup").wanted(DropLeg) == [DropLeg({"X-A": "1"})]
    stage = live(**option).send("hangup", headers={})
    assert stage.wanted(DropLeg) == [DropLeg({})]


def test_early_media_is_heard_and_spoken_into() -> None:
    stage = placed(asr={"language": "en"}, vad={"speechPadding": 64}, tts={})
    stage.tell(Rang(True), AGREED)
    assert stage.wanted(Connect) == [Connect(Codec.PCMU, VadType.SILERO, True, "en")]
    stage.hear(320).tell(KeyPressed("1")).say("Hello").supply(1, 40).make(1).play_out(
        80
    )
    told = stage.told()
    for name in ("speaking", "dtmf 1", "trackStart", "trackEnd"):
        assert name in told
    stage.send("dtmf", digits="9")
    assert stage.wanted(PressKeys) == [PressKeys("9", 100, 60)]
    assert stage.tell(ANSWERED).told() == ["answer"]
    assert stage.wanted(Listen) == []


@pytest.mark.covers("TranscriptionOption.startWhenAnswer")
def test_recognizer_hears_from_the_answer_on_when_it_is_to() -> None:
    stage = placed(asr={"startWhenAnswer": True, "language": "en"})
    stage.tell(AGREED).hear(960).hush(640)
    assert stage.wanted(Connect) == [Connect(Codec.PCMU, VadType.SILERO, False)]
    assert stage.asked() == []
    stage.tell(ANSWERED)
    assert stage.wanted(Listen) == [Listen(VadType.SILERO, True, "en")]
    stage.hear(960).hush(320)
    assert stage.asked()[-1][3]


def test_answer_in_the_midst_of_a_word_is_heard_from_there_on() -> None:
    stage = placed(asr={"startWhenAnswer": True}).tell(AGREED).hear(640)
    from_ms = stage.heard_ms
    stage.tell(ANSWERED).hear(320).hush(320).answer("hello").told()
    assert stage.asked()[-1][1] <= from_ms < stage.asked()[-1][2]


def test_answer_without_media_waits_for_it() -> None:
    stage = placed(vad={}, tts={}).tell(ANSWERED)
    assert stage.told() == ["answer"]
    assert stage.say("Hello").told() == ["error command 409"]
    assert stage.tell(AGREED).wanted(Connect) == [
        Connect(Codec.PCMU, VadType.SILERO, False)
    ]
    stage.say("Hello").supply(1, 40).make(1).play_out(20)
    assert "trackStart" in stage.told()


def test_hold_silences_the_caller_and_nobody_is_inactive() -> None:
    stage = live(inactivityTimeout=5)
    stage.tell(HoldChanged(True), HoldChanged(True))
    assert stage.told() == ["hold"] and stage.last(Hold).on_hold
    assert stage.wanted(MuteCaller) == [MuteCaller(True)]
    assert stage.wait(20).told() == []
    stage.tell(HoldChanged(False))
    assert stage.wanted(MuteCaller) == [MuteCaller(True), MuteCaller(False)]
    assert stage.wait(6).told() == ["hold", "inactivity", "trackEnd (call)", "hangup"]


def test_who_was_muted_stays_so_after_a_hold() -> None:
    stage = live().send("mute").tell(HoldChanged(True), HoldChanged(False))
    assert stage.wanted(MuteCaller) == [MuteCaller(True)]
    stage.tell(HoldChanged(True)).send("unmute")
    assert stage.wanted(MuteCaller) == [MuteCaller(True)]
    stage.tell(HoldChanged(False))
    assert stage.wanted(MuteCaller) == [MuteCaller(True), MuteCaller(False)]


@pytest.mark.parametrize(
    "event", [Rang(False), AGREED, ANSWERED, MediaArrived(), HoldChanged(True)]
)
def test_leg_that_speaks_before_the_invite_is_not_heard(event: LegEvent) -> None:
    stage = Stage(CallType.SIP).tell(event)
    assert stage.told() == [] and stage.effects == []
    assert stage.invite(callee=CALLEE).told() == ["trackStart (call)"]


def test_inactivity_is_counted_from_the_answer_on() -> None:
    stage = placed(inactivityTimeout=5).tell(AGREED).wait(20)
    assert stage.told() == []
    assert stage.tell(ANSWERED).wait(6).told()[1] == "inactivity"
