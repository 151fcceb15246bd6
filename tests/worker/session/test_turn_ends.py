"""Whether the caller has finished: judged, or decided by silence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.events import AsrFinal, EndOfUtterance, Failed, Metrics
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.session.effects import Connect, JudgeTurn
from mediaworker.session.legs import Answered, MediaAgreed
from mediaworker.speech.replies import Beep, Judged, Remark
from tests.worker.session.stage import Stage

VAD = {"speechPadding": 64, "silencePadding": 96}
MISSING = "the model is not there"


def live(**option: Any) -> Stage:
    stage = Stage().invite(**{"eou": {}, "vad": VAD, **option})
    stage.told()
    return stage


def judge(
    stage: Stage,
    probability: float | None,
    number: int = 1,
    sentence: str | None = None,
) -> Stage:
    reply = Judged(1, number, probability, 45, sentence)
    stage.session.speech_told(reply, stage.now)
    return stage.settle()


def ends(stage: Stage) -> list[bool]:
    return [event.completed for event in stage.all(EndOfUtterance)]


def test_turn_that_sounds_finished_is_told_at_once() -> None:
    stage = live()
    stage.hear(640).hush(160)
    assert stage.wanted(JudgeTurn) == []
    stage.hush(64)
    assert stage.wanted(JudgeTurn) == [JudgeTurn(1, 864)]
    assert ends(stage) == []
    judge(stage, 0.97)
    told = stage.last(EndOfUtterance)
    assert (told.completed, told.complete, told.text) == (True, True, None)
    assert told.track_id == "s1"
    stage.hush(3_200).wait(5)
    assert ends(stage) == [True]
    metrics = stage.last(Metrics)
    assert (metrics.key, metrics.duration) == ("eou", 45)
    assert metrics.data == {"probability": 0.97, "provider": "smart-turn"}


def test_pause_is_told_and_is_an_end_after_the_timeout() -> None:
    stage = live(eou={"type": "Smart-Turn", "timeout": 1_500})
    stage.hear(640).hush(224)
    judge(stage, 0.1)
    assert ends(stage) == [False]
    silent_at = stage.now - 0.224
    stage.wait(silent_at + 1.49 - stage.now)
    assert ends(stage) == [False]
    stage.wait(0.02)
    assert ends(stage) == [False, True]
    stage.wait(10)
    assert ends(stage) == [False, True]


def test_pause_after_which_speech_goes_on_is_no_end() -> None:
    stage = live()
    stage.hear(640).hush(224)
    judge(stage, 0.1)
    stage.hear(640).wait(10)
    assert ends(stage) == [False]
    stage.hush(224)
    judge(stage, 0.99, number=1)
    assert ends(stage) == [False]
    judge(stage, 0.99, number=2)
    assert ends(stage) == [False, True]


def test_judgement_that_comes_after_speech_is_back_is_ignored() -> None:
    stage = live()
    stage.hear(640).hush(224).hear(320)
    judge(stage, 0.99)
    assert ends(stage) == []


def test_short_pause_is_not_judged() -> None:
    stage = live()
    stage.hear(640).hush(128).hear(640)
    assert stage.wanted(JudgeTurn) == []


def test_silence_decides_where_no_judgement_comes() -> None:
    stage = live()
    stage.hear(640).hush(224)
    judge(stage, None)
    silent_at = stage.now - 0.224
    stage.wait(silent_at + 0.79 - stage.now)
    assert ends(stage) == []
    stage.wait(0.02)
    assert ends(stage) == [True]
    judge(stage, 0.1)
    assert ends(stage) == [True]


def test_missing_model_is_told_once_and_asked_no_more() -> None:
    stage = live()
    stage.hear(640).hush(224)
    judge(stage, None, sentence=MISSING)
    failed = stage.last(Failed)
    assert (failed.sender, failed.error, failed.code) == ("eou", MISSING, 503)
    judge(stage, None, sentence=MISSING)
    assert len(stage.all(Failed)) == 1
    stage.hush(640).wait(1).hear(640).hush(640).wait(1)
    assert len(stage.wanted(JudgeTurn)) == 1
    assert ends(stage) == [True, True]


def test_timeout_that_is_shorter_than_a_judgement_is_kept() -> None:
    stage = live(eou={"timeout": 100})
    stage.hear(640).hush(96).wait(0.05)
    assert ends(stage) == [True]


@pytest.mark.parametrize(("threshold", "is_finished"), [(0.3, True), (0.9, False)])
def test_threshold_may_be_chosen(threshold: float, is_finished: bool) -> None:
    stage = live(eou={"extra": {"threshold": threshold, "afterMs": 96}})
    stage.hear(640).hush(96)
    judge(stage, 0.6)
    assert ends(stage) == [is_finished]


@pytest.mark.parametrize(
    ("eou", "code"),
    [
        ({"type": "tencent"}, 501),
        ({"endpoint": "https://judge.example"}, 501),
        ({"extra": {"threshold": 2}}, 400),
        ({"extra": {"afterMs": "soon"}}, 400),
        ({"extra": {"afterMs": True}}, 400),
    ],
)
def test_what_cannot_be_had_is_told_and_nothing_else_is_lost(
    eou: dict[str, Any], code: int
) -> None:
    stage = Stage().invite(eou=eou, vad=VAD, asr={})
    assert stage.told() == ["trackStart (call)", "answer", f"error eou {code}"]
    (connect,) = stage.wanted(Connect)
    assert connect.transcribes and connect.vad is not None
    assert connect.judges is ("type" not in eou)
    stage.hear(640).hush(640).answer("Hello.").wait(0.2).hush(32)
    assert "speaking" in stage.told()
    assert stage.last(AsrFinal).text == "Hello."


def test_voice_is_detected_for_the_ends_of_turns_alone() -> None:
    stage = Stage().invite(eou={})
    (connect,) = stage.wanted(Connect)
    assert connect.vad is not None and connect.transcribes and connect.judges
    stage.told()
    stage.hear(640).hush(640)
    judge(stage, 0.9)
    assert stage.told() == ["eou"]


# With a recognizer


def test_final_text_waits_for_the_end_of_the_turn() -> None:
    stage = live(asr={})
    stage.hear(640).hush(224)
    stage.answer("I want to")
    judge(stage, 0.1)
    assert stage.last(EndOfUtterance).text == "I want to"
    stage.hush(960)
    assert stage.all(AsrFinal) == []
    stage.hear(640).hush(224)
    stage.answer("I want to pay.", utterance=2)
    judge(stage, 0.9, number=2)
    assert stage.last(EndOfUtterance).text == "I want to pay."
    assert stage.all(AsrFinal) == []
    stage.hush(32)
    (final,) = stage.all(AsrFinal)
    assert final.text == "I want to pay."


def test_final_text_comes_when_the_timeout_has_ended_the_turn() -> None:
    stage = live(asr={}, eou={"timeout": 800})
    stage.hear(640).hush(224)
    stage.answer("Well,")
    judge(stage, 0.1)
    stage.wait(1)
    assert ends(stage) == [False, True]
    stage.hush(1_024)
    assert stage.last(AsrFinal).text == "Well,"


def test_text_of_a_turn_is_told_with_it_and_with_no_other() -> None:
    stage = live(asr={})
    stage.hear(1_280)
    stage.answer("One", is_final=False)
    stage.hush(224)
    judge(stage, 0.9)
    assert stage.last(EndOfUtterance).text == "One"
    stage.hush(320)
    stage.hear(640)
    stage.answer("One.", utterance=1)
    stage.hush(224)
    judge(stage, 0.9, number=2)
    assert stage.last(EndOfUtterance).text is None


@pytest.mark.parametrize("from_ms", [None, 300, 1_500])
def test_text_of_a_provider_is_of_the_turn_in_which_it_was_said(
    from_ms: int | None,
) -> None:
    """Though the provider hears it begin before our detector does, or later."""
    stage = live(asr={"provider": "deepgram", "secretKey": "k"})
    stage.hush(320).hear(640).hush(224)
    remark(stage, "One", 100 if from_ms else None)
    judge(stage, 0.9)
    assert stage.last(EndOfUtterance).text == "One"
    stage.hush(320)
    remark(stage, "One.", 100 if from_ms else None, is_final=True)
    stage.hear(640).hush(224)
    remark(stage, "Two", from_ms and from_ms + 900)
    judge(stage, 0.9, number=2)
    assert stage.last(EndOfUtterance).text == "Two"


def remark(
    stage: Stage, text: str, from_ms: int | None, *, is_final: bool = False
) -> None:
    to_ms = None if from_ms is None else from_ms + 500
    reply = Remark(1, text, is_final, "deepgram", from_ms, to_ms)
    stage.session.speech_told(reply, stage.now)
    stage.settle()


def test_texts_of_one_turn_add_up() -> None:
    stage = live(asr={}, vad={**VAD, "maxBufferDurationSecs": 1})
    stage.hear(1_600)
    stage.answer("One two")
    stage.answer("three", utterance=2, is_final=False)
    stage.hush(224)
    judge(stage, 0.9)
    assert stage.last(EndOfUtterance).text == "One two three"


def test_hearing_that_begins_in_the_midst_of_a_turn_judges_it() -> None:
    stage = Stage(CallType.SIP)
    stage.invite(
        callee="sip:bob@example.com", vad=VAD, asr={"startWhenAnswer": True}, eou={}
    )
    stage.tell(MediaAgreed(Codec.PCMU, has_keys=True)).hear(640)
    stage.tell(Answered("v=0"))
    stage.hear(320).hush(224)
    judge(stage, 0.9)
    assert ends(stage) == [True]


def test_answer_for_a_call_that_is_over_is_ignored() -> None:
    stage = live()
    stage.hear(640).hush(224).send("hangup").told()
    judge(stage, 0.9)
    stage.session.speech_told(Beep(1, 0, 200), stage.now)
    assert stage.settle().told() == []


def test_answer_that_nobody_asked_for_is_ignored() -> None:
    stage = live(eou=None)
    stage.hear(640).hush(640)
    assert stage.wanted(JudgeTurn) == []
    judge(stage, 0.9)
    assert ends(stage) == []


Step = tuple[str, float]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.sampled_from([64, 320, 1_600])),
        st.tuples(st.just("hush"), st.sampled_from([64, 224, 640, 3_200])),
        st.tuples(st.just("judge"), st.floats(0, 1)),
        st.tuples(st.just("fail"), st.just(0.0)),
    ),
    max_size=30,
)


@given(STEPS, st.sampled_from([None, 300, 2_000]))
def test_every_turn_ends_once_whatever_is_judged(
    steps: list[Step], timeout: int | None
) -> None:
    stage = live(eou={"timeout": timeout} if timeout else {}, asr={})
    number = 0
    for step, value in steps:
        number = len(stage.wanted(JudgeTurn))
        if step == "hear":
            run(stage, int(value), 0.9)
        elif step == "hush":
            run(stage, int(value), 0.0)
        elif step == "judge":
            judge(stage, value, number)
        else:
            judge(stage, None, number)
    run(stage, 12_000, 0.0)
    told = stage.told()
    spoken = [word for word in told if word in ("speaking", "silence", "eou")]
    found = ends(stage)
    assert not spoken or "speaking" in spoken
    assert not found or found[-1]
    assert bool(found) == ("speaking" in spoken)
    assert found.count(True) <= spoken.count("speaking")


def run(stage: Stage, ms: int, probability: float) -> None:
    """With timers, which `Stage.hear` leaves alone."""
    for _ in range(ms // 32):
        stage.hear(32, probability)
        at = stage.session.timer()
        if at is not None and at <= stage.now:
            stage.session.handle_timer(stage.now)
            stage.settle()
