"""Sessions whose audio a leg carries, without any of the world."""

import numpy as np
import pytest

from chalicelib.protocol.lease import Counts, EndSession, SessionEnded
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.audio import g711
from mediaworker.runtime.legs import Holder, Leg, LegStatistics
from mediaworker.runtime.ports import NotBuilt, NotYours
from mediaworker.runtime.wires import WIRES
from mediaworker.session.legs import (
    AddCandidate,
    Answered,
    AnswerOffer,
    CallCame,
    CandidateGathered,
    DropLeg,
    KeyPressed,
    LegEnded,
    LegEvent,
    LegLost,
    LegTrouble,
    MediaAgreed,
    MediaArrived,
    Rang,
    TakeCall,
)
from mediaworker.speech.requests import Heard, Synthesize
from tests.worker.runtime.fake_leg import ANSWER, FakeLeg, FakeLegs
from tests.worker.runtime.world import (
    ALICE,
    LOUD,
    POISON,
    POISONED_KEY,
    Application,
    World,
    pcm,
)

OFFER = "v=0\r\n"
QUICK_VAD = {"speechPadding": 40, "silencePadding": 100}
LOUD_FRAME = pcm(LOUD)


def world_of(legs: FakeLegs) -> World:
    return World(legs=legs.makers)


def browser(world: World, **option: object) -> Application:
    """A session that has answered a browser's offer."""
    opened = world.open(call_type=CallType.WEBRTC)
    return opened.invite(offer=OFFER, **option)


def say(world: World, caller: Application, frames: bytes) -> None:
    caller.command("tts", text="Hello")
    world.speech.speak(world.speech.asked(Synthesize)[-1].job, frames)


def test_refuse_a_type_of_call_that_has_no_leg() -> None:
    world = World()
    with pytest.raises(NotBuilt) as refused:
        world.open(call_type=CallType.WEBRTC)
    assert refused.value.status == 501
    assert len(world.roster) == 0
    assert world.roster.refused == 0, "there may be room"


def test_open_a_leg_for_the_session() -> None:
    legs = FakeLegs()
    caller = world_of(legs).open(call_type=CallType.WEBRTC)
    holder = legs.last.holder
    assert holder.session_id == caller.handle.session_id
    assert (holder.tenant, holder.uid) == (ALICE.tenant, ALICE.uid)
    assert legs.last.obeyed == []


def test_open_none_for_a_call_over_the_socket() -> None:
    legs = FakeLegs()
    world_of(legs).open().invite(codec="pcm")
    assert legs.made == {}


def test_answer_an_offer() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world)
    assert legs.last.obeyed == [AnswerOffer(OFFER)]
    (answer,) = caller.named("answer")
    assert answer["sdp"] == ANSWER
    assert len(world.roster) == 1


def test_tell_of_a_call_that_came_once_the_socket_is_there() -> None:
    legs = FakeLegs(first=(CallCame("sip:a@x", "sip:b@y", OFFER),))
    caller = world_of(legs).open(call_type=CallType.SIP)
    assert caller.names == ["incoming"]
    caller.command("accept", option={})
    assert isinstance(legs.last.obeyed[-1], TakeCall)
    assert "answer" in caller.names


def test_pass_on_a_refusal_of_the_leg_s_maker() -> None:
    legs = FakeLegs(refusal=NotYours("the call is somebody else's"))
    world = world_of(legs)
    with pytest.raises(NotYours):
        world.open(call_type=CallType.SIP)
    assert len(world.roster) == 0


def test_end_the_session_whose_leg_could_not_be_made() -> None:
    legs = FakeLegs(refusal=ZeroDivisionError())
    world = world_of(legs)
    caller = world.open(call_type=CallType.WEBRTC)
    assert caller.names == ["error", "hangup"]
    assert caller.peer.closed is not None
    assert len(world.roster) == 0


def test_end_the_session_whose_leg_was_lost_while_it_was_made() -> None:
    legs = FakeLegs()

    def make(holder: Holder) -> Leg:
        leg = legs.make(holder)
        holder.lost(ZeroDivisionError())
        return leg

    world = World(legs={CallType.SIP: make})
    caller = world.open(call_type=CallType.SIP)
    assert caller.names == ["error", "hangup"]
    assert legs.last.drops == 1


def test_pass_on_what_the_leg_is_asked() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world)
    caller.command("addIceCandidate", candidate="candidate:1", sdpMid="0")
    assert legs.last.obeyed[-1] == AddCandidate("candidate:1", "0", None)


def test_tell_what_the_leg_tells_in_its_order() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world)
    told = len(caller.names)
    legs.last.tell(CandidateGathered("candidate:1", "0", 0))
    legs.last.tell(MediaArrived())
    legs.last.tell(LegTrouble("something is odd", 500))
    assert len(caller.names) == told + 3
    assert caller.names[-2:] == ["mediaReady", "error"]


def test_send_a_frame_or_silence_in_every_slot() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world, tts={})
    world.tick(3)
    say(world, caller, pcm(7, 2))
    world.tick(5)
    leg = legs.last
    assert sorted(leg.sent) == list(range(1, 9))
    assert leg.audio == [pcm(7), pcm(7)]
    assert caller.peer.audio == [], "it goes to the far end alone"
    assert world.engine.counts.frames_played == 2


def test_play_from_its_beginning_once_the_far_end_can_hear() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world, tts={})
    legs.last.is_open = False
    say(world, caller, pcm(7, 2))
    world.tick(5)
    assert legs.last.audio == []
    legs.last.is_open = True
    world.tick(3)
    assert legs.last.audio == [pcm(7), pcm(7)]
    assert world.engine.counts.frames_missing == 0


def test_send_silence_where_what_plays_is_late() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world, tts={})
    caller.command("tts", text="Hello")
    (request,) = world.speech.asked(Synthesize)
    world.speech.speak(request.job, pcm(7), is_all=False)
    world.tick(4)
    assert len(legs.last.sent) == 4
    assert legs.last.audio == [pcm(7)]
    assert world.engine.counts.frames_missing == 3


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
def test_encode_and_decode_for_legs_that_leave_it_to_the_tick(codec: Codec) -> None:
    legs = FakeLegs(codec, WIRES[codec])
    world = world_of(legs)
    caller = browser(world, tts={}, asr={}, vad=QUICK_VAD)
    samples = np.full((1, 160), 1_000, np.int16)
    octets = WIRES[codec].encode(samples).tobytes()
    say(world, caller, samples.tobytes())
    legs.last.speak(octets)
    world.tick(2)
    assert legs.last.audio == [octets]
    (heard,) = world.speech.asked(Heard)
    assert heard.rate == 8_000
    decoded = np.frombuffer(heard.samples, np.int16)
    assert np.abs(decoded.astype(int) - 1_000).max() < 40
    assert g711.decode(np.frombuffer(b"\xff", np.uint8))[0] == 0


def test_hear_speech_of_the_far_end() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world, vad=QUICK_VAD)
    legs.last.speak(*[LOUD_FRAME] * 20)
    world.tick(20)
    assert caller.names[-1] == "speaking"


def test_hear_a_second_frame_of_a_leg_that_has_fallen_behind() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    browser(world, vad=QUICK_VAD)
    legs.last.speak(pcm(0))
    legs.last.source.more.append(pcm(0))
    world.tick()
    assert world.engine.counts.frames_heard == 2
    legs.last.source.is_silent = True
    legs.last.speak(pcm(0))
    world.tick()
    assert world.engine.counts.frames_of_silence == 1


def test_ignore_audio_of_the_socket_where_a_leg_carries_it() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world, vad=QUICK_VAD)
    caller.handle.receive_audio(pcm(LOUD, 30))
    world.tick(20)
    assert "speaking" not in caller.names


def test_hear_keys_in_the_audio_of_who_has_no_other() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = world.open(call_type=CallType.WEBRTC)
    legs.last.has_keys = False
    caller.invite(offer=OFFER)
    legs.last.speak(pcm(0), pcm(20_001), pcm(0), pcm(20_003))
    world.tick(4)
    assert [event["digit"] for event in caller.named("dtmf")] == ["1", "#"]


def test_hear_none_in_the_audio_of_who_sends_them_apart() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world)
    legs.last.speak(pcm(20_001))
    world.tick()
    assert caller.named("dtmf") == []
    legs.last.tell(KeyPressed("7"))
    assert [event["digit"] for event in caller.named("dtmf")] == ["7"]


def test_end_the_session_whose_keys_cannot_be_heard_and_no_other() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    callers = [world.open(call_type=CallType.WEBRTC) for _ in range(5)]
    for caller in callers:
        legs.made[caller.handle.session_id].has_keys = False
        caller.invite(offer=OFFER)
    for number, caller in enumerate(callers):
        leg = legs.made[caller.handle.session_id]
        leg.speak(pcm(POISONED_KEY if number == 2 else 20_002))
    world.tick()
    assert [len(caller.named("dtmf")) for caller in callers] == [1, 1, 0, 1, 1]
    assert callers[2].names[-1] == "hangup"
    assert len(world.roster) == 4


@pytest.mark.parametrize("method", ["AnswerOffer", "AddCandidate"])
def test_end_the_session_whose_leg_fails_at_a_command(method: str) -> None:
    legs = FakeLegs()
    world = world_of(legs)
    other = browser(world)
    caller = world.open(call_type=CallType.WEBRTC)
    legs.last.errors[method] = ZeroDivisionError()
    caller.invite(offer=OFFER)
    caller.command("addIceCandidate", candidate="candidate:1")
    assert caller.names[-1] == "hangup"
    assert legs.last.drops == 1
    assert "hangup" not in other.names


@pytest.mark.parametrize("method", ["send_audio", "send_silence", "take", "frame"])
def test_end_the_session_whose_leg_fails_in_the_tick(method: str) -> None:
    legs = FakeLegs()
    world = world_of(legs)
    callers = [browser(world, tts={}, vad=QUICK_VAD) for _ in range(3)]
    for caller in callers:
        say(world, caller, pcm(7, 2))
    leg = legs.made[callers[1].handle.session_id]
    match method:
        case "take":
            leg.source.error = ZeroDivisionError()
        case "frame":
            leg.speak(b"\0" * 641)
        case _:
            leg.errors[method] = ZeroDivisionError()
    world.tick(5)
    assert callers[1].names[-1] == "hangup"
    assert leg.drops == 1
    for caller in (callers[0], callers[2]):
        assert legs.made[caller.handle.session_id].audio == [pcm(7), pcm(7)]
        assert "hangup" not in caller.names
    assert len(world.roster) == 2


def test_end_the_session_whose_audio_is_poisoned_and_no_other() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    callers = [browser(world, vad=QUICK_VAD) for _ in range(3)]
    legs.last.speak(pcm(POISON))
    world.tick()
    assert callers[2].names[-1] == "hangup"
    assert len(world.roster) == 2


def test_end_the_session_whose_leg_says_that_it_is_lost() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world)
    legs.last.holder.lost(ZeroDivisionError())
    assert caller.names[-1] == "hangup"
    legs.last.holder.lost(ZeroDivisionError())
    assert caller.names.count("hangup") == 1
    assert legs.last.drops == 1


@pytest.mark.parametrize("rate", [Codec.PCMU, Codec.PCMA])
def test_end_the_session_whose_leg_has_another_wire_than_codec(rate: Codec) -> None:
    legs = FakeLegs(Codec.OPUS, WIRES[rate])
    world = world_of(legs)
    caller = browser(world)
    assert caller.names[-1] == "hangup"
    assert len(world.roster) == 0


ENDS = {
    "hangup": lambda world, caller, leg: caller.command("hangup"),
    "lost": lambda world, caller, leg: caller.handle.lose(True),
    "far end": lambda world, caller, leg: leg.tell(LegEnded("byCaller", "caller")),
    "silence": lambda world, caller, leg: leg.tell(LegLost("nothing comes")),
    "order": lambda world, caller, leg: world.roster.end(
        EndSession(caller.handle.session_id, "killed", "admin", "c1")
    ),
    "drain": lambda world, caller, leg: world.roster.end_all("the worker stops"),
    "fault": lambda world, caller, leg: leg.holder.lost(ZeroDivisionError()),
}


@pytest.mark.parametrize("is_set_up", [True, False])
@pytest.mark.parametrize("way", ENDS)
def test_drop_the_leg_once_however_it_ends(way: str, is_set_up: bool) -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = world.open(call_type=CallType.WEBRTC)
    if is_set_up:
        caller.invite(offer=OFFER)
    leg = legs.last
    ENDS[way](world, caller, leg)
    world.tick(2)
    caller.command("hangup")
    assert leg.drops == 1
    assert isinstance(leg.obeyed[-1], DropLeg)
    assert way == "lost" or caller.names[-1] == "hangup"
    assert len(world.roster) == 0
    told = len(caller.names)
    leg.holder.tell(KeyPressed("1"))
    leg.holder.tell(LegEnded("byCaller", "caller"))
    assert len(caller.names) == told


@pytest.mark.parametrize("machine", ["end", "events"])
def test_drop_the_leg_of_a_session_that_is_cut(
    monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world)
    seat = world.roster.find(caller.handle.session_id)
    assert seat is not None
    monkeypatch.setattr(seat.session, machine, None)
    monkeypatch.setattr(seat.session, "receive", None)
    caller.command("hangup")
    assert caller.peer.closed == (1011, "the session failed")
    assert legs.last.drops == 1
    assert len(world.roster) == 0


def test_end_in_order_though_the_leg_fails_to_be_dropped() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world)
    legs.last.errors["DropLeg"] = ZeroDivisionError()
    caller.command("hangup")
    assert legs.last.drops == 1
    assert caller.names[-1] == "hangup"
    assert caller.peer.closed is not None
    assert caller.peer.closed[0] == 1_000
    assert isinstance(world.facts.facts[-1], SessionEnded)


class Chatty(FakeLeg):
    """Answers each candidate of the browser's with three things at once."""

    def obey(self, effect: object) -> None:
        super().obey(effect)  # type: ignore[arg-type]
        if isinstance(effect, AddCandidate):
            for digit in "123":
                self.tell(KeyPressed(digit))


def test_settle_in_order_what_is_told_while_it_obeys() -> None:
    legs = FakeLegs()
    made: list[Chatty] = []

    def make(holder: Holder) -> Leg:
        made.append(Chatty(holder, legs.wire))
        return made[-1]

    world = World(legs={CallType.WEBRTC: make})
    caller = browser(world)
    for _ in range(2):
        caller.command("addIceCandidate", candidate="candidate:1")
    digits = [event["digit"] for event in caller.named("dtmf")]
    assert digits == ["1", "2", "3"] * 2


def test_never_recurse_however_much_is_told_at_once() -> None:
    class Endless(FakeLeg):
        told = 0

        def obey(self, effect: object) -> None:
            super().obey(effect)  # type: ignore[arg-type]
            if isinstance(effect, AnswerOffer):
                for _ in range(5_000):
                    self.tell(LegTrouble("again", 500))

    world = World(legs={CallType.WEBRTC: lambda h: Endless(h, WIRES[Codec.PCM])})
    caller = browser(world)
    assert len(caller.named("error")) == 5_000


def test_stop_where_what_is_told_ends_the_session() -> None:
    class Rude(FakeLeg):
        def obey(self, effect: object) -> None:
            super().obey(effect)  # type: ignore[arg-type]
            if isinstance(effect, AddCandidate):
                events: tuple[LegEvent, ...] = (
                    LegEnded("byCaller", "caller"),
                    KeyPressed("1"),
                )
                for event in events:
                    self.holder.tell(event)

    world = World(legs={CallType.WEBRTC: lambda h: Rude(h, WIRES[Codec.PCM])})
    caller = browser(world)
    caller.command("addIceCandidate", candidate="candidate:1")
    assert caller.names[-1] == "hangup"
    assert "dtmf" not in caller.names


def test_keep_the_leg_when_the_socket_is_lost_and_comes_back() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = world.open(call_type=CallType.WEBRTC, id="mine").invite(offer=OFFER)
    caller.handle.lose(False)
    legs.last.tell(KeyPressed("1"))
    world.tick(10)
    again = world.open(call_type=CallType.WEBRTC, id="mine")
    assert again.names == ["dtmf"]
    assert len(legs.made) == 1
    assert legs.last.drops == 0
    assert len(legs.last.sent) == 10


def test_count_what_the_leg_has_seen() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world, tts={})
    leg = legs.last
    say(world, caller, pcm(7, 3))
    world.tick(2)
    leg.is_slow = True
    world.tick(2)
    leg.statistics = LegStatistics(11, 22, -3, 4, 5, 6.6, 7.7, 4.123)
    caller.command("hangup")
    fact = world.facts.facts[-1]
    assert isinstance(fact, SessionEnded)
    assert fact.counts == Counts(
        commands=fact.counts.commands,
        events=fact.counts.events,
        packets_received=11,
        packets_sent=22,
        packets_lost=0,
        frames_dropped=1,
        packets_late=4,
        jitter_ms=7,
        round_trip_ms=8,
        mos_hundredths=412,
    )


def test_tell_the_end_though_the_leg_cannot_tell_what_it_has_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent(FakeLeg):
        statistics = property(lambda self: 1 / 0, lambda self, value: None)

    world = World(legs={CallType.WEBRTC: lambda h: Silent(h, WIRES[Codec.PCM])})
    caller = browser(world)
    caller.command("hangup")
    fact = world.facts.facts[-1]
    assert isinstance(fact, SessionEnded)
    assert fact.counts.packets_received == 0
    assert caller.peer.closed is not None
    other = browser(world)
    assert world.roster.leg_totals().packets_received == 0
    assert other.names[-1] == "hangup"
    assert len(world.roster) == 0


def test_add_up_what_legs_have_seen() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    assert world.roster.legs() == {CallType.WEBRTC: 0, CallType.SIP: 0}
    for number in range(3):
        browser(world)
        legs.last.statistics = LegStatistics(10, 20, 3 - 2 * number, 4, 5)
    caller = browser(world)
    legs.last.statistics = LegStatistics(1, 1, 1, 1, 1)
    assert world.roster.legs() == {CallType.WEBRTC: 4, CallType.SIP: 0}
    totals = world.roster.leg_totals()
    assert (totals.packets_received, totals.packets_sent) == (31, 61)
    assert (totals.packets_lost, totals.packets_late) == (5, 13)
    assert totals.frames_concealed == 16
    caller.command("hangup")
    assert world.roster.legs()[CallType.WEBRTC] == 3
    assert world.roster.leg_totals() == totals
    for leg in legs.made.values():
        leg.statistics = LegStatistics()
    assert world.roster.leg_totals() == totals, "counters do not fall"


def test_begin_to_hear_when_the_call_is_answered() -> None:
    legs = FakeLegs(first=(CallCame("sip:a@x", "sip:b@y", OFFER),))
    world = world_of(legs)
    caller = world.open(call_type=CallType.SIP)
    leg = legs.last
    leg.has_keys = False
    caller.command("ringing", earlyMedia=True)
    leg.tell(MediaAgreed(Codec.OPUS, False))
    leg.is_agreed = True
    leg.speak(*[LOUD_FRAME] * 20)
    world.tick(20)
    assert "speaking" not in caller.names
    assert world.speech.asked(Heard) == []
    caller.command("accept", option={"vad": QUICK_VAD, "asr": {}})
    leg.tell(Answered(ANSWER))
    leg.speak(*[LOUD_FRAME] * 20)
    world.tick()
    assert "speaking" not in caller.names, "what was before is not heard now"
    world.tick(19)
    assert "speaking" in caller.names
    assert len(world.speech.asked(Heard)) == 20


def test_go_on_to_hear_when_the_call_is_answered() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = world.open(call_type=CallType.SIP)
    caller.invite(
        callee="sip:b@y", vad=QUICK_VAD, asr={"startWhenAnswer": True}, caller="a"
    )
    leg = legs.last
    leg.is_agreed = True
    leg.tell(Rang(True))
    leg.tell(MediaAgreed(Codec.OPUS, True))
    leg.speak(*[LOUD_FRAME] * 20)
    world.tick(20)
    assert "speaking" in caller.names
    assert world.speech.asked(Heard) == []
    leg.tell(Answered(ANSWER))
    leg.speak(*[LOUD_FRAME] * 5)
    world.tick(5)
    assert len(world.speech.asked(Heard)) == 5


def test_close_once() -> None:
    legs = FakeLegs()
    world = world_of(legs)
    caller = browser(world)
    seat = world.roster.find(caller.handle.session_id)
    assert seat is not None
    for _ in range(2):
        seat.close(1_000, "enough")
    assert legs.last.drops == 1
    world.tick(2)


def test_end_the_session_whose_leg_is_lost_while_it_obeys() -> None:
    class Clumsy(FakeLeg):
        def obey(self, effect: object) -> None:
            super().obey(effect)  # type: ignore[arg-type]
            if isinstance(effect, AddCandidate):
                self.holder.lost(ZeroDivisionError())

    world = World(legs={CallType.WEBRTC: lambda h: Clumsy(h, WIRES[Codec.PCM])})
    caller = browser(world)
    caller.command("addIceCandidate", candidate="candidate:1")
    assert caller.names[-1] == "hangup"
    assert isinstance(world.facts.facts[-1], SessionEnded)
    assert len(world.roster) == 0


def test_drain_ends_who_only_waits_for_calls() -> None:
    legs = FakeLegs(Codec.PCMU, WIRES[Codec.PCMU])
    world = World(legs={CallType.SIP: legs.make})
    waiting = world.open(call_type=CallType.SIP, listen="agent")
    taken = world.open(call_type=CallType.SIP, listen="agent")
    legs.last.tell(CallCame("sip:a@x", "sip:agent@y", ""))
    world.roster.drain()
    assert waiting.names[-1] == "hangup"
    assert taken.names == ["incoming"]
