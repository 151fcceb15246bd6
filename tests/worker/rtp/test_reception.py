"""What has come from a source (RFC 3550, appendix A)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.rtp import rtcp
from mediaworker.rtp.reception import Reception, round_trip_seconds
from mediaworker.rtp.rtcp import ReportBlock

SLOT = 0.02


def received(*sequences: int) -> Reception:
    """One packet in each slot, each as old as the next."""
    reception = Reception(7, 8_000)
    for slot, sequence in enumerate(sequences):
        reception.receive(sequence, slot * 160, slot * SLOT)
    return reception


def test_believe_the_first_packet() -> None:
    reception = Reception(7, 8_000)
    assert (reception.packets_expected, reception.packets_lost) == (0, 0)
    assert reception.receive(65_000, 0, 0.0) == 65_000
    assert (reception.packets_expected, reception.packets_lost) == (1, 0)


def test_extend_sequence_numbers_across_a_wrap() -> None:
    """A.1, with losses, a duplicate and a late one."""
    reception = Reception(7, 8_000)
    sequences = [65_533, 65_535, 65_535, 1, 65_534, 2]
    extended = [reception.receive(s, 0, 0.0) for s in sequences]
    assert extended == [65_533, 65_535, 65_535, 65_537, 65_534, 65_538]
    assert (reception.packets_expected, reception.packets_received) == (6, 6)
    assert reception.packets_lost == 0


def test_count_one_that_came_before_the_first() -> None:
    reception = received(0, 65_535)
    assert (reception.packets_expected, reception.packets_lost) == (2, 0)


def test_begin_anew_after_a_jump_that_is_confirmed() -> None:
    """A.1: two in sequence are believed, one is not."""
    reception = received(10, 11)
    assert reception.receive(40_000, 0, 0.1) is None
    assert reception.receive(12, 0, 0.1) == 12
    assert reception.receive(40_001, 0, 0.1) is None
    assert reception.receive(40_002, 0, 0.1) == 65_536 + 40_002
    assert reception.receive(40_003, 0, 0.1) == 65_536 + 40_003
    assert (reception.packets_received, reception.packets_lost) == (2, 0)


def test_report_what_was_lost_since_the_last_report() -> None:
    """A.3."""
    reception = received(0, 1, 2, 5)
    block = reception.report(1.0)
    assert (block.ssrc, block.packets_lost, block.highest_sequence) == (7, 2, 5)
    assert block.fraction_lost == 2 * 256 // 6
    assert reception.report(2.0).fraction_lost == 0
    reception.receive(6, 0, 0.2)
    assert (reception.report(3.0).fraction_lost, reception.packets_lost) == (0, 2)


def test_report_no_loss_where_duplicates_came() -> None:
    block = received(0, 1, 1, 1).report(1.0)
    assert (block.packets_lost, block.fraction_lost) == (-2, 0)


def test_report_all_lost_but_the_last_within_eight_bits() -> None:
    reception = received(0)
    reception.report(0.5)
    reception.receive(2_000, 0, 1.0)
    assert reception.report(1.0).fraction_lost == 255


def test_measure_no_jitter_where_there_is_none() -> None:
    assert received(*range(200)).jitter_ms == pytest.approx(0, abs=0.1)


def test_measure_jitter_as_a_running_mean() -> None:
    """A.8: each second packet 10 ms late, for long: differences of 10 ms all the time,
    across a wrap of the timestamp too."""
    reception = Reception(7, 8_000)
    for slot in range(400):
        late = 0.010 * (slot % 2)
        timestamp = (0xFFFFFFFF - 10_000 + slot * 160) % (1 << 32)
        reception.receive(slot, timestamp, slot * SLOT + late)
    assert reception.jitter_ms == pytest.approx(10, rel=0.05)
    assert reception.jitter == pytest.approx(80, rel=0.05)
    assert reception.report(8.0).jitter == reception.jitter


def test_tell_a_sender_when_its_report_came() -> None:
    """Section 6.4.1: LSR and DLSR."""
    reception = received(1)
    assert reception.report(1.0).since_last_report == 0
    reception.hear_sender(0x0123_4567_89AB_CDEF, 10.0)
    block = reception.report(12.5)
    assert block.last_report == 0x4567_89AB
    assert block.since_last_report == 2.5 * 65_536


def test_measure_the_round_trip() -> None:
    """Section 6.4.1, with its own example's numbers."""
    block = ReportBlock(1, 0, 0, 0, 0, 0xB705_2000, 0x0005_4000)
    trip = round_trip_seconds(block, 0xB710_8000 << 16)
    assert trip == pytest.approx(6.125)


def test_measure_no_round_trip_by_a_block_that_knows_of_no_report() -> None:
    assert round_trip_seconds(ReportBlock(1, 0, 0, 0, 0), rtcp.ntp_of(0.0)) is None


def test_never_measure_less_than_no_time() -> None:
    ntp = rtcp.ntp_of(100.0)
    block = ReportBlock(1, 0, 0, 0, 0, rtcp.middle_of(ntp), 200)
    assert round_trip_seconds(block, ntp) == 0.0


@given(st.lists(st.integers(0, 65_535) | st.integers(0, 40), max_size=60))
def test_report_something_that_can_be_sent_whatever_came(sequences: list[int]) -> None:
    reception = received(*sequences)
    block = reception.report(5.0)
    (read,) = rtcp.parse(rtcp.render([rtcp.ReceiverReport(1, (block,))]))
    assert read == rtcp.ReceiverReport(1, (block,))
    assert reception.packets_lost == (
        reception.packets_expected - reception.packets_received
    )


@given(st.lists(st.integers(1, 40), max_size=300), st.integers(0, 65_535))
def test_extend_numbers_without_a_gap_in_their_order(
    steps: list[int], first: int
) -> None:
    reception, sequence = Reception(1, 8_000), first
    assert reception.receive(first, 0, 0.0) == first
    for step in steps:
        sequence += step
        assert reception.receive(sequence % 65_536, 0, 0.0) == sequence
    assert reception.packets_lost == sum(steps) - len(steps)
