"""The audio of a call between its two sides, one of which is a media server."""

from typing import Any

import numpy as np
import pytest

from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.recording.messages import Begin
from mediaworker.recording.ring import Side
from mediaworker.runtime.passes import mixed
from mediaworker.session.passing import PassEnded, PassResumed
from mediaworker.speech.requests import Synthesize
from tests.worker.runtime.fake_leg import FakeLegs
from tests.worker.runtime.media_door import FakeServer
from tests.worker.runtime.world import Application, World, pcm

URL = "wss://media.example/"


def option(**more: Any) -> dict[str, Any]:
    rates = {"inputSampleRate": 16_000, "outputSampleRate": 16_000}
    return {"url": URL, **rates, "packetSize": 640, **more}


def passed(world: World, **more: Any) -> tuple[Application, FakeServer]:
    """A call whose server's socket is open."""
    caller = world.open().invite(codec="pcm", mediaPass=option(**more))
    return caller, world.media.servers[-1].open()


def levels(frames: list[bytes]) -> list[int]:
    return [int(np.frombuffer(frame, np.int16)[0]) for frame in frames]


def test_each_side_hears_the_other() -> None:
    world = World()
    caller, server = passed(world)
    caller.handle.receive_audio(pcm(300, 2))
    server.ear.hear(pcm(700, 2))
    world.tick(2)
    assert server.packets == [pcm(300), pcm(300)]
    assert caller.peer.audio == [pcm(700), pcm(700)]
    assert caller.names[:3] == ["trackStart", "trackStart", "answer"]


def test_echo_comes_back_byte_for_byte() -> None:
    world = World()
    caller, server = passed(world, packetSize=1_000)
    said = np.random.default_rng(7).integers(-9_000, 9_000, 16_000, np.int16)
    for frame in said.reshape(-1, 320):
        caller.handle.receive_audio(frame.tobytes())
        world.tick()
        while server.packets:
            server.ear.hear(server.packets.pop(0))
    world.tick(80)
    heard = b"".join(caller.peer.audio)
    begin = heard.find(said[:320].tobytes())
    assert begin >= 0
    whole = b"".join(frame for frame in caller.peer.audio if any(frame))
    assert whole[:28_000] == said.tobytes()[:28_000]


def test_server_that_speaks_for_long_keeps_the_call() -> None:
    world = World()
    caller = world.open()
    caller.invite(codec="pcm", mediaPass=option(), inactivityTimeout=3)
    server = world.media.servers[-1].open()
    for _ in range(500):
        server.ear.hear(pcm(700))
        world.tick()
    assert "hangup" not in caller.names
    for _ in range(150):
        server.ear.hear(pcm(5))
        world.tick()
    assert "hangup" not in caller.names
    for _ in range(100):
        server.ear.hear(pcm(5))
        world.tick()
    assert caller.named("hangup")[0]["reason"] == "inactivityTimeout"


def test_nobody_is_passed_before_the_socket_is_open() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", mediaPass=option())
    (server,) = world.media.servers
    caller.handle.receive_audio(pcm(300))
    world.tick()
    server.open()
    caller.handle.receive_audio(pcm(301))
    world.tick()
    assert levels(server.packets) == [301]


def test_muted_caller_is_silence_to_the_server() -> None:
    world = World()
    caller, server = passed(world)
    caller.command("mute", trackId=caller.handle.session_id)
    caller.handle.receive_audio(pcm(300))
    world.tick()
    assert levels(server.packets) == [0]


def test_muted_server_is_silence_to_the_caller() -> None:
    world = World()
    caller, server = passed(world)
    server.ear.hear(pcm(700, 2))
    caller.command("mute", trackId="serverSideTrack")
    world.tick()
    caller.command("unmute", trackId="serverSideTrack")
    world.tick()
    assert levels(caller.peer.audio) == [0, 700]


def test_other_rates_are_converted_both_ways() -> None:
    world = World()
    rates = {"inputSampleRate": 24_000, "outputSampleRate": 8_000}
    caller, server = passed(world, **rates, packetSize=320)
    for _ in range(10):
        caller.handle.receive_audio(pcm(3_000))
        server.ear.hear(pcm(7_000, 1, 24_000))
        world.tick()
    assert {len(packet) for packet in server.packets} == {320}
    assert {len(frame) for frame in caller.peer.audio} == {640}
    assert abs(levels(server.packets)[-1] - 3_000) < 5
    assert abs(levels(caller.peer.audio)[-1] - 7_000) < 5


def test_what_is_played_is_heard_together_with_the_server() -> None:
    world = World()
    caller, server = passed(world)
    caller.command("tts", text="Hello", option={})
    world.speech.speak(world.speech.asked(Synthesize)[-1].job, pcm(30, 2))
    server.ear.hear(pcm(700, 3))
    world.tick(3)
    assert levels(caller.peer.audio) == [730, 730, 700]


def test_bridged_session_is_heard_together_with_the_server() -> None:
    world = World()
    caller, server = passed(world)
    other = world.open().invite(codec="pcm")
    caller.command("bridge", targetSessionId=other.handle.session_id)
    caller.handle.receive_audio(pcm(10))
    other.handle.receive_audio(pcm(500))
    world.tick()
    server.ear.hear(pcm(700))
    world.tick()
    assert levels(caller.peer.audio) == [1_200]
    assert levels(other.peer.audio) == [10]
    assert levels(server.packets) == [10]


def test_two_loud_frames_do_not_wrap() -> None:
    assert mixed(pcm(30_000), pcm(30_000)) == pcm(32_767)
    assert mixed(pcm(-30_000), pcm(-30_000)) == pcm(-32_768)


def test_recording_has_the_server_on_its_side() -> None:
    world = World()
    file = {"recorderFile": "a.wav"}
    caller = world.open().invite(codec="pcm", recorder=file, mediaPass=option())
    server = world.media.servers[-1].open()
    number = world.recording.asked(Begin)[-1].recording
    caller.handle.receive_audio(pcm(300))
    server.ear.hear(pcm(700))
    world.tick()
    assert world.recording.levels(number, Side.CALLER) == {1: [300]}
    assert world.recording.levels(number, Side.OTHERS) == {1: [700]}


def test_leg_that_is_not_open_keeps_the_server_waiting() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    caller = world.open(call_type=CallType.WEBRTC)
    caller.invite(offer="v=0", mediaPass=option())
    server, leg = world.media.servers[-1].open(), legs.last
    leg.is_open = False
    server.ear.hear(pcm(700))
    world.tick(2)
    assert leg.sent == {1: None, 2: None}
    leg.is_open = True
    world.tick()
    assert leg.sent[3] is not None


# What is said in text


def test_server_that_knows_audio_alone_gets_no_text() -> None:
    world = World()
    caller, server = passed(world)
    server.ear.read(b"garbage")
    server.ear.read(b'{"event":"nonsense"}')
    server.ear.hear(b"\x00")
    caller.command("hangup")
    assert server.texts == [] and server.last_text is None and server.is_closed


def test_server_that_asks_is_told_of_the_call() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", vad={}, mediaPass=option())
    server = world.media.servers[-1].open()
    server.say(event="start")
    seat: Any = caller.handle
    seat.press("5")
    caller.handle.receive_audio(pcm(2_000, 30) + pcm(0, 20))
    world.tick(60)
    events = [told["event"] for told in server.told]
    assert events == ["start", "dtmf", "speaking", "silence"]
    assert server.told[0]["sessionId"] == caller.handle.session_id
    assert server.told[1] == caller.named("dtmf")[0]
    caller.command("hangup")
    assert server.last_text == '{"event":"stop"}'


def test_url_may_ask_for_texts() -> None:
    world = World()
    _, server = passed(world, url=f"{URL}?events=1")
    assert [told["event"] for told in server.told] == ["start"]
    server.ear.read(b"garbage")
    assert server.told[1] == {"event": "error", "error": "a text is a JSON object"}


def test_mark_is_told_when_it_was_heard() -> None:
    world = World()
    _, server = passed(world)
    server.ear.hear(pcm(700, 2))
    server.say(event="mark", name="m")
    world.tick(2)
    assert len(server.told) == 1
    world.tick()
    assert server.told[1] == {"event": "mark", "name": "m"}


def test_clear_silences_what_was_sent() -> None:
    world = World()
    caller, server = passed(world)
    server.ear.hear(pcm(700, 50))
    server.say(event="mark", name="m")
    world.tick()
    server.say(event="clear")
    server.ear.hear(pcm(800))
    world.tick(3)
    assert levels(caller.peer.audio) == [700, 800]
    assert server.told[1] == {"event": "mark", "name": "m", "cleared": True}


def test_interrupt_silences_what_was_sent() -> None:
    world = World()
    caller, server = passed(world)
    server.ear.hear(pcm(700, 50))
    world.tick()
    caller.command("interrupt")
    world.tick(3)
    assert levels(caller.peer.audio) == [700]


def test_too_many_marks_are_refused() -> None:
    world = World()
    _, server = passed(world)
    server.ear.hear(pcm(700))
    for number in range(257):
        server.say(event="mark", name=str(number))
    assert [told["event"] for told in server.told] == ["start", "error"]


# What goes wrong


def test_server_that_reads_slowly_misses_packets() -> None:
    world = World()
    caller, server = passed(world)
    server.is_slow = True
    caller.handle.receive_audio(pcm(300, 3))
    world.tick(3)
    server.is_slow = False
    caller.handle.receive_audio(pcm(301))
    world.tick()
    assert levels(server.packets) == [301]
    assert world.passes.dropped == 0
    caller.command("hangup")
    assert world.passes.readings() == {
        "media_passes": 0,
        "media_packets_dropped_total": 3,
    }


def test_server_that_sends_too_much_is_told_once() -> None:
    world = World()
    caller, server = passed(world)
    for _ in range(70):
        server.ear.hear(pcm(700, 50))
    (error,) = caller.named("error")
    assert (error["sender"], error["code"]) == ("media_pass", 429)
    world.tick()
    assert levels(caller.peer.audio) == [700]


def test_server_that_is_lost_and_comes_back_goes_on() -> None:
    world = World()
    caller, server = passed(world)
    server.say(event="start")
    server.ear.hear(pcm(700))
    server.say(event="mark", name="m")
    server.ear.lost()
    caller.handle.receive_audio(pcm(300))
    world.tick(2)
    server.texts.clear()
    server.open(PassResumed(1, 250))
    caller.handle.receive_audio(pcm(301))
    world.tick(5)
    assert levels(server.packets)[0] == 301
    assert levels(caller.peer.audio) == [700]
    assert [told["event"] for told in server.told] == ["start"]
    assert caller.named("metrics")[-1]["key"] == "media_pass.resumed"


def test_server_that_leaves_is_heard_to_its_end() -> None:
    world = World()
    caller, server = passed(world)
    server.ear.hear(pcm(700, 3))
    server.ear.ended(PassEnded())
    server.ear.ended(PassEnded())
    server.ear.hear(pcm(800))
    world.tick(2)
    assert "trackEnd" not in caller.names
    world.tick(2)
    assert caller.names.count("trackEnd") == 1
    assert levels(caller.peer.audio) == [700, 700, 700]
    assert "error" not in caller.names


def test_server_that_cannot_be_had_is_an_error_and_the_call_goes_on() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", mediaPass=option())
    world.media.servers[-1].ear.ended(PassEnded("no", 502))
    assert caller.names[3:] == ["error", "trackEnd"]
    caller.handle.receive_audio(pcm(300))
    world.tick()
    caller.command("hangup")
    assert caller.names[-2:] == ["trackEnd", "hangup"]
    assert world.passes.running == 0


def test_server_whose_call_is_over_is_not_heard_of() -> None:
    world = World()
    caller, server = passed(world)
    server.ear.hear(pcm(700))
    caller.command("hangup")
    names = caller.names
    server.ear.hear(pcm(700, 5_000))
    server.ear.ended(PassEnded("late", 502))
    world.tick(3)
    assert caller.names == names and caller.peer.audio == []


def test_freed_seat_is_heard_by_nobody_else() -> None:
    world = World()
    caller, server = passed(world)
    server.ear.hear(pcm(700, 50))
    caller.command("hangup")
    other, fresh = passed(world)
    world.tick(3)
    assert other.peer.audio == [] and levels(fresh.packets) == []


def test_failure_within_ends_the_session_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    caller, server = passed(world)
    other, beside = passed(world)

    def fail(packet: bytes) -> bool:
        raise OSError("cut")

    monkeypatch.setattr(server, "send_audio", fail)
    caller.handle.receive_audio(pcm(300))
    other.handle.receive_audio(pcm(301))
    world.tick()
    assert caller.names[-1] == "hangup"
    assert levels(beside.packets) == [301]
