"""Both sides of a call in step, whatever comes when."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.audio.arrays import Samples
from mediaworker.recording.timeline import MOST_AHEAD, Timeline, WrongRate

RATE = 8_000
WIDTH = RATE // 50


def frame(level: int, rate: int = RATE) -> Samples:
    return np.full(rate // 50, level, np.int16)


def sides(samples: Samples) -> tuple[list[int], list[int]]:
    """The levels of the frames of each side."""
    caller, others = samples[::WIDTH].T.tolist()
    return caller, others


def test_sides_stand_in_their_slots() -> None:
    line = Timeline(10, RATE)
    line.put(True, 11, frame(1_000))
    line.put(False, 12, frame(2_000))
    line.put(True, 13, frame(3_000))
    caller, others = sides(line.finish(14))
    assert caller == [0, 1_000, 0, 3_000, 0]
    assert others == [0, 0, 2_000, 0, 0]
    assert line.duration_ms == 100


def test_silence_before_the_rate_is_known_is_not_heard_twice() -> None:
    line = Timeline(0, RATE)
    assert sides(line.take(4)) == ([0] * 5, [0] * 5)
    line.put(True, 5, frame(1_000))
    assert sides(line.finish(6)) == ([1_000, 0], [0, 0])
    assert line.duration_ms == 140


def test_slot_that_was_taken_gives_nothing_more() -> None:
    line = Timeline(0, RATE)
    line.put(True, 0, frame(1_000))
    assert len(line.take(0)) == WIDTH
    assert len(line.take(0)) == 0


def test_frame_too_many_is_written_later_and_made_up_for_in_a_pause() -> None:
    line = Timeline(0, RATE)
    for slot, levels in enumerate(((1_000, 2_000), (3_000,), (0,), (4_000,))):
        for level in levels:
            line.put(True, slot, frame(level))
    assert sides(line.finish(3))[0] == [1_000, 2_000, 3_000, 4_000]


def test_who_is_far_behind_loses_frames_and_never_more_than_that() -> None:
    line = Timeline(0, RATE)
    for level in range(1_000, 1_000 + 3 * MOST_AHEAD):
        line.put(True, 0, frame(level))
    caller = sides(line.finish(MOST_AHEAD + 2))[0]
    assert caller[: MOST_AHEAD + 1] == list(range(1_000, 1_001 + MOST_AHEAD))
    assert caller[MOST_AHEAD + 1 :] == [0, 0]


def test_frame_of_a_slot_before_the_first_is_the_first() -> None:
    line = Timeline(5, RATE)
    line.put(True, 3, frame(1_000))
    assert sides(line.finish(6))[0] == [1_000, 0]


def test_rates_do_not_change() -> None:
    line = Timeline(0, RATE)
    line.put(True, 0, frame(1))
    with pytest.raises(WrongRate):
        line.put(False, 0, frame(1, 16_000))


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("heard", [8_000, 16_000])
def test_length_is_that_of_the_slots_at_every_rate(rate: int, heard: int) -> None:
    line = Timeline(0, rate)
    made = [line.take(2)]
    for slot in range(3, 50):
        line.put(True, slot, frame(1_000, heard))
        line.put(False, slot, frame(-1_000, heard))
        made.append(line.take(slot))
    made.append(line.finish(49))
    samples = np.concatenate(made)
    assert len(samples) == rate
    assert line.duration_ms == 1_000
    middle = samples[rate // 4 : rate // 2]
    assert abs(middle[:, 0].mean() - 1_000) < 5
    assert abs(middle[:, 1].mean() + 1_000) < 5


def test_nothing_heard_is_silence_as_long() -> None:
    line = Timeline(0, 16_000)
    samples = line.finish(49)
    assert samples.shape == (16_000, 2) and not samples.any()


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.integers(100, 30_000)),
        max_size=40,
    ),
    st.lists(st.integers(0, 60), max_size=5),
)
def test_frames_that_are_in_time_are_at_their_place(
    frames: list[tuple[bool, int, int]], flushes: list[int]
) -> None:
    line, slot = Timeline(0, RATE), 0
    expected: dict[tuple[bool, int], int] = {}
    made = []
    for is_callers, skipped, level in frames:
        slot += skipped + 1
        line.put(is_callers, slot, frame(level))
        expected[is_callers, slot] = level
        if slot in flushes:
            made.append(line.take(slot))
    made.append(line.finish(slot))
    caller, others = sides(np.concatenate(made))
    for (is_callers, place), level in expected.items():
        assert (caller if is_callers else others)[place] == level
    assert sum(map(bool, caller + others)) == len(expected)
