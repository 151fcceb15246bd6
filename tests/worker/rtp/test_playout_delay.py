"""How long packets had better wait."""

from mediaworker.rtp.playout_delay import (
    MOST_SLOTS,
    REMEMBERED_PACKETS,
    START_SLOTS,
    WINDOW_PACKETS,
    PlayoutDelay,
)


class Way:
    """Packets 20 ms apart; what is heard lies ``behind_ms`` after what is sent."""

    def __init__(self, behind_ms: float = 40) -> None:
        self.delay = PlayoutDelay()
        self.behind_ms = behind_ms
        self.sent = 0

    def bring(self, *late_ms: float) -> None:
        for late in late_ms:
            at = self.sent * 20.0
            self.delay.arrive(1_000 + at + late, at, at - self.behind_ms)
            self.sent += 1

    def bring_window(self, *late_ms: float, windows: int = 1) -> None:
        pattern = late_ms * WINDOW_PACKETS
        for _ in range(windows):
            self.bring(*pattern[:WINDOW_PACKETS])


def test_begin_with_40_ms() -> None:
    assert PlayoutDelay().target_slots == START_SLOTS == 2


def test_wait_20_ms_for_packets_that_come_evenly() -> None:
    way = Way()
    way.bring_window(0)
    assert way.delay.target_slots == 1
    assert way.delay.surplus == 1
    assert way.delay.delay_ms == 40


def test_wait_for_the_latest() -> None:
    way = Way()
    way.bring_window(0, 70)
    assert way.delay.target_slots == 4


def test_wait_no_longer_than_200_ms() -> None:
    way = Way()
    way.bring_window(0, 5_000)
    assert way.delay.target_slots == MOST_SLOTS == 10


def test_tolerate_one_in_fifty() -> None:
    way = Way()
    way.bring(*[0] * (WINDOW_PACKETS - 1), 150)
    assert way.delay.target_slots == 1


def test_go_up_within_a_second_and_down_within_many() -> None:
    way = Way()
    way.bring_window(0, windows=20)
    way.bring_window(0, 90)
    assert way.delay.target_slots == 5
    way.bring_window(0, windows=5)
    assert way.delay.target_slots == 5
    way.bring_window(0, windows=6 * REMEMBERED_PACKETS // WINDOW_PACKETS)
    assert way.delay.target_slots == 1


def test_give_back_one_slot_in_a_window() -> None:
    way = Way(behind_ms=190)
    way.bring_window(0)
    assert way.delay.surplus == 1


def test_give_back_all_that_is_above_200_ms() -> None:
    way = Way(behind_ms=400)
    way.bring_window(0)
    assert way.delay.surplus == 19


def test_want_more_when_the_wait_is_too_short() -> None:
    way = Way(behind_ms=0)
    way.bring_window(0, 70)
    assert way.delay.surplus == -4


def test_follow_a_clock_that_is_fast_or_slow() -> None:
    for drift in (-0.001, 0.001):
        way = Way()
        for _ in range(5_000):
            way.bring(way.sent * 20 * drift)
        assert way.delay.target_slots <= 2


def test_learn_the_way_anew_after_a_restart() -> None:
    way = Way()
    way.bring_window(0, 70)
    way.delay.restart()
    assert (way.delay.target_slots, way.delay.surplus) == (4, 0)
    way.bring_window(7_000, windows=30)
    assert way.delay.target_slots == 1
