"""Sessions from their socket to the tick and back, without any of the world."""

import json

import pytest

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.lease import EndSession, SessionEnded, SessionStarted
from mediaworker.audio import g711
from mediaworker.runtime.inbound import MOST_SECONDS
from mediaworker.runtime.line import FULL_COMMANDS
from mediaworker.runtime.ports import Draining, IdInUse, NotYours, Overloaded
from mediaworker.speech.replies import Misheard, Text
from mediaworker.speech.requests import (
    Cancel,
    Consumed,
    Deafen,
    Fetch,
    Heard,
    Listen,
    Synthesize,
    Transcribe,
)
from tests.worker.runtime.world import ALICE, LOUD, POISON, World, pcm

QUICK_VAD = {"speechPadding": 40, "silencePadding": 100}


def test_answer_an_invite() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", caller="1", callee="2")
    assert caller.names == ["trackStart", "answer"]
    (view,) = world.roster.views()
    assert view.session_id == caller.handle.session_id
    assert view.session_id == "0000abcd-0000-4000-8000-000000000001"
    assert (view.tenant, view.uid) == (ALICE.tenant, ALICE.uid)
    assert (view.caller, view.callee) == ("1", "2")
    (fact,) = world.facts.facts
    assert isinstance(fact, SessionStarted)
    assert (fact.worker_id, fact.epoch) == ("0000abcd", 7)


def test_play_what_is_synthesized() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", tts={})
    caller.command("tts", text="Hello", playId="p")
    (request,) = world.speech.asked(Synthesize)
    assert (request.text, request.rate, request.scope) == ("Hello", 16_000, "acme")
    world.tick()
    assert caller.peer.audio == []
    world.speech.speak(request.job, pcm(7, 2) + pcm(8))
    world.tick(5)
    assert caller.peer.audio == [pcm(7), pcm(7), pcm(8)]
    assert caller.names[-3:] == ["trackStart", "metrics", "trackEnd"] or caller.names[
        -3:
    ] == ["metrics", "trackStart", "trackEnd"]
    assert world.engine.counts.frames_played == 3


def test_play_in_the_session_s_codec() -> None:
    world = World()
    caller = world.open().invite(codec="pcmu", tts={})
    caller.command("tts", text="Hello")
    (request,) = world.speech.asked(Synthesize)
    assert request.rate == 8_000
    samples = pcm(1_000, rate=8_000)
    world.speech.speak(request.job, samples)
    world.tick(3)
    (frame,) = caller.peer.audio
    assert len(frame) == 160
    assert frame == bytes([g711.encode(_samples(samples))[0]]) * 160


def _samples(octets: bytes):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.frombuffer(octets, np.int16)


def test_stop_at_once_when_interrupted() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", tts={})
    caller.command("tts", text="Hello", playId="p")
    (request,) = world.speech.asked(Synthesize)
    world.speech.speak(request.job, pcm(7, 100), is_all=False)
    world.tick(10)
    caller.command("interrupt")
    world.tick(5)
    assert len(caller.peer.audio) == 10
    assert caller.names[-2:] == ["interruption", "trackEnd"]
    assert world.speech.asked(Cancel) == [Cancel(request.job)]


def test_fetch_a_file_and_pay_for_what_is_played() -> None:
    world = World()
    caller = world.open().invite(codec="pcm")
    caller.command("play", url="http://example.com/a.wav", offsetMs=20)
    (request,) = world.speech.asked(Fetch)
    assert (request.url, request.offset_ms) == ("http://example.com/a.wav", 20)
    world.speech.speak(request.job, pcm(7, 200), is_all=False)
    world.tick(150)
    assert sum(credit.ms for credit in world.speech.asked(Consumed)) >= 2_000
    assert {credit.job for credit in world.speech.asked(Consumed)} == {request.job}


def test_hear_speech_and_its_end() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad=QUICK_VAD)
    for _ in range(20):
        caller.handle.receive_audio(pcm(LOUD))
        world.tick()
    assert caller.names[-1] == "speaking"
    world.tick(20)
    assert caller.names[-1] == "silence", "who sends nothing is silent"
    assert world.engine.counts.frames_of_silence == 17
    assert world.engine.counts.frames_heard == 37


def test_hear_nothing_of_a_muted_caller() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad=QUICK_VAD)
    caller.command("mute", trackId=caller.handle.session_id)
    for _ in range(20):
        caller.handle.receive_audio(pcm(LOUD))
        world.tick()
    assert "speaking" not in caller.names
    caller.command("unmute")
    for _ in range(20):
        caller.handle.receive_audio(pcm(LOUD))
        world.tick()
    assert "speaking" in caller.names


def test_make_text_of_what_is_heard() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad=QUICK_VAD, asr={"language": "en"})
    (listen,) = world.speech.asked(Listen)
    assert (listen.rate, listen.language) == (16_000, "en")
    for level in [0] * 10 + [LOUD] * 30 + [0] * 20:
        caller.handle.receive_audio(pcm(level))
        world.tick()
    heard = world.speech.asked(Heard)
    assert len(heard) == 60
    assert {message.streams for message in heard} == {(listen.stream,)}
    assert b"".join(message.samples for message in heard) == (
        pcm(0, 10) + pcm(LOUD, 30) + pcm(0, 20)
    )
    asked = [one for one in world.speech.asked(Transcribe) if one.is_final]
    (request,) = asked
    assert request.from_ms <= 200 < 800 <= request.to_ms
    world.speech.hear(
        Text(
            listen.stream,
            request.request,
            request.utterance,
            "hello there",
            "embedded",
            True,
            80,
        )
    )
    world.tick(15)
    (final,) = caller.named("asrFinal")
    assert final["text"] == "hello there"
    caller.command("hangup")
    assert world.speech.asked(Deafen) == [Deafen(listen.stream)]


def test_feed_many_sessions_with_one_message() -> None:
    world = World()
    callers = [world.open().invite(codec="pcmu", asr={}) for _ in range(3)]
    for number, caller in enumerate(callers):
        caller.handle.receive_audio(bytes([0x80 + number]) * 160)
    world.tick()
    (heard,) = world.speech.asked(Heard)
    assert heard.streams == tuple(one.stream for one in world.speech.asked(Listen))
    assert len(heard.samples) == 3 * 320


def test_catch_up_with_who_hurries() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad={})
    caller.handle.receive_audio(pcm(0, 30))
    world.tick(10)
    assert world.engine.counts.frames_heard == 20
    world.tick(10)
    assert world.engine.counts.frames_heard == 30


def test_drop_the_oldest_of_too_much() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad={})
    for _ in range(MOST_SECONDS + 5):
        caller.handle.receive_audio(pcm(0, 50))
    (error,) = caller.named("error")
    assert (error["sender"], error["code"]) == ("media", 429)
    world.tick()
    assert "hangup" not in caller.names


def test_ignore_audio_before_the_invite() -> None:
    world = World()
    caller = world.open()
    caller.handle.receive_audio(pcm(LOUD, 100))
    caller.invite(codec="pcm", vad=QUICK_VAD)
    world.tick(20)
    counts = world.engine.counts
    assert counts.frames_heard == counts.frames_of_silence
    assert "speaking" not in caller.names


def test_end_the_session_whose_step_fails_and_no_other() -> None:
    world = World()
    callers = [world.open().invite(codec="pcm", vad=QUICK_VAD) for _ in range(5)]
    for number, caller in enumerate(callers):
        poisoned = pcm(POISON if number == 2 else LOUD)
        caller.handle.receive_audio(poisoned + pcm(LOUD, 19))
    world.tick(20)
    assert callers[2].names[-3:] == ["error", "trackEnd", "hangup"]
    assert callers[2].events[-1]["reason"] == "failed"
    assert callers[2].peer.closed is not None
    for caller in callers[:2] + callers[3:]:
        assert caller.names[-1] == "speaking"
    assert len(world.roster) == 4


def test_end_the_session_whose_machine_fails_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    first, second = (world.open().invite(codec="pcm", tts={}) for _ in range(2))
    for caller in (first, second):
        caller.command("tts", text="Hello")
    for request in world.speech.asked(Synthesize):
        world.speech.speak(request.job, pcm(7, 10))
    seat = world.roster._seats[first.handle.session_id]

    def explode(now: float) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(seat.session, "take_frame", explode)
    world.tick(5)
    assert first.names[-1] == "hangup"
    assert len(second.peer.audio) == 5
    monkeypatch.setattr(seat.session, "end", explode)


def test_cut_a_session_that_cannot_even_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    caller = world.open().invite(codec="pcm", tts={})
    seat = world.roster._seats[caller.handle.session_id]
    monkeypatch.setattr(seat.session, "end", None)
    caller.handle.lose(True)
    assert len(world.roster) == 0
    other = world.open().invite(codec="pcm")
    seat = world.roster._seats[other.handle.session_id]
    monkeypatch.setattr(seat.session, "end", None)
    monkeypatch.setattr(seat.session, "receive", None)
    other.command("hangup")
    assert other.peer.closed == (1011, "the session failed")
    assert len(world.roster) == 0


def test_answer_bad_commands_and_live() -> None:
    world = World()
    caller = world.open().invite(codec="pcm")
    for text in (b"{", b"[]", b'{"command":"fly"}', b'{"command":"tts"}', b"\xff"):
        caller.text(text)
    assert [error["code"] for error in caller.named("error")] == [400] * 5
    caller.command("history", speaker="bot", text="still here")
    assert caller.names[-1] == "addHistory"


def test_pause_who_sends_too_many_commands() -> None:
    world = World()
    caller = world.open()
    for _ in range(FULL_COMMANDS):
        caller.handle.receive_text(b"{}")
    assert caller.peer.is_paused
    world.work()
    assert not caller.peer.is_paused
    assert len(caller.named("error")) == FULL_COMMANDS


def test_hang_up_and_forget() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad={}, asr={}, tts={})
    caller.command("tts", text="Hello")
    caller.command("hangup", reason="enough", initiator="user")
    assert caller.names[-2:] == ["trackEnd", "hangup"]
    assert caller.events[-1]["reason"] == "enough"
    assert caller.peer.closed == (1000, "enough")
    assert len(world.roster) == 0
    ended = world.facts.facts[-1]
    assert isinstance(ended, SessionEnded)
    assert (ended.reason, ended.initiator) == ("enough", "user")
    assert ended.counts.commands == 3
    count = len(caller.events)
    caller.handle.receive_text(b"{}")
    caller.handle.receive_audio(pcm(LOUD))
    caller.handle.lose(True)
    world.tick(300)
    assert len(caller.events) == count


@pytest.mark.covers("note cleanup on close")
def test_end_when_the_socket_is_closed() -> None:
    world = World()
    caller = world.open().invite(codec="pcm")
    caller.handle.lose(True)
    assert len(world.roster) == 0
    ended = world.facts.facts[-1]
    assert isinstance(ended, SessionEnded)
    assert (ended.reason, ended.initiator) == ("byCaller", "caller")


@pytest.mark.covers("query.id")
def test_come_back_in_time() -> None:
    world = World()
    caller = world.open(id="mine").invite(codec="pcm")
    caller.handle.lose(False)
    world.tick(100)
    caller.command("history", speaker="user", text="meanwhile")
    again = world.open(id="mine")
    assert again.names == ["addHistory"]
    world.tick(300)
    again.command("history", speaker="user", text="back")
    assert again.names == ["addHistory", "addHistory"]
    assert len(world.roster) == 1


def test_end_when_nobody_comes_back() -> None:
    world = World()
    caller = world.open().invite(codec="pcm")
    caller.handle.lose(False)
    world.tick(249)
    assert len(world.roster) == 1
    world.tick(3)
    assert len(world.roster) == 0
    ended = world.facts.facts[-1]
    assert isinstance(ended, SessionEnded)
    assert (ended.reason, ended.initiator) == ("failed", "system")


def test_end_who_leaves_and_is_told_too_much() -> None:
    world = World()
    caller = world.open().invite(codec="pcm")
    caller.handle.lose(False)
    for _ in range(1_100):
        caller.command("custom", data=1)
    assert len(world.roster) == 0


def test_refuse_an_id_that_is_in_use() -> None:
    world = World()
    world.open(id="mine")
    with pytest.raises(IdInUse):
        world.open(id="mine")
    with pytest.raises(NotYours):
        world.open(Principal("acme", "mallory"), id="mine")
    with pytest.raises(NotYours):
        world.open(Principal("other", "alice"), id="mine")


def test_refuse_more_than_can_be_carried() -> None:
    world = World(capacity=1)
    world.open()
    with pytest.raises(Overloaded):
        world.open()
    world = World()
    world.is_overloaded = True
    with pytest.raises(Overloaded):
        world.open()
    world.is_overloaded = False
    world.open()
    world.roster.drain()
    with pytest.raises(Draining):
        world.open()
    assert world.roster.refused == 2


def test_end_by_order() -> None:
    world = World()
    caller = world.open(id="mine").invite(codec="pcm")
    order = EndSession("mine", "killed", "admin", "c1")
    assert world.roster.end(order)
    assert not world.roster.end(order)
    assert caller.events[-1]["reason"] == "killed"
    other = world.open().invite(codec="pcm")
    world.roster.end_all("the worker stops")
    assert other.names[-1] == "hangup"
    assert other.events[-1]["reason"] == "bySystem"


def test_say_so_when_the_speech_process_is_away() -> None:
    world = World()
    world.speech.is_up = False
    caller = world.open().invite(codec="pcm", tts={}, asr={})
    caller.command("tts", text="Hello")
    (error,) = caller.named("error")
    assert (error["sender"], error["code"]) == ("tts", 503)
    for level in [LOUD] * 20 + [0] * 20:
        caller.handle.receive_audio(pcm(level))
        world.tick()
    assert "asr" in {error["sender"] for error in caller.named("error")}
    assert world.desk.frames_lost > 0
    assert "hangup" not in caller.names


def test_go_on_when_the_speech_process_dies() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", tts={}, asr={}, vad=QUICK_VAD)
    caller.command("tts", text="Hello")
    for _ in range(50):
        caller.handle.receive_audio(pcm(0))
        world.tick()
    world.speech.fall()
    assert "tts" in {error["sender"] for error in caller.named("error")}
    world.speech.come_up()
    first, second = world.speech.asked(Listen)
    assert second.stream != first.stream
    for level in [LOUD] * 30 + [0] * 20:
        caller.handle.receive_audio(pcm(level))
        world.tick()
    finals = [one for one in world.speech.asked(Transcribe) if one.is_final]
    assert finals[-1].stream == second.stream
    assert finals[-1].from_ms == 0, "counted from when it began to listen again"
    world.speech.hear(
        Misheard(
            second.stream,
            finals[-1].request,
            finals[-1].utterance,
            "embedded",
            "broken",
            500,
        )
    )
    assert "asr" in {error["sender"] for error in caller.named("error")}
    caller.command("tts", text="Again")
    assert world.speech.asked(Synthesize)[-1].text == "Again"


def test_ignore_answers_that_nobody_waits_for() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", tts={})
    caller.command("tts", text="Hello")
    (request,) = world.speech.asked(Synthesize)
    caller.command("hangup")
    world.speech.speak(request.job, pcm(7))
    world.speech.hear(Text(99, 1, 1, "who?", "embedded", True, 1))
    assert caller.names[-1] == "hangup"


def test_count_frames_that_a_slow_socket_does_not_take() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", tts={})
    caller.command("tts", text="Hello")
    (request,) = world.speech.asked(Synthesize)
    world.speech.speak(request.job, pcm(7, 5))
    world.tick(2)
    caller.peer.is_slow = True
    caller.handle.receive_audio(b"")
    world.tick(3)
    assert world.engine.counts.frames_dropped == 3
    caller.command("hangup")
    counts = world.facts.facts[-1].counts  # type: ignore[attr-defined]
    assert (counts.packets_received, counts.packets_sent) == (1, 2)
    assert counts.frames_dropped == 3


def test_count_frames_that_were_not_there_in_time() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", tts={})
    caller.command("tts", text="Hello")
    (request,) = world.speech.asked(Synthesize)
    world.tick(3)
    assert world.engine.counts.frames_missing == 0, "it has not begun"
    world.speech.speak(request.job, pcm(7, 2), is_all=False)
    world.tick(5)
    assert world.engine.counts.frames_missing == 3
    assert len(caller.peer.audio) == 2


@pytest.mark.covers("note timestamps in ms", "note trackId")
def test_tell_events_as_one_json_object_each() -> None:
    world = World()
    caller = world.open().invite(codec="pcm")
    for text in caller.peer.texts:
        assert isinstance(json.loads(text), dict)
