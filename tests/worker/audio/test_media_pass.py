"""The audio of a media server, on its way there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.audio import media_pass
from mediaworker.audio.media_pass import MOST_MARKS, Downlink, Uplink
from mediaworker.audio.pieces import Pieces

RATE = 16_000
FRAME = RATE // 50 * 2


def pcm(level: int, frames: float = 1, rate: int = RATE) -> bytes:
    return np.full(int(frames * rate // 50), level, np.int16).tobytes()


def levels(frame: bytes | None) -> list[int]:
    """Each level of a frame once, in order; nothing for silence."""
    if frame is None:
        return []
    samples = np.frombuffer(frame, np.int16).tolist()
    return [
        now
        for before, now in zip([None, *samples], samples, strict=False)
        if now != before
    ]


def taken(link: Downlink, slots: int, rate: int = RATE) -> list[list[int]]:
    return [levels(link.take(rate)) for _ in range(slots)]


# There


@pytest.mark.covers("MediaPassOption.packetSize")
@given(size=st.integers(1, 5_000), frames=st.integers(1, 12))
def test_packets_have_the_size_that_was_asked_for(size: int, frames: int) -> None:
    link, said = Uplink(RATE, RATE, size), np.arange(320 * frames, dtype=np.int16)
    packets = [p for at in range(frames) for p in link.feed(said[at * 320 :][:320])]
    assert all(len(packet) == size for packet in packets)
    assert b"".join(packets) == said.tobytes()[: len(packets) * size]
    assert len(packets) == frames * FRAME // size


@pytest.mark.covers("MediaPassOption.outputSampleRate")
def test_packets_are_measured_after_conversion() -> None:
    link = Uplink(8_000, 24_000, 2_560)
    said = np.zeros(160, np.int16)
    packets = [len(link.feed(said)) for _ in range(16)]
    assert sum(packets) == 16 * 480 * 2 // 2_560


# Back, as it comes


def test_audio_is_heard_as_it_was_sent_and_at_once() -> None:
    link = Downlink(RATE)
    assert link.take(RATE) is None
    said = np.arange(320, dtype=np.int16).tobytes()
    assert link.push(said)
    assert link.take(RATE) == said
    assert link.take(RATE) is None and link.is_empty


@given(st.lists(st.integers(1, 3_000), max_size=40))
def test_pieces_of_any_size_are_heard_in_order(sizes: list[int]) -> None:
    said = np.arange(sum(sizes) // 2 + 1, dtype=np.uint16).tobytes()[: sum(sizes)]
    link, at = Downlink(RATE), 0
    for size in sizes:
        link.push(said[at : at + size])
        at += size
    frames = [link.take(RATE) for _ in range(len(said) // FRAME + 8)]
    heard = b"".join(frame for frame in frames if frame is not None)
    whole = len(said) // 2 * 2
    assert heard[:whole] == said[:whole]
    assert not any(heard[whole:])
    assert link.is_empty


def test_end_that_is_no_whole_frame_is_heard_soon() -> None:
    link = Downlink(RATE)
    link.push(pcm(5, 1.5))
    assert taken(link, 6) == [[5], [], [], [], [5, 0], []]


def test_little_that_comes_first_is_heard_soon() -> None:
    link = Downlink(RATE)
    link.push(pcm(5, 0.5))
    assert [5, 0] in taken(link, 5)


def test_half_a_sample_that_is_left_is_nothing_to_hear() -> None:
    link = Downlink(8_000)
    assert link.push(bytes([1]) * 321)
    assert [link.take(8_000) is not None for _ in range(40)] == [True] + [False] * 39


def test_who_was_late_is_waited_for_from_then_on() -> None:
    link = Downlink(RATE)
    link.push(pcm(1))
    assert taken(link, 2) == [[1], []]
    link.push(pcm(2))
    assert taken(link, 1) == [[]]
    link.push(pcm(3))
    assert taken(link, 1) == [[2]]
    link.push(pcm(4))
    assert taken(link, 2) == [[3], [4]]


def test_who_pauses_is_not_late() -> None:
    link = Downlink(RATE)
    link.push(pcm(1))
    taken(link, 20)
    link.push(pcm(2))
    assert taken(link, 1) == [[2]]


def test_calm_makes_who_was_late_less_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_pass, "CALM_SLOTS", 4)
    link = Downlink(RATE)
    link.push(pcm(1))
    taken(link, 2)
    link.push(pcm(2, 6))
    taken(link, 20)
    link.push(pcm(3))
    assert taken(link, 1) == [[3]]


def test_burst_of_seconds_is_played_out() -> None:
    link = Downlink(RATE)
    for level in range(1, 501):
        assert link.push(pcm(level))
    assert taken(link, 500) == [[level] for level in range(1, 501)]


def test_more_than_a_minute_is_not_kept() -> None:
    link = Downlink(RATE)
    assert link.push(bytes(60 * RATE * 2))
    assert not link.push(b"ab")
    link.take(RATE)
    assert link.push(b"ab")


def test_clock_that_runs_ahead_is_made_up_for_in_silence() -> None:
    link = Downlink(RATE)
    link.push(pcm(0, 6))
    for _ in range(300):
        link.push(pcm(0))
        link.take(RATE)
    left = len([1 for _ in range(10) if link.take(RATE)])
    assert left < 6


def test_nobody_is_cut_who_speaks() -> None:
    link = Downlink(RATE)
    link.push(pcm(900, 6))
    for _ in range(300):
        link.push(pcm(900))
        assert link.take(RATE) == pcm(900)
    assert len([1 for _ in range(10) if link.take(RATE)]) == 6


def test_silence_in_a_burst_is_not_cut() -> None:
    link = Downlink(RATE)
    link.push(pcm(0, 200))
    assert len([1 for _ in range(210) if link.take(RATE)]) == 200


def test_muted_audio_is_taken_and_not_heard() -> None:
    link = Downlink(RATE)
    link.is_muted = True
    link.push(pcm(7, 2))
    assert taken(link, 1) == [[0]]
    link.is_muted = False
    assert taken(link, 1) == [[7]]


# In blocks


def test_blocks_are_filled_with_silence() -> None:
    link = Downlink(RATE, 60)
    link.push(pcm(1, 1.5))
    assert taken(link, 3) == [[1], [1, 0], []]
    link.push(pcm(2, 4))
    assert taken(link, 6) == [[2], [2], [2], [2], [], []]
    assert taken(link, 3) == [[], [], []]


def test_blocks_need_not_be_whole_slots() -> None:
    link = Downlink(RATE, 30)
    link.push(pcm(1, 1))
    assert taken(link, 2) == [[1], []]
    link.push(pcm(2, 1.5))
    assert taken(link, 3) == [[], [2], [2, 0]]


def test_block_that_waits_begins_on_its_clock() -> None:
    link = Downlink(RATE, 100)
    taken(link, 2)
    link.push(pcm(3))
    assert taken(link, 4) == [[], [], [], [3]]


def test_clear_empties_a_block() -> None:
    link = Downlink(RATE, 100)
    link.push(pcm(3, 10))
    taken(link, 1)
    link.mark("m")
    assert link.clear() == ["m"]
    assert taken(link, 6) == [[], [], [], [], [], []]
    assert link.is_empty


# Marks


def test_mark_is_reached_when_all_before_it_was_heard() -> None:
    link = Downlink(RATE)
    link.push(pcm(1, 2))
    link.mark("a")
    link.push(pcm(2))
    link.mark("b")
    found = []
    for _ in range(4):
        found.append(link.reached())
        link.take(RATE)
    assert found == [[], [], ["a"], ["b"]]


def test_mark_in_blocks_is_reached_when_its_block_was_heard() -> None:
    link = Downlink(RATE, 60)
    link.push(pcm(1, 2))
    link.mark("a")
    found = []
    for _ in range(3):
        found.append(link.reached())
        link.take(RATE)
    assert found == [[], [], ["a"]]


def test_mark_after_nothing_is_reached_at_once() -> None:
    link = Downlink(RATE)
    link.mark("a")
    assert link.reached() == ["a"] and link.reached() == []


def test_mark_after_half_a_sample_is_reached() -> None:
    link = Downlink(RATE)
    link.push(pcm(1) + b"x")
    link.mark("a")
    link.take(RATE)
    assert link.reached() == ["a"]


def test_too_many_marks_are_refused_until_they_are_forgotten() -> None:
    link = Downlink(RATE)
    assert all(link.mark("m") for _ in range(MOST_MARKS))
    assert not link.mark("m")
    link.forget_marks()
    assert link.mark("m")


def test_clear_drops_what_waits_and_tells_the_marks() -> None:
    link = Downlink(RATE)
    link.push(pcm(1, 10) + b"x")
    link.mark("a")
    link.take(RATE)
    assert link.clear() == ["a"]
    assert link.is_empty and link.take(RATE) is None
    link.push(pcm(2))
    assert taken(link, 1) == [[2]]


# Other rates


@pytest.mark.covers("MediaPassOption.inputSampleRate")
@pytest.mark.parametrize("from_rate", [8_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("ptime", [0, 40])
def test_rates_are_converted(from_rate: int, ptime: int) -> None:
    link = Downlink(from_rate, ptime)
    link.push(pcm(1_000, 20, from_rate))
    frames = [link.take(RATE) for _ in range(24)]
    heard = np.frombuffer(b"".join(f for f in frames if f is not None), np.int16)
    assert len(heard) in (21 * 320, 22 * 320)
    assert np.abs(heard[320 : 19 * 320].astype(int) - 1_000).max() < 3
    assert abs(int(heard.sum(dtype=np.int64)) - 20 * 320 * 1_000) < 20_000
    assert link.take(RATE) is None


def test_rate_may_change_in_the_midst() -> None:
    link = Downlink(8_000)
    link.push(pcm(1_000, 4, 8_000))
    assert len(link.take(8_000) or b"") == 320
    assert len(link.take(16_000) or b"") == 640


def test_rate_that_does_not_come_out_even_in_slots_is_converted() -> None:
    link = Downlink(8_064)
    link.push(pcm(1_000, 50, 8_064))
    frames = [link.take(8_000) for _ in range(60)]
    heard = np.frombuffer(b"".join(f for f in frames if f is not None), np.int16)
    assert abs(int(heard.sum(dtype=np.int64)) - 50 * 160 * 1_000) < 200_000


# Pieces


def test_pieces_are_taken_as_one() -> None:
    pieces = Pieces()
    for piece in (b"ab", b"", b"cde", b"f"):
        pieces.push(piece)
    assert (pieces.size, pieces.even) == (6, 6)
    assert pieces.peek(4) == b"abcd"
    assert [pieces.take(1), pieces.take(3), pieces.take(9)] == [b"a", b"bcd", b"ef"]
    assert pieces.take(1) == b"" and pieces.size == 0


# Whatever happens

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 4_000)),
        st.tuples(st.just("take"), st.integers(1, 8)),
        st.tuples(st.just("mark"), st.integers(0, 9)),
        st.tuples(st.just("clear"), st.just(0)),
    ),
    max_size=60,
)


@given(
    steps=STEPS,
    ptime=st.sampled_from([0, 30, 200]),
    rate=st.sampled_from([8_000, 16_000, 22_050]),
)
def test_marks_are_told_once_in_order_and_nothing_is_left(
    steps: list[tuple[str, int]], ptime: int, rate: int
) -> None:
    link, marked, told = Downlink(rate, ptime), list[str](), list[str]()
    for step, amount in steps:
        if step == "push":
            assert link.push(bytes([1]) * amount)
        elif step == "take":
            for _ in range(amount):
                told += link.reached()
                assert len(link.take(RATE) or bytes(FRAME)) == FRAME
        elif step == "mark":
            marked.append(str(len(marked)))
            assert link.mark(marked[-1])
        else:
            told += link.clear()
            assert link.is_empty and not link.reached()
    for _ in range(600):
        link.take(RATE)
    assert link.is_empty and link.take(RATE) is None
    assert told + link.reached() == marked
