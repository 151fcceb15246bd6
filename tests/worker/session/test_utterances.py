"""Speech made into text."""

import pytest

from chalicelib.protocol.session.events import AsrDelta, AsrFinal, Failed, Metrics
from mediaworker.session.rules import Rules
from mediaworker.speech.replies import Misheard
from tests.worker.session.stage import EPOCH_MS, Stage

START_MS = 640


def listening(rules: Rules | None = None, **option: object) -> Stage:
    """A call that is heard, after some silence."""
    rules = rules or Rules(endpoint_ms=240)
    stage = Stage(rules=rules).invite(asr=option, vad={}).hush(START_MS)
    stage.told()
    return stage


def test_text_is_asked_for_while_speech_lasts() -> None:
    stage = listening().hear(1_600)
    assert stage.asked() == [
        (1, START_MS - 300, START_MS + 512, False),
        (1, START_MS - 300, START_MS + 1_024, False),
        (1, START_MS - 300, START_MS + 1_536, False),
    ]


@pytest.mark.covers(
    "event.asrDelta.event",
    "event.asrDelta.trackId",
    "event.asrDelta.index",
    "event.asrDelta.timestamp",
    "event.asrDelta.startTime",
    "event.asrDelta.endTime",
    "event.asrDelta.text",
    "note ASR in real time",
)
def test_delta_is_told_when_the_text_changes() -> None:
    stage = listening().hear(640)
    stage.told()
    for text in ("Hel", "Hel", "", "Hello"):
        stage.answer(text, is_final=False)
    assert stage.told() == ["asrDelta Hel", "asrDelta Hello"]
    delta = stage.last(AsrDelta)
    assert (delta.index, delta.track_id) == (1, "s1")
    assert delta.start_time == EPOCH_MS + 100_000 + START_MS
    assert delta.end_time == EPOCH_MS + 100_000 + START_MS + 640


@pytest.mark.covers(
    "event.asrFinal.event",
    "event.asrFinal.trackId",
    "event.asrFinal.timestamp",
    "event.asrFinal.index",
    "event.asrFinal.startTime",
    "event.asrFinal.endTime",
    "event.asrFinal.text",
)
def test_final_is_asked_for_at_the_silence_and_told_at_the_endpoint() -> None:
    stage = listening().hear(640).hush(128)
    assert stage.asked()[-1] == (1, START_MS - 300, START_MS + 640 + 60, True)
    stage.answer("Hello")
    assert stage.told() == ["speaking", "silence"]
    stage.hush(96)
    assert stage.told() == []
    stage.hush(32)
    assert stage.told() == ["asrFinal Hello"]
    final = stage.last(AsrFinal)
    assert final.index == 1
    assert final.start_time == EPOCH_MS + 100_000 + START_MS
    assert final.end_time == EPOCH_MS + 100_000 + START_MS + 640


def test_final_that_comes_late_is_told_at_once() -> None:
    stage = listening().hear(640).hush(320)
    stage.told()
    assert stage.answer("Hello").told() == ["asrFinal Hello"]
    assert stage.session.timer() is None


def test_metrics_tell_of_the_first_text_and_of_the_last() -> None:
    stage = listening().hear(640).answer("Hel", is_final=False)
    stage.answer("Hell", is_final=False).hush(320).answer("Hello")
    first, completed = stage.all(Metrics)
    assert (first.key, first.duration) == ("ttfb.asr.embedded", 640)
    assert (completed.key, completed.duration) == ("completed.asr.embedded", 320)
    assert first.data == completed.data == {"index": 1, "provider": "embedded"}


def test_final_without_a_delta_is_measured_too() -> None:
    stage = listening().hear(640).hush(320).answer("Hello")
    assert [metric.key for metric in stage.all(Metrics)] == [
        "ttfb.asr.embedded",
        "completed.asr.embedded",
    ]


def test_empty_text_is_no_event_and_no_index() -> None:
    stage = listening().hear(640).answer("um", is_final=False).hush(320).answer("")
    stage.hear(640).hush(320).answer("Hello", 2)
    assert [final.index for final in stage.all(AsrFinal)] == [1]


def test_finals_are_counted() -> None:
    stage = listening()
    for utterance in (1, 2, 3):
        stage.hear(640).hush(640).answer("x", utterance)
    assert [final.index for final in stage.all(AsrFinal)] == [1, 2, 3]
    assert [from_ms for _, from_ms, _, is_final in stage.asked() if is_final] == [
        START_MS - 300,
        START_MS + 1_280 - 300,
        START_MS + 2_560 - 300,
    ]


def test_speech_that_comes_back_goes_on_with_the_utterance() -> None:
    stage = listening().hear(640).hush(128).answer("I think")
    stage.told()
    stage.hear(640)
    assert stage.told() == ["speaking", "asrDelta I think"]
    stage.answer("I think", 1).answer("I", 1, is_final=False)
    assert stage.told() == ["asrDelta I"]
    stage.hush(320)
    assert stage.asked()[-1][:2] == (2, START_MS - 300)
    assert stage.answer("late", 1).told() == ["silence", "asrDelta late"]
    assert stage.answer("I think so", 2).told() == ["asrFinal I think so"]
    assert stage.last(AsrFinal).index == 1
    assert stage.last(AsrFinal).start_time == EPOCH_MS + 100_000 + START_MS


def test_speech_that_comes_back_before_its_text_goes_on_too() -> None:
    stage = listening().hear(640).hush(128).hear(640)
    assert stage.told() == ["speaking", "silence", "speaking"]
    stage.hush(320).answer("both", 2)
    assert stage.last(AsrFinal).text == "both"


def test_what_rises_before_the_endpoint_holds_it() -> None:
    """Speech is told late; what may become speech keeps the utterance open."""
    stage = listening().hear(640).hush(192).answer("x").hear(96)
    assert stage.told() == ["speaking", "silence"]
    stage.hush(192)
    assert stage.told() == ["asrFinal x"]


def test_speech_after_the_endpoint_is_another_utterance() -> None:
    stage = listening().hear(640).hush(256).hear(640).hush(320)
    assert [ask[0] for ask in stage.asked() if ask[3]] == [1, 2]
    assert stage.asked()[-1][1] == START_MS + 640 + 60


def test_speech_that_is_seen_late_closes_the_one_before() -> None:
    """A click within the endpoint held it; the speech itself began after."""
    stage = Stage(rules=Rules(endpoint_ms=240))
    stage.invite(asr={}, vad={"ratio": 1.0}).hear(640).hush(128)
    for probability, to_ms in [(0.9, 800), (0.0, 890), (0.9, 1_500), (0.0, 1_700)]:
        stage.session.hear(probability, to_ms, stage.now)
    assert [ask[:2] for ask in stage.settle().asked() if ask[3]] == [(1, 0), (2, 700)]


def test_later_utterance_is_told_after_the_earlier() -> None:
    stage = listening().hear(640).hush(320).hear(640)
    stage.answer("two?", 2, is_final=False).hush(320).answer("two", 2)
    assert stage.all(AsrFinal) == [] and stage.all(AsrDelta) == []
    stage.answer("one", 1)
    assert [final.text for final in stage.all(AsrFinal)] == ["one", "two"]
    assert stage.session.timer() is None


def test_endpoint_may_be_the_applications() -> None:
    stage = listening(extra={"endpointMs": 1_000}).hear(640).hush(992).answer("x")
    assert stage.all(AsrFinal) == []
    assert stage.hush(32).all(AsrFinal) != []


def test_endpoint_may_be_shorter_than_the_padding() -> None:
    stage = listening(extra={"endpointMs": 0}).hear(640).hush(128).answer("x")
    assert [final.text for final in stage.all(AsrFinal)] == ["x"]
    stage.hear(640).hush(128).answer("y", 2)
    assert [final.text for final in stage.all(AsrFinal)] == ["x", "y"]


def test_long_speech_is_cut() -> None:
    stage = listening(Rules(utterance_ms=2_000)).hear(4_000).hush(320)
    finals = [ask for ask in stage.asked() if ask[3]]
    assert finals == [
        (1, 340, 2_368, True),
        (2, 2_368, 4_384, True),
        (3, 4_384, 4_700, True),
    ]
    stage.answer("one", 1).answer("two", 2).answer("three", 3)
    assert [final.index for final in stage.all(AsrFinal)] == [1, 2, 3]
    second = stage.all(AsrFinal)[1]
    assert second.start_time == EPOCH_MS + 100_000 + 2_368


@pytest.mark.covers("VADOption.maxBufferDurationSecs")
@pytest.mark.parametrize(("seconds", "cuts"), [(2, 1), (0, 3), (50, 0)])
def test_utterance_fits_the_detectors_buffer(seconds: float, cuts: int) -> None:
    stage = Stage().invite(asr={}, vad={"maxBufferDurationSecs": seconds})
    stage.hear(3_200)
    assert sum(is_final for *_, is_final in stage.asked()) == cuts


def test_misheard_final_is_an_error_and_the_next_goes_on() -> None:
    stage = listening().hear(640).hush(320).mishear()
    assert stage.told() == ["speaking", "silence", "error asr 500"]
    stage.hear(640).hush(320).answer("x", 2)
    assert stage.last(AsrFinal).index == 1


def test_misheard_utterance_is_told_of_once() -> None:
    stage = listening().hear(640).mishear().mishear().hush(320).mishear()
    assert len(stage.all(Failed)) == 1


def test_misheard_look_in_between_is_no_news() -> None:
    stage = listening().hear(1_200)
    stage.told()
    reply = Misheard(1, 1, 1, "embedded", "no", 500, False)
    stage.session.speech_told(reply, stage.now)
    assert stage.settle().told() == []
    stage.hush(320).answer("all of it", 1)
    assert stage.last(AsrFinal).text == "all of it"


def test_misheard_of_what_was_superseded_is_ignored() -> None:
    stage = listening().hear(640).hush(128).hear(640).mishear(1).mishear(9)
    assert stage.all(Failed) == []


def test_answer_nobody_asked_for_is_ignored() -> None:
    stage = listening().answer("x", 9).hear(640).answer("x", 9).answer("x", 0)
    assert stage.told() == ["speaking"]


def test_text_that_never_comes_is_an_error() -> None:
    stage = listening().hear(640).hush(320).hear(640).hush(320)
    stage.answer("two", 2)
    stage.told()
    assert stage.wait(10).told() == ["error asr 504", "asrFinal two"]
    stage.answer("one", 1)
    assert stage.told() == []
    assert stage.session.timer() is None


def test_lost_recognizer_is_told_and_the_session_hears_on() -> None:
    stage = listening().hear(640).hush(320).hear(640)
    stage.told()
    stage.session.speech_lost(stage.now)
    assert stage.settle().told() == ["error asr 503", "error asr 503"]
    stage.hush(320).answer("what is left", 2)
    assert stage.told() == ["silence", "asrFinal what is left"]


def test_lost_recognizer_leaves_a_known_text_alone() -> None:
    stage = listening().hear(640).hush(128).answer("known")
    stage.told()
    stage.session.speech_lost(stage.now)
    assert stage.hush(192).told() == ["asrFinal known"]


def test_text_of_any_kind_can_be_told() -> None:
    stage = listening().hear(640).answer("\ud800" + "x" * 70_000)
    assert len(stage.last(AsrDelta).text) == 65_536
