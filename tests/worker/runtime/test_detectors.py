"""Rows, windows and detectors together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaworker.audio.silero import Forward, Network, State
from mediaworker.runtime.detectors import (
    Detector,
    Rows,
    SileroDetector,
    WebRtcDetector,
    Window,
)
from tests.worker.models import speech, weights

RATES = (8_000, 16_000)


class Fragile(Network):
    """A network that cannot bear a row that begins with a certain sample."""

    POISON = 12_345

    def probabilities(self, windows, state: State, rows) -> Forward:  # type: ignore[no-untyped-def]
        if (np.round(windows[:, 0] * 32_768) == self.POISON).any():
            raise FloatingPointError("poisoned")
        return super().probabilities(windows, state, rows)


def frames_of(rate: int, seconds: float) -> np.ndarray:
    samples = speech(rate)[: int(rate * seconds)]
    size = rate // 50
    return samples[: len(samples) // size * size].reshape(-1, size)


def heard(detector: Detector, frames: np.ndarray, row: int) -> list[Window]:
    found = []
    for frame in frames:
        found += detector.hear(frame[None], [row], fail)
    return found


def fail(row: int, error: Exception) -> None:
    raise AssertionError(row) from error


@pytest.mark.parametrize("rate", RATES)
def test_tell_speech_from_silence(rate: int) -> None:
    detector = SileroDetector(rate, Network(weights(rate)))
    row = detector.take_row()
    spoken = heard(detector, frames_of(rate, 2.0), row)
    assert len(spoken) == int(2.0 * 1_000) // 32
    assert max(window.probability for window in spoken) > 0.9
    quiet = heard(detector, np.zeros((50, rate // 50), np.int16), row)
    assert max(window.probability for window in quiet[-20:]) < 0.1


def test_tell_how_far_the_window_is_behind() -> None:
    detector = SileroDetector(8_000, Network(weights(8_000)))
    row = detector.take_row()
    frames = np.zeros((8, 160), np.int16)
    assert [window.behind_ms for window in heard(detector, frames, row)] == [
        8,
        16,
        4,
        12,
        0,
    ]


@settings(max_examples=25)
@given(st.lists(st.sets(st.integers(0, 3)), min_size=8, max_size=40))
def test_hear_each_row_as_if_it_were_alone(slots: list[set[int]]) -> None:
    frames = frames_of(8_000, 1.0)
    together = SileroDetector(8_000, Network(weights(8_000)))
    rows = [together.take_row() for _ in range(4)]
    alone = {row: SileroDetector(8_000, Network(weights(8_000))) for row in rows}
    for single in alone.values():
        single.take_row()
    turns = dict.fromkeys(rows, 0)
    for slot in slots:
        chosen = sorted(slot)
        if not chosen:
            continue
        batch = np.stack([frames[(turns[row] + row * 7) % 50] for row in chosen])
        found = {window.row: window for window in together.hear(batch, chosen, fail)}
        for place, row in enumerate(chosen):
            turns[row] += 1
            expected = alone[row].hear(batch[place : place + 1], [0], fail)
            assert [row in found] == [bool(expected)]
            for window in expected:
                assert found[row].behind_ms == window.behind_ms
                assert found[row].probability == pytest.approx(
                    window.probability, abs=1e-4
                )


@pytest.mark.parametrize("rate", RATES)
def test_remember_nothing_of_a_former_call(rate: int) -> None:
    detector = SileroDetector(rate, Network(weights(rate)))
    row = detector.take_row()
    frames = frames_of(rate, 1.0)
    first = heard(detector, frames, row)
    detector.free_row(row)
    assert detector.take_row() == row
    assert heard(detector, frames, row) == first


def test_end_only_the_row_that_fails() -> None:
    detector = SileroDetector(8_000, Fragile(weights(8_000)))
    rows = [detector.take_row() for _ in range(5)]
    frames = np.zeros((5, 160), np.int16)
    frames[3, 0] = Fragile.POISON
    failed: list[int] = []
    detector.hear(frames, rows, lambda row, error: failed.append(row))
    found = detector.hear(
        np.zeros((5, 160), np.int16), rows, lambda row, error: failed.append(row)
    )
    assert failed == [rows[3]]
    assert [window.row for window in found] == [0, 1, 2, 4]
    witness = SileroDetector(8_000, Network(weights(8_000)))
    witness.take_row()
    alone = heard(witness, np.zeros((2, 160), np.int16), 0)
    assert found[0].probability == pytest.approx(alone[0].probability, abs=1e-5)


def test_grow_beyond_the_first_rows() -> None:
    detector = SileroDetector(8_000, Network(weights(8_000)))
    rows = [detector.take_row() for _ in range(70)]
    detector.hear(np.zeros((70, 160), np.int16), rows, fail)
    found = detector.hear(np.zeros((70, 160), np.int16), rows, fail)
    assert [window.row for window in found] == rows


@pytest.mark.parametrize("rate", RATES)
def test_let_webrtc_s_detector_judge_each_frame(rate: int) -> None:
    detector = WebRtcDetector(rate)
    rows = [detector.take_row(), detector.take_row()]
    frames = frames_of(rate, 2.0)
    silence = np.zeros(rate // 50, np.int16)
    spoken = [detector.hear(np.stack([frame, silence]), rows, fail) for frame in frames]
    assert sum(pair[0].probability for pair in spoken) > 30
    assert sum(pair[1].probability for pair in spoken) == 0
    detector.free_row(rows[0])
    failed: list[int] = []
    bad = np.zeros((1, 7), np.int16)
    detector.hear(bad, rows[1:], lambda row, error: failed.append(row))
    assert failed == rows[1:]


def test_hand_rows_out_again() -> None:
    rows = Rows()
    assert [rows.take(), rows.take()] == [0, 1]
    rows.give_back(0)
    assert [rows.take(), rows.take()] == [0, 2]
