"""Whether a machine has answered: a hint, told once."""

from typing import Any

import pytest

from chalicelib.protocol.session.events import AnswerMachineDetected
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.session.effects import Connect, Listen
from mediaworker.session.legs import Answered, CallCame, MediaAgreed
from mediaworker.speech.replies import Beep
from tests.worker.session.stage import EPOCH_MS, Stage

CALLEE = "sip:bob@example.com"
AGREED = MediaAgreed(Codec.PCMU, has_keys=True)
ANSWERED = Answered("v=0")
SOUGHT = {"extra": {"answerMachineDetection": True}}


def called(**option: Any) -> Stage:
    return Stage(CallType.SIP).invite(callee=CALLEE, **SOUGHT, **option).tell(AGREED)


def live(**option: Any) -> Stage:
    stage = called(**option).tell(ANSWERED)
    stage.told()
    return stage


def beep(stage: Stage, from_ms: int, to_ms: int) -> Stage:
    stage.session.speech_told(Beep(1, from_ms, to_ms), stage.now)
    return stage.settle()


def hints(stage: Stage) -> list[AnswerMachineDetected]:
    return stage.all(AnswerMachineDetected)


def test_nobody_is_sought_unless_it_is_asked_for() -> None:
    stage = Stage(CallType.SIP).invite(callee=CALLEE, vad={}, extra={"id": 1})
    stage.tell(AGREED, ANSWERED).hear(9_600)
    beep(stage, 100, 400)
    assert hints(stage) == []
    assert not stage.wanted(Connect)[0].seeks_beeps


def test_long_greeting_is_a_machines_and_is_told_once() -> None:
    stage = live()
    stage.hush(640).hear(960).hush(320).hear(640)
    assert hints(stage) == []
    stage.hear(12_800)
    (told,) = hints(stage)
    assert told.track_id == "s1" and told.text == ""
    assert told.start_time == EPOCH_MS + 100_640
    assert told.end_time - told.start_time in range(2_400, 2_440)
    beep(stage, 10_000, 10_200)
    assert len(hints(stage)) == 1


def test_short_greeting_and_an_answer_are_a_persons() -> None:
    stage = live()
    stage.hear(1_600).hush(1_600).hear(6_400)
    assert hints(stage) == []


@pytest.mark.parametrize(
    "text",
    [
        "Please leave a message.",
        "Bitte sprechen Sie nach dem Signalton",
        "Laissez votre message après le bip",
        "Deje su mensaje después del tono",
        "您好，请留言",
    ],
)
def test_words_that_only_machines_say(text: str) -> None:
    stage = live(asr={"language": "en"})
    stage.hear(640).answer(text, is_final=False)
    (told,) = hints(stage)
    assert told.text == text
    stage.hush(640).answer(text)
    assert len(hints(stage)) == 1


def test_words_that_only_machines_say_in_two_utterances() -> None:
    stage = live(asr={})
    stage.hear(640).hush(640).answer("You have reached")
    stage.hear(640).hush(640).answer("a voicemail", utterance=2)
    (told,) = hints(stage)
    assert told.text == "You have reached a voicemail"


def test_beep_is_a_machines() -> None:
    stage = live().hear(640).hush(1_600)
    beep(stage, 1_900, 2_100)
    (told,) = hints(stage)
    assert told.start_time == EPOCH_MS + 101_900
    assert told.end_time == EPOCH_MS + 102_100


def test_tones_before_the_answer_are_the_networks() -> None:
    stage = called(vad={}).hush(1_600)
    beep(stage, 200, 600)
    stage.tell(ANSWERED)
    beep(stage, 1_000, 1_400)
    assert hints(stage) == []


def test_speech_at_the_answer_is_its_greeting() -> None:
    stage = called().hear(1_600).tell(ANSWERED).hear(2_240)
    assert hints(stage) == []
    stage.hear(320)
    (told,) = hints(stage)
    assert told.start_time == EPOCH_MS + 101_600


def test_nobody_is_sought_after_a_while() -> None:
    stage = live(asr={}).hush(30_400)
    stage.hear(6_400).answer("Leave a message", is_final=False)
    assert hints(stage) == []
    beep(stage, 36_000, 36_200)
    assert hints(stage) == []


def test_beep_long_after_the_answer_is_no_hint() -> None:
    stage = live().wait(31)
    stage.session.speech_told(Beep(1, 0, 200), stage.now)
    assert hints(stage.settle()) == []


def test_audio_goes_where_beeps_are_found() -> None:
    stage = Stage(CallType.SIP).invite(
        callee=CALLEE, asr={"startWhenAnswer": True}, **SOUGHT
    )
    stage.tell(AGREED)
    (connect,) = stage.wanted(Connect)
    assert not connect.transcribes
    stage.tell(ANSWERED)
    (listen,) = stage.wanted(Listen)
    assert listen.transcribes and listen.seeks_beeps and not listen.judges


@pytest.mark.parametrize("call_type", [CallType.WEBSOCKET, CallType.SIP])
def test_call_that_was_not_placed_has_no_machine(call_type: CallType) -> None:
    if call_type is CallType.WEBSOCKET:
        stage = Stage().invite(**SOUGHT)
    else:
        stage = Stage(CallType.SIP, listen="1")
        stage.tell(CallCame("a", "b", "v=0", {})).send("accept", option=SOUGHT)
        stage.tell(AGREED, ANSWERED)
    assert stage.told()[-1] == "error answerMachineDetection 501"
    assert not stage.wanted(Connect)[0].seeks_beeps


@pytest.mark.covers("CallOption.extra")
def test_option_is_true_or_false() -> None:
    stage = Stage(CallType.SIP)
    stage.invite(callee=CALLEE, extra={"answerMachineDetection": "yes"})
    stage.tell(AGREED, ANSWERED)
    assert stage.told()[-1] == "error answerMachineDetection 400"
