"""What is guessed of callers, from the tick to their applications and back."""

import pytest

from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.session.legs import Answered, MediaAgreed
from mediaworker.speech.replies import Beep, Judged, Remark
from mediaworker.speech.requests import Deafen, Judge, Listen, Transcribe
from tests.worker.runtime.fake_leg import FakeLegs
from tests.worker.runtime.world import LOUD, World, pcm

VAD = {"speechPadding": 40, "silencePadding": 100}


def test_turn_is_judged_and_told() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad=VAD, eou={"type": "smart-turn"})
    (listen,) = world.speech.asked(Listen)
    assert listen.judges and not listen.seeks_beeps and listen.remote is None
    caller.handle.receive_audio(pcm(LOUD, 20) + pcm(0, 15))
    world.tick(35)
    (request,) = world.speech.asked(Judge)
    assert request.stream == listen.stream
    assert request.to_ms == 600
    assert world.speech.asked(Transcribe) == []
    world.speech.hear(Judged(listen.stream, request.number, 0.2, 40))
    (first,) = caller.named("eou")
    assert first["completed"] is first["complete"] is False
    assert first["trackId"] == caller.handle.session_id
    world.tick(120)
    assert [event["completed"] for event in caller.named("eou")] == [False, True]
    (metrics,) = [each for each in caller.named("metrics") if each["key"] == "eou"]
    assert metrics["data"]["probability"] == 0.2


def test_turn_is_judged_by_a_speech_process_that_came_later() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad=VAD, eou={}, asr={})
    world.tick(10)
    world.speech.fall()
    caller.handle.receive_audio(pcm(LOUD, 20) + pcm(0, 30))
    world.tick(50)
    assert world.speech.asked(Judge) == []
    world.tick(20)
    assert [event["completed"] for event in caller.named("eou")] == [True]
    world.speech.come_up()
    listen = world.speech.asked(Listen)[-1]
    assert listen.judges
    caller.handle.receive_audio(pcm(LOUD, 20) + pcm(0, 15))
    world.tick(35)
    (request,) = world.speech.asked(Judge)
    assert (request.stream, request.to_ms) == (listen.stream, 600)


DEEPGRAM = {"provider": "deepgram", "secretKey": "k"}


def test_turn_is_judged_though_a_provider_hears_it() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad=VAD, eou={}, asr=DEEPGRAM)
    (listen,) = world.speech.asked(Listen)
    assert listen.judges and listen.remote is not None
    caller.handle.receive_audio(pcm(LOUD, 20) + pcm(0, 15))
    world.tick(35)
    (request,) = world.speech.asked(Judge)
    assert (request.stream, request.to_ms) == (listen.stream, 600)
    assert world.speech.asked(Transcribe) == []
    world.speech.hear(Remark(listen.stream, "hello", False, "deepgram", 0, 400))
    world.speech.hear(Judged(listen.stream, request.number, 0.9, 40))
    (told,) = caller.named("eou")
    assert (told["completed"], told["text"]) == (True, "hello")


def test_beep_is_sought_though_a_provider_hears_the_call() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    caller = world.open(call_type=CallType.SIP)
    caller.invite(
        callee="sip:bob@example.com",
        asr={**DEEPGRAM, "startWhenAnswer": True},
        vad=VAD,
        eou={},
        extra={"answerMachineDetection": True},
    )
    leg = legs.last
    leg.tell(MediaAgreed(Codec.OPUS, has_keys=True))
    leg.tell(Answered("v=0"))
    (listen,) = world.speech.asked(Listen)
    assert listen.seeks_beeps and listen.judges and listen.remote is not None
    said = "please leave a message"
    world.speech.hear(Remark(listen.stream, "please", False, "deepgram", 0, 200))
    assert caller.named("answerMachineDetection") == []
    world.speech.hear(Remark(listen.stream, said, False, "deepgram", 0, 900))
    (told,) = caller.named("answerMachineDetection")
    assert told["text"] == said
    world.speech.hear(Beep(listen.stream, 500, 700))
    assert len(caller.named("answerMachineDetection")) == 1


def test_judgement_for_a_session_that_is_over_is_ignored() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad=VAD, eou={})
    (listen,) = world.speech.asked(Listen)
    caller.command("hangup")
    assert world.speech.asked(Deafen) == [Deafen(listen.stream)]
    world.speech.hear(Judged(listen.stream, 1, 0.9, 40))
    world.speech.hear(Beep(listen.stream, 0, 200))
    assert caller.named("eou") == []


@pytest.mark.parametrize("waited", [0, 50])
def test_beep_of_a_machine_is_told(waited: int) -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    caller = world.open(call_type=CallType.SIP)
    caller.invite(
        callee="sip:bob@example.com",
        asr={"startWhenAnswer": True},
        extra={"answerMachineDetection": True},
    )
    leg = legs.last
    leg.tell(MediaAgreed(Codec.OPUS, has_keys=True))
    world.tick(waited)
    leg.tell(Answered("v=0"))
    world.tick(50)
    listen = world.speech.asked(Listen)[-1]
    assert listen.seeks_beeps
    answered_at = caller.named("answer")[0]["timestamp"]
    world.speech.hear(Beep(listen.stream, 500, 700))
    (told,) = caller.named("answerMachineDetection")
    assert told["startTime"] >= answered_at
    assert told["endTime"] - told["startTime"] == 200
    assert told["text"] == ""
