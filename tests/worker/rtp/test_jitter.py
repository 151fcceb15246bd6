"""Packets as they come, and slots as they are made of them."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaworker.rtp.jitter import MOST_PACKETS, JitterBuffer
from mediaworker.rtp.outcome import Lost, Outcome, Pause

TICKS = 160
WRAP = 1 << 32


class Line:
    """A sender of packets of 20 ms, and the buffer that they come to.

    The payload of a packet is its number. Slots come 5 ms after packets do.
    """

    def __init__(self, first: int = 0, ticks: int = TICKS) -> None:
        self.buffer = JitterBuffer(8_000)
        self.first = first
        self.ticks = ticks
        self.now = 0.0

    def send(
        self,
        number: int,
        *,
        sequence: int | None = None,
        late_slots: int = 0,
        has_marker: bool = False,
    ) -> None:
        """Its timestamp counts the pauses too, of ``late_slots``."""
        timestamp = (self.first + number * self.ticks + late_slots * TICKS) % WRAP
        self.buffer.push(
            number if sequence is None else sequence,
            timestamp,
            str(number).encode(),
            self.ticks,
            has_marker,
            self.now,
        )

    def slot(self) -> Outcome:
        self.now += 0.02
        return self.buffer.take()

    def slots(self, count: int) -> list[Outcome]:
        return [self.slot() for _ in range(count)]

    def talk(self, numbers: Iterable[int], *, late_slots: int = 0) -> list[Outcome]:
        """A packet and a slot, again and again."""
        heard = []
        for number in numbers:
            self.send(number, late_slots=late_slots)
            heard.append(self.slot())
        return heard


def named(*numbers: int) -> list[Outcome]:
    return [str(number).encode() for number in numbers]


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def talking(line: Line) -> Line:
    """Packets 0 to 9 came, and 8 and 9 are still to be heard."""
    line.talk(range(10))
    return line


def test_starve_before_anything_comes(line: Line) -> None:
    assert line.slots(5) == [Pause.STARVED] * 5
    assert line.buffer.starved_slots == 5


def test_begin_40_ms_after_the_first_packet(line: Line) -> None:
    assert line.talk(range(5)) == [Pause.NOTHING] * 2 + named(0, 1, 2)


def test_put_packets_in_order(talking: Line) -> None:
    talking.send(11)
    talking.send(10)
    assert talking.slots(4) == named(8, 9, 10, 11)


def test_hear_a_doubled_packet_once(talking: Line) -> None:
    talking.send(9)
    talking.send(3)
    assert talking.slots(2) == named(8, 9)
    assert talking.buffer.packets_doubled == 2
    assert talking.buffer.packets_late == 0


def test_lose_a_packet_when_its_slot_has_come(talking: Line) -> None:
    assert talking.talk([11, 12, 13]) == [*named(8, 9), Lost(b"11")]
    assert talking.slots(3) == named(11, 12, 13)


def test_show_the_payload_right_after_the_lost_ones_only(talking: Line) -> None:
    assert talking.talk([12, 13, 14, 15]) == [*named(8, 9), Lost(None), Lost(b"12")]


def test_count_a_packet_that_comes_too_late(talking: Line) -> None:
    talking.talk([11, 12, 13])
    talking.send(10)
    talking.send(10)
    assert talking.buffer.packets_late == 1
    assert talking.buffer.packets_doubled == 1
    assert talking.slots(3) == named(11, 12, 13)


def test_stand_still_while_nothing_comes(talking: Line) -> None:
    assert talking.slots(4) == [*named(8, 9), Pause.STARVED, Pause.STARVED]
    assert talking.talk([10, 11]) == named(10, 11)
    assert talking.buffer.packets_late == 0


def test_hear_what_came_behind_a_lost_one_at_once_after_starving(
    talking: Line,
) -> None:
    talking.slots(3)
    assert talking.talk([11, 12]) == named(11, 12)


def test_hear_one_that_was_overtaken_while_nothing_was_there(talking: Line) -> None:
    talking.slots(3)
    talking.send(11)
    talking.send(10)
    assert talking.slots(2) == named(10, 11)


def test_wait_anew_after_a_pause(talking: Line) -> None:
    """Its timestamp tells that nothing was lost: the sender had nothing to say."""
    talking.slots(12)
    assert talking.talk(range(10, 14), late_slots=10) == [
        *[Pause.NOTHING] * 2,
        *named(10, 11),
    ]
    assert talking.buffer.excused_slots == 3


def test_wait_anew_after_a_pause_of_minutes(talking: Line) -> None:
    talking.slots(6_000)
    assert talking.talk(range(10, 14), late_slots=6_000) == [
        *[Pause.NOTHING] * 2,
        *named(10, 11),
    ]
    assert talking.buffer.excused_slots == 3


def test_believe_the_marker_that_a_talkspurt_begins(talking: Line) -> None:
    talking.slots(12)
    talking.send(12, late_slots=10, has_marker=True)
    assert talking.slots(3) == [Pause.NOTHING, Pause.NOTHING, b"12"]


def test_be_silent_in_a_pause_that_is_known_beforehand(talking: Line) -> None:
    talking.send(10, late_slots=3)
    assert talking.slots(6) == [*named(8, 9), *[Pause.NOTHING] * 3, b"10"]


def test_close_a_gap_of_less_than_half_a_slot(talking: Line) -> None:
    talking.buffer.push(10, 10 * TICKS + 70, b"10", TICKS, False, talking.now)
    assert talking.slots(3) == named(8, 9, 10)


def test_miss_nothing_where_packets_carry_no_audio(talking: Line) -> None:
    """Keys and comfort noise have sequence numbers too."""
    talking.buffer.skip(10)
    talking.buffer.skip(11)
    talking.send(12, late_slots=-2)
    assert talking.slots(3) == named(8, 9, 12)


def test_be_silent_while_packets_carry_no_audio(talking: Line) -> None:
    talking.slots(2)
    for sequence in range(10, 15):
        talking.buffer.skip(sequence)
        assert talking.slot() is Pause.NOTHING
    talking.send(15)
    assert talking.slots(3) == [Pause.NOTHING, Pause.NOTHING, b"15"]
    assert talking.buffer.excused_slots == 0


def test_pass_over_what_was_lost_before_a_packet_without_audio(talking: Line) -> None:
    talking.buffer.skip(11)
    assert talking.slots(3) == [*named(8, 9), Pause.NOTHING]


def test_skip_nothing_that_is_over_or_has_not_begun(line: Line) -> None:
    line.buffer.skip(0)
    assert line.talk(range(10))[2:] == named(*range(8))
    line.buffer.skip(3)
    assert line.slots(2) == named(8, 9)


def test_count_on_where_numbers_wrap() -> None:
    line = Line(first=WRAP - 5 * TICKS)
    assert line.talk(range(20))[2:] == named(*range(18))


def test_follow_a_jump_of_timestamps_without_a_burst_or_a_long_silence(
    talking: Line,
) -> None:
    for jump in (1 << 20, -(1 << 20)):
        talking.first += jump
        heard = talking.talk(range(10, 20))
        assert heard == [*[Pause.NOTHING] * 2, *named(*range(10, 18))]
        talking.buffer.restart()


def test_follow_a_jump_of_sequence_numbers(talking: Line) -> None:
    numbers = range(10, 20)
    heard = []
    for number in numbers:
        talking.send(number, sequence=number + 70_000)
        heard.append(talking.slot())
    assert heard == named(*range(8, 18))


def test_follow_a_sequence_that_begins_anew_below(line: Line) -> None:
    for number in range(10):
        line.send(number, sequence=number + 1_000)
        line.slot()
    assert line.talk(range(10, 14)) == [*[Pause.NOTHING] * 2, *named(10, 11)]


def test_come_back_from_a_sequence_number_that_led_astray(talking: Line) -> None:
    talking.slots(2)
    talking.send(10, sequence=110)
    talking.slot()
    heard = talking.talk(range(10, 30))
    assert heard[-5:] == named(*range(23, 28))


def test_begin_anew_when_told(talking: Line) -> None:
    talking.buffer.restart()
    assert talking.buffer.packets == 0
    assert talking.talk(range(500, 504)) == [*[Pause.NOTHING] * 2, *named(500, 501)]


@pytest.mark.parametrize("slots", [2, 3, 6])
def test_let_a_long_packet_last(slots: int) -> None:
    line = Line(ticks=slots * TICKS)
    heard = []
    for number in range(4):
        line.send(number)
        heard += line.slots(slots)
    expected: list[Outcome] = [Pause.NOTHING, Pause.NOTHING]
    for payload in named(0, 1, 2):
        expected += [payload, *[Pause.REST] * (slots - 1)]
    assert heard[: len(expected)] == expected


def test_lose_a_long_packet_whole() -> None:
    line = Line(ticks=3 * TICKS)
    heard = []
    for number in (0, 1, None, 3, 4):
        if number is not None:
            line.send(number)
        heard += line.slots(3)
    rest = [Pause.REST] * 2
    lost = [Pause.STARVED, Lost(b"3"), Pause.REST]
    assert heard[2:] == [b"0", *rest, b"1", *rest, *lost, b"3", *rest, b"4"]


def test_fill_a_slot_of_short_packets() -> None:
    line = Line(ticks=TICKS // 2)
    heard: list[Outcome | None] = []
    for number in range(0, 12, 2):
        line.send(number)
        line.send(number + 1)
        heard += [line.slot(), line.buffer.take_rest()]
    assert heard[4:] == named(*range(8))


def test_leave_a_slot_unfilled_where_a_short_packet_is_missing() -> None:
    line = Line(ticks=TICKS // 2)
    for number in (0, 1, 2, 4, 5):
        line.send(number)
    line.slots(2)
    assert [line.slot(), line.buffer.take_rest()] == named(0, 1)
    assert [line.slot(), line.buffer.take_rest()] == [b"2", None]
    assert [line.slot(), line.buffer.take_rest()] == named(4, 5)


def test_carry_packets_over_the_ends_of_slots() -> None:
    line = Line(ticks=TICKS * 3 // 2)
    for number in range(4):
        line.send(number)
    heard = line.slots(8)[2:]
    assert heard == [b"0", b"1", Pause.REST, b"2", b"3", Pause.REST]
    assert line.buffer.take_rest() is None


def test_catch_up_with_a_burst_a_slot_at_a_time(talking: Line) -> None:
    """Twenty packets come at once, after an outage."""
    talking.slots(22)
    for number in range(10, 30):
        talking.send(number)
    heard, more = [], []
    for number in range(30, 50):
        talking.send(number)
        heard.append(talking.slot())
        if (outcome := talking.buffer.take_more()) is not None:
            more.append(outcome)
    assert len(more) >= 9
    both = sorted(int(payload) for payload in [*heard, *more])  # type: ignore[arg-type]
    assert both == list(range(10, 10 + len(both)))


def test_take_no_more_than_is_there(talking: Line) -> None:
    talking.buffer.delay.surplus = 5
    talking.slots(2)
    assert talking.buffer.take_more() is None
    assert talking.buffer.delay.surplus == 5


def test_take_the_rest_of_a_long_packet_as_more() -> None:
    line = Line(ticks=3 * TICKS)
    line.send(0)
    line.slots(3)
    line.buffer.delay.surplus = 2
    assert line.buffer.take_more() is Pause.REST


def test_catch_up_where_nothing_is_heard_anyway(talking: Line) -> None:
    talking.buffer.delay.surplus = 1
    talking.send(11)
    assert talking.slots(3) == named(8, 9, 11)
    talking.buffer.delay.surplus = 1
    talking.send(12, late_slots=4)
    assert talking.slots(4) == [Pause.NOTHING] * 3 + named(12)


def test_wait_longer_where_nothing_is_heard_anyway(talking: Line) -> None:
    talking.buffer.delay.surplus = -3
    talking.send(11)
    heard = talking.slots(6)
    assert heard == [*named(8, 9), Lost(None), Lost(None), Lost(b"11"), b"11"][:6]
    talking.buffer.delay.surplus = -3
    talking.send(12, late_slots=1)
    assert talking.slots(4) == [Pause.NOTHING] * 3 + named(12)


def test_remember_little_of_what_was_given_up(line: Line) -> None:
    line.talk(range(0, 2_000, 3))
    assert len(line.buffer._given_up) <= 2 * MOST_PACKETS


@pytest.mark.parametrize("step", [0, 1, 40, TICKS, 3_000, 1 << 31])
def test_hold_little_in_a_flood(line: Line, step: int) -> None:
    for number in range(5_000):
        line.buffer.push(number, number * step % WRAP, b"", TICKS, False, line.now)
        line.buffer.skip(number + 2)
        assert line.buffer.packets <= MOST_PACKETS + 1
    assert not line.buffer.starved_slots


def test_hold_little_in_a_flood_without_audio(talking: Line) -> None:
    for sequence in range(12, 5_000):
        talking.buffer.skip(sequence)
    assert talking.buffer.packets <= MOST_PACKETS


PACKETS = st.tuples(
    st.one_of(st.integers(0, 40), st.integers(0, 1 << 20)),
    st.one_of(st.integers(0, 40).map(lambda n: n * 80), st.integers(0, WRAP - 1)),
    st.sampled_from([20, 40, 80, 160, 240, 480, 960]),
    st.booleans(),
    st.sampled_from(["push", "push", "push", "skip", "restart"]),
)


@settings(max_examples=300)
@given(
    batches=st.lists(st.lists(PACKETS, max_size=6), max_size=40),
    pace=st.sampled_from([0.0, 0.02, 3.0]),
)
def test_make_every_slot_of_something_whatever_comes(
    batches: list[list[tuple[int, int, int, bool, str]]], pace: float
) -> None:
    buffer = JitterBuffer(8_000)
    now = 0.0
    for batch in batches:
        for sequence, timestamp, duration, has_marker, what in batch:
            if what == "push":
                buffer.push(sequence, timestamp, b"x", duration, has_marker, now)
            elif what == "skip":
                buffer.skip(sequence)
            else:
                buffer.restart()
        now += pace
        assert isinstance(buffer.take(), bytes | Lost | Pause)
        while buffer.take_rest() is not None:
            pass
        buffer.take_more()
        assert buffer.packets <= MOST_PACKETS + 1
        assert len(buffer._given_up) <= 2 * MOST_PACKETS


class Journey:
    """Packets over a network that loses, delays and reorders them."""

    def __init__(self, seconds: int, loss: float, jitter_ms: float, ppm: float) -> None:
        chance = random.Random(20261121)
        self.sent = seconds * 50
        self.buffer = JitterBuffer(8_000)
        pace = 0.02 * (1 + ppm / 1e6)
        self.coming = sorted(
            (number * pace + chance.random() * jitter_ms / 1_000, number)
            for number in range(self.sent)
            if chance.random() >= loss
        )
        self.lost_slots = 0
        self.most_delay_ms = 0.0
        self.most_packets = 0
        self.make()

    def make(self) -> None:
        coming = iter([*self.coming, (1e9, 0)])
        at, number = next(coming)
        buffer = self.buffer
        for slot in range(self.sent):
            while at <= slot * 0.02 + 0.007:
                buffer.push(number, number * TICKS % WRAP, b"x", TICKS, False, at)
                at, number = next(coming)
            self.most_packets = max(self.most_packets, buffer.packets)
            outcome = buffer.take()
            self.lost_slots += isinstance(outcome, Lost) or outcome is Pause.STARVED
            buffer.take_more()
            self.most_delay_ms = max(self.most_delay_ms, buffer.delay.delay_ms)


def test_lose_hardly_more_than_the_network_did() -> None:
    journey = Journey(120, loss=0.03, jitter_ms=40, ppm=0)
    lost = 1 - len(journey.coming) / journey.sent
    assert journey.lost_slots / journey.sent <= lost + 0.003
    assert journey.most_delay_ms <= 80
    assert journey.buffer.delay.target_slots == 2


def test_lose_nothing_on_a_good_way() -> None:
    journey = Journey(60, loss=0, jitter_ms=5, ppm=0)
    assert journey.lost_slots <= 1
    assert journey.buffer.delay.target_slots == 1
    assert journey.most_packets <= 4


@pytest.mark.parametrize("ppm", [200, -200])
def test_keep_up_with_a_clock_that_drifts_for_an_hour(ppm: float) -> None:
    journey = Journey(3_600, loss=0, jitter_ms=10, ppm=ppm)
    assert journey.most_packets <= 4
    assert journey.most_delay_ms <= 60
    assert journey.lost_slots <= 3_600 * 50 * 200 / 1e6 + 2
