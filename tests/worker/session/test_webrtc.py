"""A browser's call, from its offer on."""

import pytest

from chalicelib.protocol.lease import SessionEnded, SessionStarted
from chalicelib.protocol.session.events import (
    Answered,
    CandidateFound,
    Failed,
    HungUp,
    Rejected,
)
from chalicelib.protocol.session.vocabulary import CallType, Codec, VadType
from mediaworker.session import legs
from mediaworker.session.effects import Close, Connect, Listen, Report
from mediaworker.session.legs import (
    AddCandidate,
    AnswerOffer,
    CandidateGathered,
    Declined,
    DropLeg,
    KeyPressed,
    LegEnded,
    LegLost,
    LegTrouble,
    MediaAgreed,
    MediaArrived,
    PressKeys,
)
from tests.worker.session.stage import EPOCH_MS, Stage

AGREED = MediaAgreed(Codec.OPUS, has_keys=True)
ANSWERED = legs.Answered("v=0")


def opened(**options: object) -> Stage:
    return Stage(CallType.WEBRTC).invite(offer="offer", **options)


def answered(**options: object) -> Stage:
    stage = opened(**options).tell(AGREED, ANSWERED)
    stage.told()
    return stage


@pytest.mark.covers(
    "path /call/webrtc", "CallOption.offer", "CallOption.enableIpv6", "event.answer.sdp"
)
def test_offer_is_answered_once_the_leg_has_an_answer() -> None:
    stage = opened(caller="alice", enableIpv6=True)
    assert stage.told() == []
    report, ask = stage.effects
    assert isinstance(report, Report) and isinstance(report.fact, SessionStarted)
    assert ask == AnswerOffer("offer", allows_ipv6=True)
    assert not stage.session.is_connected and stage.session.rate == 0
    stage.tell(AGREED, ANSWERED)
    assert stage.told() == ["trackStart (call)", "answer"]
    assert stage.last(Answered).sdp == "v=0"
    assert stage.wanted(Connect) == [Connect(Codec.OPUS, None, False)]
    assert stage.session.is_connected and stage.session.rate == 16_000


@pytest.mark.parametrize("offer", [{}, {"offer": ""}])
def test_invite_without_an_offer_is_rejected(offer: dict[str, str]) -> None:
    stage = Stage(CallType.WEBRTC).invite(**offer)
    assert stage.told() == ["error offer 400", "reject", "hangup"]
    rejected = stage.last(Rejected)
    assert (rejected.reason, rejected.code) == ("an offer is needed", 400)
    assert [type(effect) for effect in stage.effects] == [DropLeg, Close]


@pytest.mark.parametrize(
    ("codec", "rate"),
    [
        (Codec.OPUS, 16_000),
        (Codec.G722, 16_000),
        (Codec.PCM, 16_000),
        (Codec.PCMU, 8_000),
        (Codec.PCMA, 8_000),
    ],
)
def test_rate_is_the_agreed_codecs_and_not_the_invites(codec: Codec, rate: int) -> None:
    stage = opened(codec="pcm", tts={}).tell(MediaAgreed(codec, has_keys=False))
    assert stage.wanted(Connect) == [Connect(codec, None, False, detects_keys=True)]
    assert stage.session.rate == rate
    stage.tell(ANSWERED).say("Hello").supply(1, 40).make(1)
    frame = stage.frame()
    assert frame is not None and len(frame) == rate // 25


def test_candidates_go_both_ways_at_any_time() -> None:
    stage = Stage(CallType.WEBRTC)
    stage.send("addIceCandidate", candidate="a", sdpMid="0", sdpMLineIndex=0)
    stage.invite(offer="offer").send("addIceCandidate", candidate="b")
    stage.tell(AGREED, ANSWERED).send("addIceCandidate", candidate="")
    assert stage.wanted(AddCandidate) == [
        AddCandidate("a", "0", 0),
        AddCandidate("b"),
        AddCandidate(""),
    ]
    stage.told()
    stage.tell(CandidateGathered("candidate:1", "0", 0), CandidateGathered("", "0", 0))
    assert stage.told() == ["iceCandidate", "iceCandidate"]
    found = stage.all(CandidateFound)[0]
    assert (found.candidate, found.sdp_mid, found.sdp_m_line_index) == (
        "candidate:1",
        "0",
        0,
    )


def test_shortcomings_are_told_after_the_answer() -> None:
    stage = opened(realtime={}, vad={"type": "ten"})
    stage.tell(AGREED, ANSWERED)
    assert stage.told(with_metrics=True) == [
        "trackStart (call)",
        "answer",
        "error realtime 501",
        "metrics vad.substituted",
    ]


def test_offer_that_cannot_be_had_is_rejected() -> None:
    stage = opened().tell(Declined(488, "no codec in common"))
    assert stage.told() == ["reject", "hangup"]
    assert stage.last(Rejected).code == 488
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("failed", "system")
    assert hangup.answered_at_ms is None
    ended, drop, close = stage.effects[-3:]
    assert isinstance(ended, Report) and isinstance(ended.fact, SessionEnded)
    assert ended.fact.answered_at_ms is None and ended.fact.duration_ms == 0
    assert (drop, close) == (DropLeg(), Close(reason="failed"))


def test_leg_that_fails_after_the_answer_ends_the_call() -> None:
    stage = answered().tell(Declined(500, "no keys"))
    assert stage.told() == ["error media 500", "trackEnd (call)", "hangup"]
    assert stage.last(HungUp).reason == "failed"


def test_leg_that_is_lost_ends_the_call() -> None:
    stage = answered().tell(LegLost("nothing came for 20 s"))
    assert stage.told() == ["error media 408", "trackEnd (call)", "hangup"]
    assert stage.last(Failed).error == "nothing came for 20 s"
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("failed", "system")
    assert stage.wanted(DropLeg) == [DropLeg()]


def test_leg_in_trouble_goes_on() -> None:
    stage = answered().tell(LegTrouble("no relay", 504))
    assert stage.told() == ["error media 504"]
    assert stage.session.is_connected


def test_first_audio_is_told() -> None:
    assert answered().tell(MediaArrived()).told() == ["mediaReady"]


def test_call_is_over_when_the_browser_goes() -> None:
    stage = answered()
    stage.now += 3
    stage.tell(LegEnded("byCaller", "caller"))
    assert stage.told() == ["trackEnd (call)", "hangup"]
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("byCaller", "caller")
    assert hangup.answered_at_ms == EPOCH_MS + 100_000
    assert hangup.ringing_at_ms is None


def test_keys_go_both_ways() -> None:
    stage = answered().tell(KeyPressed("5"), KeyPressed("a"), KeyPressed("x"))
    assert stage.told() == ["dtmf 5", "dtmf A"]
    stage.send("dtmf", digits="1d", durationMs=80, gapMs=40)
    assert stage.wanted(PressKeys) == [PressKeys("1D", 80, 40)]


def test_keys_of_who_is_muted_are_not_told() -> None:
    stage = answered().send("mute").tell(KeyPressed("5"))
    assert stage.told() == []
    assert stage.send("unmute").tell(KeyPressed("5")).told() == ["dtmf 5"]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("tts", {"text": "x", "option": {}}),
        ("play", {"url": "http://a/b"}),
        ("interrupt", {}),
        ("pause", {}),
        ("resume", {}),
        ("dtmf", {"digits": "1"}),
        ("bridge", {"targetSessionId": "x"}),
        ("invite", {"option": {}}),
        ("accept", {"option": {}}),
        ("reject", {"reason": "no"}),
        ("ringing", {}),
    ],
)
def test_command_before_there_is_audio_is_refused(
    name: str, fields: dict[str, object]
) -> None:
    stage = opened().send(name, **fields)
    assert stage.told() == ["error command 409"]
    assert stage.tell(AGREED, ANSWERED).told() == ["trackStart (call)", "answer"]


def test_command_that_needs_no_audio_is_obeyed_before_the_answer() -> None:
    stage = opened().send("mute").send("custom", data=1)
    stage.send("history", speaker="a", text="b")
    assert stage.told() == ["custom", "addHistory b"]


def test_mute_before_there_is_audio_mutes_what_comes() -> None:
    stage = opened(tts={}).send("mute", trackId="serverSideTrack")
    stage.tell(AGREED, ANSWERED).say("Hello").supply(1, 40).make(1)
    assert stage.frame() == bytes(640)


def test_hangup_before_the_answer_cancels_at_once() -> None:
    stage = opened(sip={"hangupHeaders": {"X-A": "1"}}).send("hangup")
    assert stage.told() == ["hangup"]
    assert stage.last(HungUp).reason == "canceled"
    assert [type(effect) for effect in stage.effects[-3:]] == [Report, DropLeg, Close]
    assert stage.wanted(DropLeg) == [DropLeg({"X-A": "1"})]
    stage.tell(AGREED, ANSWERED, LegEnded("x", "y"), LegLost("x"))
    assert stage.told() == [] and stage.wanted(DropLeg) == [DropLeg({"X-A": "1"})]


def test_hangup_before_the_invite_drops_the_leg() -> None:
    stage = Stage(CallType.WEBRTC).send("hangup")
    assert stage.told() == ["hangup"]
    assert stage.effects == [DropLeg(), Close(reason="bySystem")]


def test_nothing_that_a_browser_cannot_do_is_heard() -> None:
    stage = answered()
    before = list(stage.effects)
    stage.tell(legs.HoldChanged(True), legs.Rang(True), legs.CallCame("a", "b", ""))
    stage.tell(AGREED, ANSWERED)
    assert stage.told() == [] and stage.effects == before


def test_recognizer_hears_from_the_answer_on_when_it_is_to() -> None:
    stage = opened(asr={"startWhenAnswer": True, "language": "de"})
    stage.tell(AGREED)
    assert stage.wanted(Connect) == [Connect(Codec.OPUS, VadType.SILERO, False)]
    stage.tell(ANSWERED)
    assert stage.wanted(Listen) == [Listen(VadType.SILERO, True, "de")]


def test_leg_of_a_websocket_call_is_not_heard() -> None:
    stage = Stage().invite()
    stage.told()
    stage.tell(LegLost("x"), KeyPressed("1"), LegEnded("x", "y"))
    assert stage.told() == [] and stage.leg_was_asked() == []
    assert stage.send("hangup").leg_was_asked() == []
