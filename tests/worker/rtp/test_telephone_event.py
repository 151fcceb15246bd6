"""Keys by telephone-event (RFC 4733)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.rtp import telephone_event
from mediaworker.rtp.telephone_event import (
    DIGITS,
    KeyPacket,
    KeyReceiver,
    KeySender,
    MalformedTelephoneEvent,
    TelephoneEvent,
)

RATES = [8_000, 48_000]


def sent(sender: KeySender, first: int = 0, step: int = 160) -> list[KeyPacket | None]:
    """Slot by slot until nothing is left."""
    slots: list[KeyPacket | None] = []
    while not sender.is_idle:
        slots.append(sender.take(first + len(slots) * step))
    return slots


def pressed(rate: int, digits: str, duration_ms: int, gap_ms: int) -> list[KeyPacket]:
    sender = KeySender(rate)
    sender.press(digits, duration_ms, gap_ms)
    slots = sent(sender, 0xFFFF_FF00, rate // 50)
    return [packet for packet in slots if packet is not None]


def heard(packets: list[KeyPacket]) -> str:
    receiver = KeyReceiver()
    return "".join(filter(None, (receiver.receive(*packet) for packet in packets)))


def event(
    code: int, duration: int, timestamp: int, *, end: bool = False, marker: bool = False
) -> KeyPacket:
    payload = telephone_event.render(TelephoneEvent(code, end, duration))
    return KeyPacket(payload, timestamp, marker)


@given(st.integers(0, 255), st.booleans(), st.integers(0, 0xFFFF), st.integers(0, 63))
def test_go_both_ways(code: int, has_ended: bool, duration: int, volume: int) -> None:
    told = TelephoneEvent(code, has_ended, duration, volume)
    assert telephone_event.parse(telephone_event.render(told)) == told


def test_read_what_section_2_3_lays_out() -> None:
    told = telephone_event.parse(bytes.fromhex("0bca0320"))
    assert told == TelephoneEvent(11, True, 800, 10)
    assert told.digit == "#"
    assert TelephoneEvent(16, True, 800).digit is None
    assert telephone_event.parse(bytes.fromhex("014a0320ffff")).code == 1


@pytest.mark.parametrize("size", range(4))
def test_refuse_what_is_too_short(size: int) -> None:
    with pytest.raises(MalformedTelephoneEvent):
        KeyReceiver().receive(bytes(size), 0, True)


@pytest.mark.parametrize("rate", RATES)
def test_send_an_event_slot_by_slot(rate: int) -> None:
    """Sections 2.5.1.2 and 2.5.1.4."""
    sender, step = KeySender(rate), rate // 50
    sender.press("5#", 60, 80)
    slots = sent(sender, 1_000, step)
    assert [slot is not None for slot in slots] == [True] * 5 + [False] * 2 + (
        [True] * 5 + [False] * 2
    )
    first = [slot for slot in slots[:5] if slot]
    assert [slot.has_marker for slot in first] == [True] + [False] * 4
    assert {slot.timestamp for slot in first} == {1_000}
    told = [telephone_event.parse(slot.payload) for slot in first]
    assert [t.duration for t in told] == [step, 2 * step, 3 * step, 3 * step, 3 * step]
    assert [t.has_ended for t in told] == [False, False, True, True, True]
    assert {t.digit for t in told} == {"5"}
    second = [slot for slot in slots[5:] if slot]
    assert {slot.timestamp for slot in second} == {1_000 + 7 * step}
    assert second[0].has_marker


def test_let_audio_go_where_nothing_is_pressed() -> None:
    sender = KeySender(8_000)
    assert sender.is_idle
    assert sender.take(0) is None
    sender.press("", 100, 100)
    assert sender.take(160) is None


def test_never_send_keys_that_are_too_short_to_be_heard() -> None:
    assert len(pressed(8_000, "1", 1, 0)) == 2 + 2
    assert heard(pressed(8_000, "11", 0, 0)) == "11"


def test_queue_what_is_pressed_meanwhile() -> None:
    sender = KeySender(8_000)
    sender.press("1", 40, 40)
    sender.take(0)
    sender.press("2", 40, 40)
    slots = [slot for slot in sent(sender, 160) if slot]
    assert heard(slots) == "12"


def test_refuse_what_is_no_digit_and_too_many() -> None:
    sender = KeySender(8_000)
    for wrong in ("x", "1 2", "١"):
        with pytest.raises(ValueError, match="no digit"):
            sender.press(wrong, 100, 100)
    sender.press("1" * 256, 100, 100)
    with pytest.raises(ValueError, match="too many"):
        sender.press("1", 100, 100)


@pytest.mark.parametrize("rate", RATES)
def test_send_a_long_event_in_segments(rate: int) -> None:
    """Section 2.5.1.3: each begins where the last one ended, without a marker."""
    packets = pressed(rate, "7", 20_000, 100)
    starts = list(dict.fromkeys(packet.timestamp for packet in packets))
    assert len(starts) > 2
    told = [telephone_event.parse(packet.payload) for packet in packets]
    for before, after in zip(starts, starts[1:], strict=False):
        longest = max(
            t.duration
            for t, p in zip(told, packets, strict=True)
            if p.timestamp == before
        )
        assert (after - before) % (1 << 32) == longest
    assert [p.has_marker for p in packets].count(True) == 1
    assert [t.has_ended for t in told].count(True) == 3
    assert heard(packets) == "7"
    assert heard(packets[::5]) == "7"


def test_send_a_last_segment_of_one_slot() -> None:
    slots = 0xFFFF // 960 + 1
    packets = pressed(48_000, "7", slots * 20, 100)
    assert len({packet.timestamp for packet in packets[-3:]}) == 1
    assert heard(packets) == "7"


def test_hear_a_key_at_its_first_packet_and_once() -> None:
    receiver = KeyReceiver()
    told = [receiver.receive(*packet) for packet in pressed(8_000, "9", 100, 100)]
    assert told == ["9"] + [None] * 6


def test_hear_a_key_whose_beginning_was_lost() -> None:
    """Section 2.5.2.2."""
    assert heard(pressed(8_000, "9", 100, 100)[-1:]) == "9"


def test_ignore_what_comes_late_of_an_old_event() -> None:
    packets = pressed(8_000, "12", 100, 100)
    assert heard([*packets, packets[6], packets[0]]) == "12"


def test_hear_the_same_key_twice() -> None:
    """Also when the end of the first press was lost."""
    packets = pressed(8_000, "55", 100, 100)
    assert heard(packets) == "55"
    assert heard([packets[0], *packets[7:]]) == "55"
    assert heard([packets[0], packets[-1]]) == "55"


def test_ignore_what_is_no_key() -> None:
    assert heard([event(16, 160, 0, marker=True), event(70, 160, 960)]) == ""


def test_hear_the_last_packet_of_a_segment_after_the_next_began() -> None:
    packets = pressed(48_000, "7", 2_000, 100)
    starts = [packet.timestamp for packet in packets]
    turn = starts.index(starts[-1])
    packets[turn - 1], packets[turn] = packets[turn], packets[turn - 1]
    assert heard(packets) == "7"


def test_take_a_segment_that_begins_where_the_last_one_ended() -> None:
    """Of a sender whose segments are shorter than they could be."""
    packets = [event(3, 160, 0, marker=True), event(3, 8_000, 0)]
    assert heard([*packets, event(3, 160, 8_000)]) == "3"
    assert heard([*packets, event(3, 160, 8_000, marker=True)]) == "33"
    assert heard([*packets, event(3, 8_000, 0, end=True), event(3, 160, 8_000)]) == "33"
    assert heard([*packets, event(4, 160, 8_000)]) == "34"


def test_remember_a_bounded_number_of_events() -> None:
    packets = [event(n % 10, 160, n * 1_000, marker=True) for n in range(100)]
    assert len(heard(packets)) == 100
    assert heard([*packets, packets[-32]]) == heard(packets)
    assert heard([*packets, packets[0]]) == heard(packets) + "0"


@given(
    st.sampled_from(RATES),
    st.text(DIGITS, max_size=8),
    st.integers(0, 300),
    st.integers(100, 400),
    st.data(),
)
def test_bring_every_digit_through_a_bad_network(
    rate: int, digits: str, duration_ms: int, gap_ms: int, data: st.DataObject
) -> None:
    """As long as one packet of each event comes, before the next one's."""
    packets = pressed(rate, digits, duration_ms, gap_ms)
    arrived: list[KeyPacket] = []
    for start in dict.fromkeys(packet.timestamp for packet in packets):
        of_event = [packet for packet in packets if packet.timestamp == start]
        some = data.draw(st.lists(st.sampled_from(of_event), min_size=1, max_size=12))
        if arrived:
            some += data.draw(st.lists(st.sampled_from(arrived[-12:]), max_size=2))
            some = [some[0], *data.draw(st.permutations(some[1:]))]
        arrived += some
    assert heard(arrived) == digits


@given(
    st.lists(
        st.tuples(st.binary(max_size=6), st.integers(0, 1 << 32), st.booleans()),
        max_size=20,
    )
)
def test_hear_digits_alone_whatever_comes(
    packets: list[tuple[bytes, int, bool]],
) -> None:
    receiver = KeyReceiver()
    for packet in packets:
        try:
            told = receiver.receive(*packet)
        except MalformedTelephoneEvent:
            continue
        assert told is None or told in DIGITS
