"""Texts that a provider speaks: whose option is whose, and where its words begin."""

import pytest

from chalicelib.protocol.session.events import Failed, Interrupted
from mediaworker.session.effects import SayText
from mediaworker.speech.replies import Marks
from tests.worker.session.stage import Stage

TTS = {
    "provider": "tencent",
    "speaker": "601003",
    "secretId": "i",
    "secretKey": "k",
    "endpoint": "wss://a.example",
    "emotion": "happy",
    "speed": 1.5,
    "subtitle": True,
}


def speaking(**option: object) -> Stage:
    stage = Stage().invite(tts={**TTS, **option})
    stage.told()
    return stage


def marks(stage: Stage, job: int, *words: tuple[int, int]) -> None:
    stage.session.speech_told(Marks(job, words), stage.now)


@pytest.mark.covers("CallOption.tts", "SynthesisOption.codec")
def test_option_is_passed_on_whole() -> None:
    stage = speaking(codec="pcm", model="m").say("Hello")
    (say,) = stage.wanted(SayText)
    option = say.option
    assert (option.provider, option.speaker, option.model) == ("tencent", "601003", "m")
    assert (option.codec, option.emotion, option.speed) == ("pcm", "happy", 1.5)
    assert option.subtitle and option.endpoint == "wss://a.example"


def test_another_provider_is_told_nothing_of_it() -> None:
    stage = speaking().say("Hello", option={"provider": "deepgram", "volume": 7})
    option = stage.wanted(SayText)[0].option
    assert (option.provider, option.volume, option.speed) == ("deepgram", 7, 1.5)
    secrets = (option.secret_key, option.secret_id, option.endpoint, option.app_id)
    assert secrets == (None, None, None, None)
    assert option.speaker is None and option.emotion is None
    stage.make(1).say("Hi", option={"provider": "embedded"})
    assert stage.wanted(SayText)[1].option.endpoint is None


def test_same_provider_keeps_its_keys() -> None:
    stage = speaking().say("Hello", option={"provider": "Tencent", "speaker": "x"})
    option = stage.wanted(SayText)[0].option
    assert (option.secret_key, option.speaker) == ("k", "x")


@pytest.mark.parametrize("provider", ["flite", "Pico", "espeak"])
def test_engine_of_the_worker_may_be_named(provider: str) -> None:
    stage = Stage().invite(tts={"provider": provider}).say("Hello")
    assert stage.wanted(SayText)[0].option.provider == provider


def test_provider_that_nobody_knows_is_an_error() -> None:
    stage = speaking().say("Hello", option={"provider": "nobody"})
    assert stage.last(Failed).code == 501
    assert stage.wanted(SayText) == []


@pytest.mark.covers("event.interruption.position", "SynthesisOption.subtitle")
def test_its_words_say_where_it_was_interrupted() -> None:
    stage = speaking().say("Good morning to you")
    marks(stage, 1, (0, 0), (40, 5))
    marks(stage, 1, (80, 13), (120, 16))
    stage.supply(1, 200).make(1, 200)
    stage.play_out(100)
    stage.send("interrupt")
    interrupted = stage.last(Interrupted)
    assert (interrupted.position, interrupted.current) == (2, 100)


def test_words_of_a_text_without_spaces_are_characters() -> None:
    stage = speaking().say("你好世界")
    marks(stage, 1, (0, 0), (40, 2))
    stage.supply(1, 200).play_out(60)
    stage.send("interrupt")
    assert stage.last(Interrupted).position == 2


def test_words_that_have_not_begun_are_none() -> None:
    stage = speaking().say("Good morning")
    marks(stage, 1, (500, 5))
    stage.supply(1, 200).play_out(60)
    stage.send("interrupt")
    assert stage.last(Interrupted).position == 0


def test_marks_of_nothing_are_ignored() -> None:
    stage = Stage()
    marks(stage, 1, (0, 0))
    stage = speaking()
    marks(stage, 9, (0, 0))
    assert stage.settle().told() == []


def test_failure_is_told_and_the_next_is_heard() -> None:
    stage = speaking().say("One", playId="a").say("Two", playId="a")
    stage.break_(1, "tencent: no", 429)
    failed = stage.last(Failed)
    assert (failed.sender, failed.error, failed.code) == ("tts", "tencent: no", 429)
    assert [say.text for say in stage.wanted(SayText)] == ["One", "Two"]
    stage.supply(2, 40).make(2)
    assert stage.play_out(60) == 2
