"""Providers of speech, between a session and the speech process."""

from mediaworker.speech.replies import Marks, Remark, Unheard
from mediaworker.speech.requests import Heard, Listen, Synthesize
from tests.worker.runtime.world import LOUD, World, pcm

QUICK_VAD = {"speechPadding": 40, "silencePadding": 100}
ASR = {"provider": "deepgram", "secretKey": "k"}


def test_listen_by_a_provider_and_again_after_a_death() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", asr=ASR, vad=QUICK_VAD)
    (first,) = world.speech.asked(Listen)
    assert first.remote is not None and first.remote.provider == "deepgram"
    for _ in range(50):
        caller.handle.receive_audio(pcm(LOUD))
        world.tick()
    assert {heard.streams for heard in world.speech.asked(Heard)} == {(first.stream,)}
    world.speech.hear(Remark(first.stream, "hello", True, "deepgram", 100, 500, 0.5))
    (final,) = caller.named("asrFinal")
    assert (final["text"], final["confidence"]) == ("hello", 0.5)
    assert final["endTime"] - final["startTime"] == 400
    world.speech.fall()
    assert [error["sender"] for error in caller.named("error")] == ["asr"]
    world.speech.come_up()
    second = world.speech.asked(Listen)[-1]
    assert second.remote == first.remote and second.stream != first.stream
    for _ in range(50):
        caller.handle.receive_audio(pcm(LOUD))
        world.tick()
    world.speech.hear(Remark(first.stream, "of the dead", True, "deepgram"))
    world.speech.hear(Remark(second.stream, "again", True, "deepgram", 100, None))
    _, again = caller.named("asrFinal")
    assert again["text"] == "again"
    assert again["startTime"] - final["startTime"] == 1_000


def test_tell_of_a_providers_failure() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", asr=ASR)
    (listen,) = world.speech.asked(Listen)
    world.speech.hear(Unheard(listen.stream, "deepgram", "deepgram: no", 502))
    world.speech.hear(Unheard(99, "deepgram", "deepgram: no", 502))
    (error,) = caller.named("error")
    assert (error["sender"], error["error"], error["code"]) == (
        "asr",
        "deepgram: no",
        502,
    )
    assert "hangup" not in caller.names


def test_interrupt_at_the_providers_word() -> None:
    world = World()
    tts = {"provider": "aliyun", "subtitle": True}
    caller = world.open().invite(codec="pcm", tts=tts)
    caller.command("tts", text="Good morning to you")
    (request,) = world.speech.asked(Synthesize)
    assert request.option.provider == "aliyun"
    world.speech.hear(Marks(request.job, ((0, 0), (40, 5), (400, 13))))
    world.speech.speak(request.job, pcm(7, 20))
    world.tick(5)
    caller.command("interrupt")
    (interruption,) = caller.named("interruption")
    assert interruption["position"] == 1
