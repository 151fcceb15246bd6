"""What of a session gets into its recording, slot by slot."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.protocol.lease import RecordingReady, SessionEnded
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.recording.messages import (
    Begin,
    Detail,
    Dump,
    DumpEnd,
    End,
    Failed,
    Stored,
)
from mediaworker.recording.ring import Side
from mediaworker.runtime.archive import Kept
from mediaworker.runtime.legs import LegStatistics
from mediaworker.session.legs import Answered, HoldChanged, MediaAgreed
from mediaworker.speech.requests import Synthesize
from tests.worker.runtime.fake_leg import FakeLegs
from tests.worker.runtime.world import LOUD, Application, World, pcm

FILE = {"recorderFile": "{id}.wav"}


def recorded(world: World, **option: Any) -> Application:
    return world.open().invite(codec="pcm", recorder=FILE, **option)


def begin_of(world: World, place: int = -1) -> Begin:
    begin: Begin = world.recording.asked(Begin)[place]
    return begin


def say(world: World, caller: Application, level: int, frames: int = 1) -> None:
    """The application plays so much."""
    caller.command("tts", text="Hello")
    request = world.speech.asked(Synthesize)[-1]
    world.speech.speak(request.job, pcm(level, frames))


def test_both_sides_stand_in_the_slots_in_which_they_were_heard() -> None:
    world = World()
    caller = recorded(world, tts={})
    number = begin_of(world).recording
    say(world, caller, 700, 2)
    caller.handle.receive_audio(pcm(300))
    world.tick(3)
    heard = world.recording.levels(number, Side.CALLER)
    sent = world.recording.levels(number, Side.OTHERS)
    assert heard == {1: [300]}
    assert sent == {1: [700], 2: [700]}
    assert caller.peer.audio == [pcm(700), pcm(700)]
    assert world.recording.slots == [1, 2, 3]


def test_recording_begins_and_ends_with_its_slots() -> None:
    world = World()
    world.tick(5)
    caller = recorded(world)
    begin = begin_of(world)
    assert (begin.slot, begin.rate, begin.flush_ms) == (5, 16_000, 200)
    assert begin.path == f"tenants/acme/{caller.handle.session_id}.wav"
    world.tick(3)
    caller.command("hangup")
    assert world.recording.asked(End) == [End(begin.recording, 8)]
    world.tick(2)
    assert world.recording.slots == [6, 7, 8]


def test_nobody_else_is_recorded() -> None:
    world = World()
    other = world.open().invite(codec="pcm", vad={})
    caller = recorded(world)
    other.handle.receive_audio(pcm(900))
    caller.handle.receive_audio(pcm(100))
    world.tick()
    assert list(world.recording.frames) == [(begin_of(world).recording, Side.CALLER)]


def test_muted_sides_are_silent() -> None:
    world = World()
    caller = recorded(world, tts={})
    number = begin_of(world).recording
    caller.command("mute")
    say(world, caller, 700)
    caller.handle.receive_audio(pcm(300))
    world.tick()
    assert world.recording.levels(number, Side.CALLER) == {1: [0]}
    assert world.recording.levels(number, Side.OTHERS) == {1: [0]}


def test_what_is_bridged_in_is_on_the_right() -> None:
    world = World()
    one, other = recorded(world), recorded(world)
    first, second = (begin.recording for begin in world.recording.asked(Begin))
    one.command("bridge", targetSessionId=other.handle.session_id)
    one.handle.receive_audio(pcm(11))
    other.handle.receive_audio(pcm(22))
    world.tick(2)
    levels = world.recording.levels
    assert levels(first, Side.CALLER) == {1: [11]}
    assert levels(first, Side.OTHERS) == {2: [22]}
    assert levels(second, Side.OTHERS) == {2: [11]}


def test_who_is_on_hold_is_not_heard() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    caller = world.open(call_type=CallType.SIP)
    caller.invite(callee="sip:bob@example.com", recorder=FILE)
    assert world.recording.asked(Begin)
    legs.last.agree()
    number = begin_of(world).recording
    legs.last.speak(pcm(LOUD))
    world.tick()
    legs.last.tell(HoldChanged(True))
    legs.last.speak(pcm(LOUD))
    world.tick()
    assert list(world.recording.levels(number, Side.CALLER).values()) == [[LOUD], [0]]


def test_frame_that_was_dropped_was_not_sent() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    caller = world.open(call_type=CallType.WEBRTC)
    caller.invite(offer="v=0\r\n", recorder=FILE, tts={})
    number = begin_of(world).recording
    legs.last.is_slow = True
    say(world, caller, 700)
    world.tick()
    assert world.recording.levels(number, Side.OTHERS) == {}


def test_second_frame_of_a_slot_is_recorded_too() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    world.open(call_type=CallType.WEBRTC).invite(offer="v=0\r\n", recorder=FILE)
    number = begin_of(world).recording
    legs.last.source.frames.append(pcm(1))
    legs.last.source.more.append(pcm(2))
    world.tick()
    assert world.recording.levels(number, Side.CALLER) == {1: [1, 2]}


def test_full_ring_ends_the_recording_and_not_the_call() -> None:
    world = World()
    caller = recorded(world)
    begin = begin_of(world)
    world.recording.is_full = True
    caller.handle.receive_audio(pcm(1) * 2)
    world.tick(2)
    (error,) = caller.named("error")
    assert (error["sender"], error["code"]) == ("recorder", 503)
    assert world.recording.asked(End) == [End(begin.recording, 1)]
    assert "hangup" not in caller.names and not world.recorders.is_busy
    assert world.recorders.frames_lost == 1


def test_death_of_the_process_ends_all_recordings_and_no_call() -> None:
    world = World()
    callers = [recorded(world), recorded(world)]
    world.recording.die()
    for caller in callers:
        (error,) = caller.named("error")
        assert (error["sender"], error["code"]) == ("recorder", 500)
        caller.command("hangup")
        assert caller.names[-1] == "hangup"
    assert world.recording.asked(End) == []
    recorded(world)
    assert world.recorders.running == 1


def test_process_that_is_not_up_is_an_error_and_the_call_goes_on() -> None:
    world = World()
    world.recording.is_up = False
    caller = recorded(world)
    (error,) = caller.named("error")
    assert (error["sender"], error["code"]) == ("recorder", 503)
    assert "hangup" not in caller.names


def test_file_that_cannot_be_made_is_an_error_and_the_call_goes_on() -> None:
    world = World()
    caller = recorded(world)
    number = begin_of(world).recording
    world.recording.hear(Failed(number, "a is a link or a file", 400))
    (error,) = caller.named("error")
    assert (error["sender"], error["code"]) == ("recorder", 400)
    caller.command("hangup")
    assert world.recording.asked(End) == []


def test_recording_that_is_kept_is_told_once() -> None:
    world = World()
    caller = recorded(world)
    number = begin_of(world).recording
    caller.command("hangup")
    assert world.recorders.unfinished == 1
    moved: list[int] = []
    world.recorders.moved = lambda: moved.append(world.recorders.unfinished)
    stored = Stored(number, "s3://b/a.wav", "a.wav", 64_044, 1_000, "wav")
    world.recording.hear(stored)
    world.recording.hear(stored)
    ended, ready = world.facts.facts[-2:]
    assert isinstance(ended, SessionEnded) and isinstance(ready, RecordingReady)
    assert (ready.url, ready.key, ready.format) == ("s3://b/a.wav", "a.wav", "wav")
    assert (ready.size_bytes, ready.duration_ms) == (64_044, 1_000)
    assert ready.started_at_ms == ended.started_at_ms
    assert moved[0] == 0


def test_recording_that_could_not_be_kept_is_over() -> None:
    world = World()
    caller = recorded(world)
    caller.command("hangup")
    world.recording.hear(Failed(begin_of(world).recording, "no", 500))
    assert world.recorders.unfinished == 0
    assert isinstance(world.facts.facts[-1], SessionEnded)


LIVES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), max_size=12)


@settings(max_examples=30)
@given(LIVES)
def test_no_sample_of_a_call_is_in_the_recording_of_another(
    lives: list[tuple[int, int]],
) -> None:
    """Whoever comes and goes: each says its own level, and nothing else is on its
    left."""
    world = World()
    calls: dict[int, tuple[Application, int]] = {}
    levels: dict[int, int] = {}
    for place, ticks in lives:
        if place in calls:
            calls.pop(place)[0].command("hangup")
        else:
            caller = recorded(world)
            number = begin_of(world).recording
            levels[number] = 100 + number
            calls[place] = caller, number
        for _ in range(ticks):
            for caller, number in calls.values():
                caller.handle.receive_audio(pcm(levels[number]))
            world.tick()
    for (number, side), slots in world.recording.frames.items():
        assert side is Side.CALLER
        for frames in slots.values():
            assert {int(one) for frame in frames for one in np.unique(frame)} == {
                levels[number]
            }


def test_dump_has_what_was_told_and_what_tells() -> None:
    world = World(kept=Kept(has_dumps=True))
    caller = world.open(dump="true").invite(codec="pcm")
    caller.command("hangup")
    session_id = caller.handle.session_id
    lines = world.recording.asked(Dump)
    assert [line.kind for line in lines[:2]] == ["command", "event"]
    assert {line.path for line in lines} == {f"tenants/acme/{session_id}.events.jsonl"}
    assert [line.content for line in lines if line.kind == "event"] == (
        caller.peer.texts
    )
    assert world.recording.asked(DumpEnd) == [DumpEnd(session_id)]


@pytest.mark.covers("query.dump", "note dump=false")
@pytest.mark.parametrize(("kept", "dump"), [(True, "false"), (False, "true")])
def test_dump_is_for_who_wants_it_where_there_are_any(kept: bool, dump: str) -> None:
    world = World(kept=Kept(has_dumps=kept))
    world.open(dump=dump).invite(codec="pcm").command("hangup")
    assert world.recording.asked(Dump) == []


def test_detail_record_tells_the_call_without_secrets() -> None:
    world = World(kept=Kept(has_dumps=True, has_details=True))
    caller = world.open().invite(
        codec="pcm",
        caller="sip:alice@example.com",
        tts={"secretKey": "hush", "speaker": "amy"},
    )
    caller.command("hangup", reason="enough", initiator="user")
    (told,) = world.recording.asked(Detail)
    session_id = caller.handle.session_id
    assert told.session_id == session_id
    assert told.path == f"tenants/acme/20231114/20231114-221320_{session_id}.json"
    fields = told.fields
    assert fields["callType"] == "websocket" and fields["callId"] == session_id
    assert fields["caller"] == "sip:alice@example.com"
    assert fields["statusCode"] == 200
    assert fields["hangupReason"] == {"other": "enough"}
    assert fields["option"]["tts"]["speaker"] == "amy"
    assert "hush" not in repr(fields)
    assert fields["dumpEventFile"] == f"tenants/acme/{session_id}.events.jsonl"
    assert fields["answerTime"] and fields["ringTime"] is None


def test_detail_record_has_what_the_leg_has_seen() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers, kept=Kept(has_details=True))
    caller = world.open(call_type=CallType.SIP).invite(callee="sip:bob@example.com")
    leg = legs.last
    leg.tell(MediaAgreed(Codec.OPUS, has_keys=True))
    leg.tell(Answered("v=0"))
    leg.statistics = LegStatistics(
        packets_received=9, packets_lost=2, frames_concealed=3, jitter_ms=4.4, mos=4.1
    )
    caller.command("hangup")
    (told,) = world.recording.asked(Detail)
    extras = told.fields["extras"]
    assert extras["framesConcealed"] == 3
    counts = extras["counts"]
    assert (counts["packets_received"], counts["packets_lost"]) == (9, 2)
    assert (counts["jitter_ms"], counts["mos_hundredths"]) == (4, 410)


def test_detail_record_of_a_call_that_nobody_took() -> None:
    world = World(legs=FakeLegs().makers, kept=Kept(has_details=True))
    caller = world.open(call_type=CallType.SIP).invite(callee="sip:bob@example.com")
    caller.command("hangup")
    (told,) = world.recording.asked(Detail)
    assert told.fields["statusCode"] == 487
    assert told.fields["hangupReason"] == "canceled"
    assert told.fields["answerTime"] is None
