"""A call's audio over RTP."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp import rtcp
from mediaworker.rtp.packet import RtpPacket, header, parse
from mediaworker.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
)
from mediaworker.rtp.stream import MOST_KEYS, MediaStream
from mediaworker.rtp.telephone_event import TelephoneEvent, render
from tests.worker.rtp.streams import (
    CNAME,
    EPOCH,
    FIRST_SEQUENCE,
    FIRST_TIMESTAMP,
    KEYS,
    SSRC,
    THEIRS,
    TYPES,
    Far,
    stream_of,
    terms,
)

CODECS = pytest.mark.parametrize("codec", TYPES)
SILENCE = b"\xff" * 160


def loud(number: int) -> bytes:
    """20 ms of µ-law that can be told from any other."""
    return bytes((number % 100,)) * 160


def tones(codec: Codec, frames: int) -> list[bytes]:
    """A tone on the codec's wire, of which Opus and G.722 make payloads."""
    rate, size = (8_000, 160) if codec in (Codec.PCMU, Codec.PCMA) else (16_000, 640)
    if size == 160:
        return [bytes(((7 * n + k) % 100) for k in range(160)) for n in range(frames)]
    at = np.arange(frames * 320) / rate
    wave = (8_000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16).tobytes()
    return [wave[place : place + size] for place in range(0, len(wave), size)]


@pytest.fixture
def stream() -> MediaStream:
    return stream_of()


@pytest.fixture
def far(stream: MediaStream) -> Far:
    """It has said ten packets, of which the last two are still to be heard."""
    far = Far(stream)
    far.say(*map(loud, range(10)))
    return far


def sent(packets: list[bytes]) -> RtpPacket:
    (packet,) = packets
    return parse(packet)


# What comes


def test_hear_nothing_and_then_silence_before_anybody_speaks(
    stream: MediaStream,
) -> None:
    assert [stream.take() for _ in range(5)] == [None] * 3 + [SILENCE] * 2
    assert stream.is_silent
    assert stream.take_more() is None
    assert not stream.has_arrived
    assert stream.statistics.mos is None


def test_hear_what_is_said_40_ms_later(stream: MediaStream) -> None:
    far = Far(stream)
    said = [loud(number) for number in range(8)]
    assert far.say(*said) == [None, None, *said[:6]]
    assert stream.has_arrived
    assert not stream.is_silent
    assert stream.last_received_at == pytest.approx(7 * 0.02)
    statistics = stream.statistics
    assert (statistics.packets_received, statistics.packets_lost) == (8, 0)
    assert statistics.frames_concealed == statistics.packets_foreign == 0
    assert statistics.jitter_ms < 1
    assert statistics.mos is not None
    assert statistics.mos > 4.3


@CODECS
def test_hear_every_codec(codec: Codec) -> None:
    stream = stream_of(codec)
    far = Far(stream, codec)
    said = tones(codec, 30)
    heard = far.say(*(far.coder.encode(frame) for frame in said))[2:]
    assert {len(frame) for frame in heard if frame} == {far.coder.frame_bytes}
    assert stream.statistics.frames_concealed == 0
    if far.coder.frame_bytes == 160:
        assert heard == said[:28]
    else:
        last = np.frombuffer(heard[-1] or b"", np.int16)
        assert np.abs(last).max() == pytest.approx(8_000, rel=0.2)
    stream.close()


@CODECS
def test_make_up_what_is_lost(codec: Codec) -> None:
    stream = stream_of(codec)
    far = Far(stream, codec)
    said: list[bytes | None] = [far.coder.encode(f) for f in tones(codec, 30)]
    said[20] = None
    heard = far.say(*said)[2:]
    assert all(heard)
    assert heard[20] not in (stream._coder.silence, None)
    statistics = stream.statistics
    assert (statistics.frames_concealed, statistics.packets_lost) == (1, 1)
    assert statistics.mos is not None


def test_make_up_several_lost_in_a_row(far: Far) -> None:
    heard = far.say(None, None, *map(loud, range(12, 18)))
    assert heard[:2] == [loud(8), loud(9)]
    assert SILENCE not in heard
    assert heard[-2:] == [loud(14), loud(15)]
    assert far.stream.statistics.frames_concealed == 2


def test_recover_what_is_lost_by_the_next_packet() -> None:
    stream = stream_of(Codec.OPUS)
    far = Far(stream, Codec.OPUS)
    encoder = far.coder._encoder  # type: ignore[attr-defined]
    encoder._set(4_012, 1)
    encoder._set(4_014, 20)
    noise = np.random.default_rng(1).normal(0, 3_000, (60, 320)).astype(np.int16)
    said: list[bytes | None] = [encoder.encode(frame.tobytes()) for frame in noise]
    said[40] = None
    assert all(far.say(*said)[2:])
    statistics = stream.statistics
    assert (statistics.frames_concealed, statistics.packets_lost) == (0, 1)


def test_fall_silent_60_ms_after_the_last_packet(far: Far) -> None:
    heard = [far.slot() for _ in range(7)]
    assert heard[:2] == [loud(8), loud(9)]
    assert SILENCE not in heard[2:5]
    assert heard[5:] == [SILENCE] * 2
    assert far.stream.is_silent
    assert far.stream.statistics.frames_concealed == 3


def test_call_a_pause_no_loss(far: Far) -> None:
    for _ in range(30):
        far.slot()
    heard = far.say(loud(10), loud(11), loud(12), loud(13))
    assert heard[:2] == [SILENCE] * 2
    assert heard[3] == loud(11)
    assert far.stream.statistics.frames_concealed == 0


def test_hear_two_frames_in_a_slot_after_an_outage(far: Far) -> None:
    for _ in range(22):
        far.slot()
    timestamp, far.timestamp = far.timestamp, far.timestamp - 22 * 160
    for number in range(10, 32):
        far.send(loud(number))
        far.timestamp += 160
    assert far.timestamp == timestamp
    heard = []
    for number in range(32, 60):
        far.send(loud(number))
        heard.append(far.stream.take())
        if (more := far.stream.take_more()) is not None:
            heard.append(more)
        far.pass_time()
    assert len(heard) > 36
    assert heard[1:] == [loud(number) for number in range(11, 10 + len(heard))]


@pytest.mark.parametrize("milliseconds", [10, 20, 30, 40, 60])
def test_cut_packets_of_any_duration_into_frames(milliseconds: int) -> None:
    stream = stream_of()
    far = Far(stream)
    octets = bytes(k % 100 for k in range(48_000))
    said, heard, first = 0, b"", far.timestamp
    for slot in range(100):
        while said + milliseconds * 8 <= (slot + 1) * 160:
            far.timestamp = first + said
            far.send(octets[said : said + milliseconds * 8])
            said += milliseconds * 8
        far.now = slot * 0.02
        heard += stream.take() or b""
    assert len(heard) > 14_000
    assert heard == octets[: len(heard)]
    assert stream.statistics.frames_concealed == 0


def test_fill_up_a_slot_whose_second_half_is_lost(stream: MediaStream) -> None:
    far = Far(stream)
    heard = []
    for number in range(40):
        if number == 31:
            far.sequence += 1
        else:
            far.send(loud(number)[:80])
        far.timestamp += 80
        if number % 2:
            heard.append(stream.take())
            far.now += 0.02
    frame = heard[17]
    assert frame is not None
    assert frame[:80] == loud(30)[:80]
    assert len(frame) == 160
    assert stream.statistics.frames_concealed == 1
    assert heard[18] is not None
    assert heard[18][80:] == loud(33)[:80]


def test_make_up_what_is_malformed(far: Far) -> None:
    far.send(b"")
    assert far.stream.statistics.packets_foreign == 1
    stream = stream_of(Codec.OPUS)
    other = Far(stream, Codec.OPUS)
    said = [other.coder.encode(frame) for frame in tones(Codec.OPUS, 20)]
    said[10] = said[10][:1] + b"\xff" * 1_400
    assert all(other.say(*said)[2:])
    statistics = stream.statistics
    assert (statistics.packets_foreign, statistics.frames_concealed) == (1, 1)


def test_fill_up_a_slot_with_what_is_malformed() -> None:
    stream = stream_of(Codec.OPUS)
    far = Far(stream, Codec.OPUS)
    short_and_broken = bytes((8 << 3,)) + b"\xff" * 1_400
    for payload in (far.coder.silent_payload, short_and_broken, short_and_broken):
        far.send(payload)
        far.timestamp += 480
    frames = [stream.take() for _ in range(4)]
    assert frames[:2] == [None, None]
    assert all(len(frame or b"") == 640 for frame in frames[2:])


def test_drop_what_is_malformed_or_foreign(far: Far) -> None:
    for packet in (b"", b"\x80", b"\x00" * 40, far.packet(b"x" * 160, kind=77)):
        far.stream.receive_rtp(packet, far.now)
    assert far.stream.statistics.packets_foreign == 4
    assert far.say(loud(10), loud(11), loud(12))[1:] == [loud(9), loud(10)]


def test_take_comfort_noise_for_silence(far: Far) -> None:
    for _ in range(2):
        far.slot()
    heard = []
    for _ in range(20):
        far.send(b"\x40", kind=13)
        heard.append(far.slot())
    assert heard == [SILENCE] * 20
    statistics = far.stream.statistics
    assert statistics.frames_concealed == statistics.packets_foreign == 0
    assert statistics.packets_lost == 0


def test_ignore_a_packet_of_another_source(far: Far) -> None:
    far.stream.receive_rtp(header(0, False, 7, 7, 999) + loud(70), far.now)
    assert far.say(loud(10), loud(11), loud(12)) == [loud(8), loud(9), loud(10)]
    assert far.stream.statistics.packets_foreign == 1


def test_go_over_to_another_source_with_its_second_packet(far: Far) -> None:
    far.ssrc, far.sequence, far.timestamp = 999, 4_711, 815
    heard = far.say(*map(loud, range(50, 60)))
    assert heard[-3:] == [loud(55), loud(56), loud(57)]
    statistics = far.stream.statistics
    assert (statistics.packets_received, statistics.packets_foreign) == (19, 1)
    assert statistics.packets_lost == 0


def test_follow_a_sequence_that_begins_anew(far: Far) -> None:
    far.sequence, far.timestamp = 30_000, 1 << 30
    heard = far.say(*map(loud, range(50, 60)))
    assert heard[-3:] == [loud(55), loud(56), loud(57)]


def test_ignore_another_source_of_something_else(far: Far) -> None:
    for sequence in range(5):
        far.stream.receive_rtp(header(13, False, sequence, 7, 999) + b"x", far.now)
    assert far.say(loud(10)) == [loud(8)]


# Keys


def event(digit: int, slots: int, *, has_ended: bool = False) -> bytes:
    return render(TelephoneEvent(digit, has_ended, slots * 160))


def press(far: Far, digit: int, slots: int = 5) -> list[bytes | None]:
    """An event as it ought to be sent: three times its end, one timestamp."""
    heard, began = [], far.timestamp
    for slot in range(slots + 2):
        after, far.timestamp = far.timestamp, began
        has_ended = slot >= slots - 1
        payload = event(digit, min(slot + 1, slots), has_ended=has_ended)
        far.send(payload, KEYS, has_marker=slot == 0)
        far.timestamp = after
        heard.append(far.slot())
    return heard


def test_tell_the_keys_that_were_pressed(far: Far) -> None:
    heard = press(far, 5) + press(far, 11)
    assert far.stream.take_keys() == ["5", "#"]
    assert far.stream.take_keys() == []
    assert heard == [loud(8), loud(9), *[SILENCE] * 12]
    assert far.say(*map(loud, range(10, 15)))[-1] == loud(12)
    statistics = far.stream.statistics
    assert statistics.packets_lost == statistics.frames_concealed == 0
    assert statistics.packets_received == 29
    assert statistics.jitter_ms < 1


def test_hear_keys_before_any_audio(stream: MediaStream) -> None:
    far = Far(stream)
    press(far, 1)
    assert stream.take_keys() == ["1"]
    assert not stream.has_arrived
    assert stream.last_received_at > 0


def test_drop_keys_that_are_malformed(far: Far) -> None:
    far.send(b"\x01", KEYS)
    far.send(render(TelephoneEvent(16, False, 160)), KEYS)
    assert far.stream.take_keys() == []
    assert far.stream.statistics.packets_foreign == 1


def test_keep_no_more_keys_than_anybody_presses(far: Far) -> None:
    for _ in range(MOST_KEYS + 20):
        far.timestamp += 160
        far.send(event(1, 1), KEYS, has_marker=True)
    assert len(far.stream.take_keys()) == MOST_KEYS


def test_count_a_jump_only_once_it_is_confirmed(far: Far) -> None:
    before = far.stream.statistics.packets_received
    far.sequence += 20_000
    far.send(event(1, 1), KEYS, has_marker=True)
    assert far.stream.statistics.packets_received == before
    assert far.stream.take_keys() == []


# What goes


@CODECS
def test_send_a_packet_in_each_slot(codec: Codec) -> None:
    stream = stream_of(codec)
    far = Far(stream_of(codec), codec)
    packets = [
        sent(stream.send_audio(frame, slot))
        for slot, frame in enumerate(tones(codec, 4), 1_000)
    ]
    step = far.coder.clock_rate // 50
    assert [p.sequence for p in packets] == [65_534, 65_535, 0, 1]
    assert [p.timestamp for p in packets] == [
        (FIRST_TIMESTAMP + place * step) % (1 << 32) for place in range(4)
    ]
    assert [p.has_marker for p in packets] == [True, False, False, False]
    assert {(p.ssrc, p.payload_type) for p in packets} == {(SSRC, TYPES[codec])}
    assert {far.coder.duration(p.payload) for p in packets} == {step}
    assert stream.statistics.packets_sent == 4


def test_leave_time_out_where_slots_are_skipped(stream: MediaStream) -> None:
    first = sent(stream.send_audio(loud(1), 10))
    later = sent(stream.send_audio(loud(2), 15))
    assert later.sequence == (first.sequence + 1) % 65_536
    assert (later.timestamp - first.timestamp) % (1 << 32) == 5 * 160


@CODECS
def test_send_silence_where_nothing_plays(codec: Codec) -> None:
    stream = stream_of(codec)
    frame = tones(codec, 1)[0]
    silence = [sent(stream.send_silence(slot)) for slot in range(3)]
    assert {p.payload for p in silence} == {stream._coder.silent_payload}
    assert not any(p.has_marker for p in silence)
    begun = sent(stream.send_audio(frame, 3))
    assert begun.has_marker
    assert not sent(stream.send_audio(frame, 4)).has_marker
    stream.send_silence(5)
    again = sent(stream.send_audio(frame, 6))
    assert again.has_marker
    assert again.payload == begun.payload


def test_send_keys_instead_of_audio(stream: MediaStream) -> None:
    stream.send_audio(loud(0), 0)
    stream.press("5", 60, 60)
    packets = [sent(stream.send_audio(loud(n), n)) for n in range(1, 10)]
    kinds = [p.payload_type for p in packets]
    assert kinds == [KEYS] * 5 + [0] * 4
    assert [p.has_marker for p in packets[:5]] == [True] + [False] * 4
    began = (FIRST_TIMESTAMP + 160) % (1 << 32)
    assert {p.timestamp for p in packets[:5]} == {began}
    assert packets[5].timestamp == (FIRST_TIMESTAMP + 6 * 160) % (1 << 32)
    assert [p.sequence for p in packets] == [
        (FIRST_SEQUENCE + 1 + place) % 65_536 for place in range(9)
    ]


def test_send_keys_where_nothing_plays(stream: MediaStream) -> None:
    stream.press("1", 40, 40)
    kinds = [sent(stream.send_silence(slot)).payload_type for slot in range(7)]
    assert kinds == [KEYS] * 4 + [0] * 3


def test_send_keys_by_a_clock_of_their_own() -> None:
    stream = stream_of(Codec.OPUS)
    frame = tones(Codec.OPUS, 1)[0]
    for slot in range(3):
        stream.send_audio(frame, slot)
    stream.press("1", 40, 40)
    key = sent(stream.send_audio(frame, 3))
    assert key.payload_type == KEYS
    assert key.timestamp == (FIRST_TIMESTAMP + 3 * 160) % (1 << 32)


def test_hear_the_keys_that_another_stream_sends() -> None:
    here, there = stream_of(), stream_of()
    here.press("0123456789*#ABCD", 100, 60)
    keys = []
    for slot in range(200):
        for packet in here.send_silence(slot):
            there.receive_rtp(packet, slot * 0.02)
        keys += there.take_keys()
    assert "".join(keys) == "0123456789*#ABCD"


def test_press_no_keys_that_nobody_hears() -> None:
    stream = stream_of(agreed=terms(Codec.PCMU, keys_type=None, keys_rate=None))
    with pytest.raises(ValueError, match="takes no telephone-event"):
        stream.press("1", 100, 60)
    with pytest.raises(ValueError, match="no digit"):
        stream_of().press("x", 100, 60)


# Reports


def report_of(stream: MediaStream, now: float) -> list[rtcp.RtcpPacket]:
    packet = stream.rtcp_due(now, EPOCH + now)
    assert packet is not None
    return rtcp.parse(packet)


def test_report_after_a_second_and_then_every_five(stream: MediaStream) -> None:
    at = [
        tick / 50
        for tick in range(50 * 61)
        if stream.rtcp_due(tick / 50, EPOCH + tick / 50) is not None
    ]
    assert at[0] == pytest.approx(1.0, abs=0.021)
    assert 11 <= len(at) <= 15
    assert {2.5 <= later - sooner <= 7.5 for sooner, later in pairwise(at)} == {True}


def test_report_what_came_when_nothing_was_sent(far: Far) -> None:
    report, names = report_of(far.stream, 2.0)
    assert isinstance(report, ReceiverReport)
    assert [block.ssrc for block in report.blocks] == [THEIRS]
    assert isinstance(names, SourceDescription)
    assert names.names[0].cname == CNAME


def test_report_what_was_sent_when_nothing_came(stream: MediaStream) -> None:
    for slot in range(10):
        stream.send_audio(loud(slot), slot)
    report, _ = report_of(stream, 2.0)
    assert isinstance(report, SenderReport)
    assert (report.packets_sent, report.octets_sent) == (10, 1_600)
    assert report.timestamp == (FIRST_TIMESTAMP + 9 * 160) % (1 << 32)
    assert report.ntp == rtcp.ntp_of(EPOCH + 2.0)
    assert report.blocks == ()


def test_take_leave(stream: MediaStream) -> None:
    *_, farewell = rtcp.parse(stream.bye(3.0, EPOCH + 3.0))
    assert farewell == Goodbye((SSRC,))


def test_measure_the_way_there_and_back() -> None:
    here, there = stream_of(), stream_of()
    there._sender._ssrc = there._reporting._ssrc = THEIRS
    for slot in range(50):
        now = slot * 0.02
        for one, other in ((here, there), (there, here)):
            for packet in one.send_audio(loud(slot), slot):
                other.receive_rtp(packet, now)
    first = here.rtcp_due(1.0, EPOCH + 1.0)
    assert first is not None
    there.receive_rtcp(first, 1.05, EPOCH + 1.05)
    back = there.rtcp_due(2.0, EPOCH + 2.0)
    assert back is not None
    here.receive_rtcp(back, 2.07, EPOCH + 2.07)
    assert here.statistics.round_trip_ms == pytest.approx(120, abs=1)
    assert there.statistics.round_trip_ms is None


def test_learn_how_ours_arrives(far: Far) -> None:
    block = ReportBlock(SSRC, 12, 34, 56, 80)
    stranger = ReportBlock(1, 12, 99, 56, 80)
    for report in (
        ReceiverReport(THEIRS, (stranger, block)),
        SenderReport(THEIRS, 1, 2, 3, 4, (block,)),
    ):
        far.stream.receive_rtcp(rtcp.render([report]), 1.0, EPOCH + 1.0)
        statistics = far.stream.statistics
        assert statistics.packets_lost_remote == 34
        assert statistics.jitter_ms_remote == 10
        assert statistics.round_trip_ms is None


def test_hear_a_report_before_any_audio(stream: MediaStream) -> None:
    report = SenderReport(THEIRS, 1, 2, 3, 4)
    names = SourceDescription(())
    stream.receive_rtcp(rtcp.render([report, names]), 1.0, EPOCH + 1.0)
    assert stream.statistics.packets_foreign == 0
    assert not stream.has_left


def test_hear_them_take_leave(far: Far) -> None:
    far.stream.receive_rtcp(rtcp.render([Goodbye((THEIRS,))]), 1.0, EPOCH + 1.0)
    assert far.stream.has_left


def test_drop_reports_that_are_malformed(far: Far) -> None:
    for packet in (b"", b"\x80\xc8", b"\x81\xc8\xff\xff" + bytes(20)):
        far.stream.receive_rtcp(packet, 1.0, EPOCH + 1.0)
    assert far.stream.statistics.packets_foreign == 3


# Anything


DATAGRAMS = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda kind, marker, sequence, timestamp, ssrc, payload: (
            header(kind, marker, sequence, timestamp, ssrc) + payload
        ),
        st.sampled_from([0, 8, 9, 111, KEYS, 13, 77]),
        st.booleans(),
        st.one_of(st.integers(0, 30), st.integers(0, 65_535)),
        st.one_of(
            st.integers(0, 30).map(lambda n: n * 160), st.integers(0, (1 << 32) - 1)
        ),
        st.sampled_from([THEIRS, THEIRS, THEIRS, 999]),
        st.sampled_from([b"", b"\x48" * 40, b"\xff" * 80, b"\x00" * 160, b"x" * 480]),
    ),
)


@settings(max_examples=150)
@given(
    codec=st.sampled_from(list(TYPES)),
    batches=st.lists(st.lists(DATAGRAMS, max_size=5), max_size=25),
)
def test_hear_a_frame_in_every_slot_whatever_comes(
    codec: Codec, batches: list[list[bytes]]
) -> None:
    stream = stream_of(codec)
    size = stream._coder.frame_bytes
    for slot, batch in enumerate(batches):
        for datagram in batch:
            stream.receive_rtp(datagram, slot * 0.02)
            stream.receive_rtcp(datagram, slot * 0.02, EPOCH)
        frame = stream.take()
        assert frame is None or len(frame) == size
        assert frame is not None or not stream._playout.is_heard
        more = stream.take_more()
        assert more is None or len(more) == size
        assert len(stream._playout._rest) <= 7 * size
        stream.take_keys()
        stream.rtcp_due(slot * 0.02, EPOCH)
    statistics = stream.statistics
    assert statistics.frames_concealed >= 0
    assert statistics.mos is None or 1 <= statistics.mos <= 4.5
    stream.close()
