"""Texts that a provider finds by itself: told at the times of the caller's audio."""

import pytest

from chalicelib.protocol.session.events import AsrDelta, AsrFinal, Failed, Metrics
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.session.effects import AskText, Connect, Listen
from mediaworker.speech.replies import Remark, Unheard
from tests.worker.session.stage import EPOCH_MS, Stage

ASR = {"provider": "Deepgram", "language": "en-GB", "secretKey": "k"}


def listening(**option: object) -> Stage:
    stage = Stage().invite(asr={**ASR, **option})
    stage.told()
    return stage


def remark(
    stage: Stage,
    text: str,
    from_ms: int | None = None,
    to_ms: int | None = None,
    *,
    is_final: bool = False,
    confidence: float | None = None,
) -> Stage:
    reply = Remark(1, text, is_final, "deepgram", from_ms, to_ms, confidence)
    stage.session.speech_told(reply, stage.now)
    return stage.settle()


def at_ms(stage: Stage, audio_ms: int) -> int:
    """When that audio was heard, which began when the stage's clock stood at 100."""
    return EPOCH_MS + 100_000 + audio_ms


@pytest.mark.covers(
    "CallOption.asr", "TranscriptionOption.provider", "TranscriptionOption.secretKey"
)
def test_provider_is_given_the_option_and_the_audio() -> None:
    stage = listening()
    (connect,) = stage.wanted(Connect)
    assert connect.transcribes and connect.remote is not None
    assert (connect.remote.provider, connect.remote.secret_key) == ("Deepgram", "k")
    assert connect.vad is not None
    assert "'k'" not in repr(connect)


def test_nothing_is_asked_of_it() -> None:
    stage = listening().hear(2_000).hush(2_000)
    assert stage.wanted(AskText) == []


def test_its_words_are_told_with_their_times() -> None:
    stage = listening().hear(960).hush(320)
    remark(stage, "hel", 64, 500)
    remark(stage, "hel", 64, 600)
    remark(stage, "hello", 64, 900, confidence=0.9)
    remark(stage, "hello there", 64, 1_000, is_final=True, confidence=1.5)
    remark(stage, "again", 1_100, 1_200)
    assert stage.told() == [
        "asrDelta hel",
        "asrDelta hello",
        "asrFinal hello there",
        "asrDelta again",
    ]
    first, second, third = stage.all(AsrDelta)
    assert (first.index, second.index, third.index) == (1, 1, 2)
    assert second.confidence == 0.9
    final = stage.last(AsrFinal)
    assert final.index == 1 and final.confidence is None
    assert (final.start_time, final.end_time) == (
        at_ms(stage, 64),
        at_ms(stage, 1_000),
    )
    keys = [(each.key, each.duration) for each in stage.all(Metrics)]
    assert keys == [
        ("ttfb.asr.deepgram", 1_280 - 64),
        ("completed.asr.deepgram", 1_280 - 1_000),
        ("ttfb.asr.deepgram", 1_280 - 1_100),
    ]


def test_its_words_are_told_at_the_times_of_our_detector() -> None:
    stage = listening().hush(320).hear(640).hush(320)
    remark(stage, "one", is_final=True)
    one = stage.last(AsrFinal)
    assert (one.start_time, one.end_time) == (at_ms(stage, 320), at_ms(stage, 960))
    stage.hear(640)
    remark(stage, "two")
    two = stage.last(AsrDelta)
    assert (two.start_time, two.end_time) == (at_ms(stage, 1_280), at_ms(stage, 1_920))
    remark(stage, "two", is_final=True)
    stage.hear(320)
    remark(stage, "three")
    three = stage.last(AsrDelta)
    assert (three.start_time, three.end_time) == (
        at_ms(stage, 1_920),
        at_ms(stage, 2_240),
    )


def test_speech_that_goes_on_begins_where_it_began() -> None:
    stage = listening().hush(320).hear(640).hush(320).hear(640).hush(320)
    remark(stage, "one and more", is_final=True)
    told = stage.last(AsrFinal)
    assert (told.start_time, told.end_time) == (at_ms(stage, 320), at_ms(stage, 1_920))


def test_words_have_times_though_nobody_was_heard() -> None:
    stage = listening()
    remark(stage, "early", 0, 20)
    early = stage.last(AsrDelta)
    assert early.start_time == early.end_time == at_ms(stage, 0)
    stage.hush(640)
    remark(stage, "later", 900, 5_000)
    later = stage.last(AsrDelta)
    assert later.start_time == later.end_time == at_ms(stage, 640)
    remark(stage, "nothing", is_final=True)
    nothing = stage.last(AsrFinal)
    assert nothing.start_time == nothing.end_time == at_ms(stage, 640)


def test_turns_are_told_beside_it() -> None:
    stage = Stage().invite(asr=ASR, vad={})
    stage.hear(640).hush(320)
    assert [each for each in stage.told() if each in ("speaking", "silence")] == [
        "speaking",
        "silence",
    ]


def test_its_failure_is_told_and_the_call_goes_on() -> None:
    stage = listening()
    reply = Unheard(1, "deepgram", "deepgram: the provider answered 401", 401)
    stage.session.speech_told(reply, stage.now)
    stage.settle()
    failed = stage.last(Failed)
    assert (failed.sender, failed.code) == ("asr", 401)
    assert failed.error == "deepgram: the provider answered 401"
    assert stage.session.is_connected


def test_loss_of_the_process_is_told() -> None:
    stage = listening()
    stage.session.speech_lost(stage.now)
    stage.settle()
    assert stage.told() == ["error asr 503"]


def test_late_remark_is_nothing() -> None:
    stage = listening().send("hangup")
    stage.told()
    remark(stage, "late")
    stage.session.speech_lost(stage.now)
    assert stage.settle().told() == []
    assert remark(Stage(), "early").told() == []


def test_answer_may_come_first() -> None:
    from chalicelib.protocol.session.vocabulary import Codec
    from mediaworker.session.legs import Answered, MediaAgreed

    stage = Stage(CallType.SIP)
    asr = {**ASR, "startWhenAnswer": True}
    stage.invite(asr=asr, callee="sip:a@b.example", vad={})
    stage.tell(MediaAgreed(Codec.PCMU, True))
    assert stage.wanted(Connect)[0].remote is None
    stage.hear(640)
    stage.tell(Answered(""))
    (listen,) = stage.wanted(Listen)
    assert listen.transcribes and listen.remote is not None
    remark(stage, "hello")
    hello = stage.last(AsrDelta)
    assert hello.start_time == at_ms(stage, 640)


@pytest.mark.parametrize("asked", ["soon", 5])
def test_what_is_the_providers_own_is_not_read(asked: object) -> None:
    stage = Stage().invite(asr={**ASR, "extra": {"endpointMs": asked}})
    assert "error asr 400" not in stage.told()
