"""Every codec of a WebSocket call, over the application's socket."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio.coders import coder_of
from mediaworker.runtime.carriers import (
    FRAME_TICKS,
    MOST_FLAWS,
    MOST_PACKET_OCTETS,
    MOST_TICKS,
    ODD,
    Carrier,
    Carriers,
    Flawed,
    Packets,
)
from mediaworker.runtime.inbound import MOST_SECONDS, STARVED_SLOTS
from mediaworker.session.capabilities import RATES
from mediaworker.speech.requests import Synthesize
from tests.worker.runtime.sounds import LIBRARY, FarSide, in_one, share, tone
from tests.worker.runtime.world import ALICE, LOUD, Application, World, pcm

EACH = pytest.mark.parametrize("codec", list(Codec))
CODED = pytest.mark.parametrize("codec", [Codec.G722, Codec.OPUS])
FRAMES = 50


class Kept(Carriers):
    """Remembers what it made."""

    def __init__(self) -> None:
        super().__init__(LIBRARY)
        self.made: list[Carrier] = []

    def make(self, codec: Codec, flawed: Flawed) -> Carrier:
        carrier = super().make(codec, flawed)
        self.made.append(carrier)
        return carrier


def world() -> World:
    return World(carriers=Carriers(LIBRARY))


def packets() -> tuple[Packets, list[str]]:
    flaws: list[str] = []
    return Packets(coder_of(Codec.OPUS, LIBRARY), flaws.append), flaws


def spoken(frames: int) -> list[bytes]:
    return FarSide(Codec.OPUS).says(tone(16_000, frames))


def bridged(here: World, codec: Codec) -> tuple[Application, Application]:
    caller = here.open().invite(codec=codec)
    other = here.open().invite(codec="pcm")
    caller.command("bridge", targetSessionId=other.handle.session_id)
    return caller, other


@pytest.mark.covers("CallOption.codec", "note codecs negotiated")
@EACH
def test_hear_a_tone_over_a_bridge(codec: Codec) -> None:
    here, far = world(), FarSide(codec)
    caller, other = bridged(here, codec)
    for payload in far.says(tone(far.rate, FRAMES)):
        caller.handle.receive_audio(payload)
        here.tick()
    heard = np.frombuffer(b"".join(other.peer.audio), np.int16)
    assert len(heard) >= (FRAMES - 4) * 320
    assert share(heard[1_600:], 16_000) > 0.98
    assert np.abs(heard[1_600:]).max() == pytest.approx(8_000, rel=0.1)


@EACH
def test_say_a_tone_that_comes_over_a_bridge(codec: Codec) -> None:
    here, far = world(), FarSide(codec)
    caller, other = bridged(here, codec)
    for frame in tone(16_000, FRAMES).reshape(-1, 320):
        other.handle.receive_audio(frame.tobytes())
        here.tick()
    heard = far.heard(caller.peer.audio)
    assert len(heard) >= (FRAMES - 4) * far.rate // 50
    assert share(heard[far.rate // 10 :], far.rate) > 0.98


@EACH
def test_play_in_the_codec(codec: Codec) -> None:
    here, far = world(), FarSide(codec)
    caller = here.open().invite(codec=codec, tts={})
    caller.command("tts", text="Hello")
    (request,) = here.speech.asked(Synthesize)
    assert request.rate == far.rate
    here.speech.speak(request.job, tone(far.rate, FRAMES).tobytes())
    here.tick(FRAMES + 2)
    assert len(caller.peer.audio) == FRAMES, "nothing is sent when nothing plays"
    heard = far.heard(caller.peer.audio)
    assert len(heard) == FRAMES * far.rate // 50
    assert share(heard[far.rate // 10 :], far.rate) > 0.98


@EACH
def test_choose_the_codec_in_the_address(codec: Codec) -> None:
    here = world()
    caller = here.open(codec=codec).invite()
    assert caller.names == ["trackStart", "answer"]
    seat = here.roster.find(caller.handle.session_id)
    assert seat is not None and seat.carrier is not None
    assert seat.rate == RATES[codec]


@pytest.mark.parametrize("codec", [codec for codec in Codec if codec is not Codec.OPUS])
@pytest.mark.parametrize("size", [1, 7, 160, 1_001])
def test_hear_pieces_of_any_length(codec: Codec, size: int) -> None:
    here, far = world(), FarSide(codec)
    caller, other = bridged(here, codec)
    whole, sent = b"".join(far.says(tone(far.rate, 2 * FRAMES))), 0
    for slot in range(2 * FRAMES):
        while sent <= slot * len(whole) // (2 * FRAMES):
            caller.handle.receive_audio(whole[sent : sent + size])
            sent += size
        here.tick()
    heard = np.frombuffer(b"".join(other.peer.audio), np.int16)
    assert len(heard) >= (2 * FRAMES - 10) * 320
    assert share(heard[6_400:25_600], 16_000) > 0.98


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_hear_packets_of_any_duration(count: int) -> None:
    here = world()
    caller, other = bridged(here, Codec.OPUS)
    said = spoken(60)
    for start in range(0, 60, count):
        caller.handle.receive_audio(in_one(said[start : start + count]))
        here.tick(count)
    heard = np.frombuffer(b"".join(other.peer.audio), np.int16)
    assert share(heard[3_200:], 16_000) > 0.98
    assert caller.named("error") == []


@pytest.mark.parametrize(
    "bad", [b"\x03", b"\xff\xff", b"\x0b\x3f" + bytes(9), b"\x83\x83\xff\xff\x00"]
)
def test_tell_once_of_packets_that_are_none(bad: bytes) -> None:
    here = world()
    caller, other = bridged(here, Codec.OPUS)
    for payload in spoken(FRAMES):
        caller.handle.receive_audio(bad)
        caller.handle.receive_audio(payload)
        here.tick()
    (error,) = caller.named("error")
    assert (error["sender"], error["code"]) == ("media", 400)
    assert error["error"].startswith("a binary frame is no packet of opus: ")
    heard = np.frombuffer(b"".join(other.peer.audio), np.int16)
    assert share(heard[1_600:], 16_000) > 0.98, "the call goes on"


def test_tell_once_of_half_samples() -> None:
    here = world()
    caller, other = bridged(here, Codec.PCM)
    frames = [frame.tobytes() for frame in tone(16_000, FRAMES).reshape(-1, 320)]
    for index, frame in enumerate(frames):
        caller.handle.receive_audio(frame + (b"\x00" if index in (5, 9) else b""))
        here.tick()
    (error,) = caller.named("error")
    assert (error["sender"], error["code"], error["error"]) == ("media", 400, ODD)
    heard = np.frombuffer(b"".join(other.peer.audio), np.int16)
    assert share(heard[1_600:], 16_000) > 0.98, "samples are whole again"


def test_refuse_what_is_said_before_the_invite() -> None:
    here = world()
    caller = here.open(codec="opus")
    caller.handle.receive_audio(b"\xff")
    caller.invite()
    assert caller.names == ["trackStart", "answer"]


@EACH
def test_be_silent_for_who_sends_nothing(codec: Codec) -> None:
    here = world()
    caller = here.open().invite(codec=codec, vad={"speechPadding": 40})
    for payload in FarSide(codec).says(tone(RATES[codec], 10)):
        caller.handle.receive_audio(payload)
        here.tick()
    here.tick(STARVED_SLOTS + 10)
    assert caller.names[-2:] == ["speaking", "silence"]


@CODED
def test_give_the_coder_back(codec: Codec) -> None:
    kept = Kept()
    here = World(carriers=kept)
    caller = here.open().invite(codec=codec)
    (carrier,) = kept.made
    assert len(carrier.encode(pcm(LOUD))) > 0
    caller.command("hangup")
    assert caller.names[-1] == "hangup"
    carrier.close()
    if codec is not Codec.G722:
        with pytest.raises(TypeError):
            carrier.encode(pcm(LOUD))


def test_give_the_coder_back_when_the_rate_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Kept()
    here = World(carriers=kept)
    monkeypatch.setattr(
        "mediaworker.runtime.seat.Seat.rate", property(lambda seat: 8_000)
    )
    caller = here.open().invite(codec="opus")
    assert caller.names[-1] == "hangup"
    with pytest.raises(TypeError):
        kept.made[0].encode(pcm(LOUD))


def test_end_who_cannot_be_encoded_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = world()
    callers = [here.open().invite(codec="g722", tts={}) for _ in range(2)]
    for caller in callers:
        caller.command("tts", text="Hello")
    for request in here.speech.asked(Synthesize):
        here.speech.speak(request.job, pcm(7, 5))
    seat = here.roster.find(callers[0].handle.session_id)
    assert seat is not None and seat.carrier is not None

    def fail(frame: bytes) -> bytes:
        raise FloatingPointError("poisoned")

    monkeypatch.setattr(seat.carrier.coder, "encode", fail)
    here.tick(8)
    assert callers[0].names[-1] == "hangup"
    assert len(callers[1].peer.audio) == 5
    assert here.engine.counts.frames_dropped == 1


def test_drop_what_is_sent_far_too_fast() -> None:
    here = world()
    caller = here.open().invite(codec="opus", vad={})
    said = in_one(spoken(6))
    for _ in range(2 * MOST_SECONDS * 50 // 6):
        caller.handle.receive_audio(said)
    (error,) = caller.named("error")
    assert error["code"] == 429


def test_wait_for_no_more_than_ten_seconds() -> None:
    store, flaws = packets()
    said = in_one(spoken(6))
    assert sum(store.put(said) for _ in range(83)) == 0
    assert store.put(said) == 6
    assert store.frames * FRAME_TICKS <= MOST_TICKS and flaws == []


def test_keep_no_more_than_so_many_octets() -> None:
    store, flaws = packets()
    huge = bytes([31 << 3]) + bytes(60_000)
    dropped = [store.put(huge) for _ in range(10)]
    assert sum(dropped) == 10 - MOST_PACKET_OCTETS // len(huge)
    assert flaws == [], "it looks like a packet"
    assert store.pop() is None
    assert flaws


def test_pass_over_few_flaws_in_a_slot() -> None:
    store, flaws = packets()
    for _ in range(3 * MOST_FLAWS):
        store.put(b"\x83\x83\xff\xff\x00")
    store.put(spoken(1)[0])
    assert store.pop() is None
    assert len(flaws) == MOST_FLAWS
    assert [store.pop() is None for _ in range(3)] == [True, True, False]


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=40), max_size=30))
def test_survive_whatever_is_sent_as_packets(payloads: list[bytes]) -> None:
    store, _ = packets()
    for payload in payloads:
        store.put(payload)
        before = store.frames
        frame = store.pop()
        assert frame is None or len(frame) == 640
        assert 0 <= store.frames <= before
    while store.frames:
        store.pop()


def test_have_no_opus_without_its_library() -> None:
    assert Carriers().codecs == frozenset(Codec) - {Codec.OPUS}
    assert Carriers(LIBRARY).codecs == frozenset(Codec)


def test_tell_of_nothing_but_text_where_audio_is_text() -> None:
    """What a frame is, its peer decides; the payload is the codec's."""
    here = world()
    caller = here.open(ALICE, binary="json").invite(codec="opus", tts={})
    caller.command("tts", text="Hello")
    (request,) = here.speech.asked(Synthesize)
    here.speech.speak(request.job, tone(16_000, 3).tobytes())
    here.tick(5)
    assert len(caller.peer.audio) == 3
    assert all(json.loads(text) for text in caller.peer.texts)
