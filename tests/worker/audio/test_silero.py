from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mediaworker.audio.arrays import Floats, Rows
from mediaworker.audio.silero import BLOCK, RATES, Network, State, UnfitWeights, Weights

Arrays = dict[str, Floats]
TINY = np.finfo(np.float32).tiny


@pytest.fixture(params=RATES)
def rate(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def network(arrays: Arrays, rate: int) -> Network:
    return Network(Weights.of(arrays, rate))


@pytest.fixture
def windows(speech: Floats, rate: int, network: Network) -> Floats:
    """Speech, window by window."""
    sound = speech[:: 16000 // rate]
    count = len(sound) // network.window
    return sound[: count * network.window].reshape(count, network.window)


def rows_of(*rows: int) -> Rows:
    return np.array(rows, np.intp)


def run(network: Network, state: State, windows: Floats, rows: Rows) -> Floats:
    forward = network.probabilities(windows, state, rows)
    forward.commit()
    return forward.probabilities


def reference(models: Path, rate: int, steps: Floats) -> Iterator[Floats]:
    """What the model itself says to each step, by its own runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(models / "silero_vad.onnx", options)
    overlap = steps.shape[2] // 8
    state = np.zeros((2, steps.shape[1], 128), np.float32)
    context = np.zeros((steps.shape[1], overlap), np.float32)
    for windows in steps:
        feed = {"input": np.concatenate((context, windows), 1), "state": state}
        output, state = session.run(None, feed | {"sr": np.array(rate)})
        context = windows[:, -overlap:]
        yield output[:, 0]


def test_judge_as_the_model_itself_does(
    models: Path, network: Network, rate: int, windows: Floats
) -> None:
    streams = np.stack([np.roll(windows, 37 * k, axis=0) for k in range(4)], axis=1)
    noise = np.random.default_rng(1).normal(0, 0.1, streams[:, :1].shape)
    streams = np.concatenate((streams, noise.astype(np.float32)), axis=1)
    state, rows = State(8), rows_of(3, 0, 7, 1, 2)
    spread = []
    for step, expected in zip(streams, reference(models, rate, streams), strict=True):
        found = run(network, state, step, rows)
        spread.append(found)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    assert np.min(spread) < 0.05 and np.max(spread) > 0.95


def test_judge_more_rows_than_a_block_as_each_alone(
    network: Network, windows: Floats
) -> None:
    count = BLOCK + 3
    order = np.random.default_rng(2).permutation(count)
    together, alone = State(count), State(1)
    for step in range(3):
        chosen = windows[(order + step) % len(windows)]
        many = run(network, together, chosen, order)
    for step in range(3):
        last = windows[[(order[-1] + step) % len(windows)]]
        one = run(network, alone, last, rows_of(0))
    assert many[-1] == pytest.approx(one[0], abs=1e-5)


def test_judge_nobody(network: Network) -> None:
    nothing = np.empty((0, network.window), np.float32)
    assert run(network, State(1), nothing, rows_of()).size == 0


def test_leave_the_state_alone_until_committed(
    network: Network, windows: Floats
) -> None:
    state = State(2)
    run(network, state, windows[40:42], rows_of(0, 1))
    before = [array.copy() for array in (state.hidden, state.cell, state.context)]
    first = network.probabilities(windows[42:44], state, rows_of(0, 1))
    after = (state.hidden, state.cell, state.context)
    assert all(map(np.array_equal, before, after))
    half = network.probabilities(windows[42:43], state, rows_of(0))
    assert half.probabilities == pytest.approx(first.probabilities[:1], abs=1e-6)
    half.commit()
    assert not np.array_equal(state.hidden[0], before[0][0])
    assert np.array_equal(state.hidden[1], before[0][1])


def test_refuse_to_commit_what_was_overtaken(network: Network, windows: Floats) -> None:
    state = State(1)
    overtaken = network.probabilities(windows[:1], state, rows_of(0))
    network.probabilities(windows[:1], state, rows_of(0))
    with pytest.raises(RuntimeError, match="another step"):
        overtaken.commit()
    assert not state.hidden.any()


@pytest.mark.parametrize("harm", [np.nan, np.inf, 3e38])
def test_keep_harm_in_its_row(network: Network, windows: Floats, harm: float) -> None:
    sick, sound, rows = State(3), State(3), rows_of(0, 1, 2)
    for step in range(3):
        healthy = windows[step : step + 3].copy()
        expected = run(network, sound, healthy, rows)
        healthy[1] = harm
        found = run(network, sick, healthy, rows)
        assert found[[0, 2]].tolist() == expected[[0, 2]].tolist()
    sick.clear(1)
    after = run(network, sick, windows[:1], rows_of(1))
    assert np.isfinite(after).all()


def test_clear_a_row_as_if_new(network: Network, windows: Floats) -> None:
    state = State(2)
    for step in range(40, 50):
        run(network, state, windows[step : step + 2], rows_of(0, 1))
    state.clear(1)
    for array in (state.hidden, state.cell, state.context):
        assert array[0].any() and not array[1].any()


def test_grow_and_remember(network: Network, windows: Floats) -> None:
    state = State(1)
    run(network, state, windows[:1], rows_of(0))
    before, capacity = state.hidden[0].copy(), state.capacity
    state.reserve(capacity)
    assert state.capacity == capacity
    state.reserve(capacity + 1)
    assert state.capacity > capacity
    assert state.hidden[0].tolist() == before.tolist()
    assert not state.hidden[capacity:].any()


def test_have_no_denormals_in_what_is_remembered(network: Network) -> None:
    state, rows = State(1), rows_of(0)
    state.cell[0] = np.float32(1e-40)
    silence = np.zeros((1, network.window), np.float32)
    for _ in range(200):
        run(network, state, silence, rows)
        for array in (state.cell, state.hidden):
            small = np.abs(array[array != 0])
            assert not small.size or small.min() >= TINY


def test_refuse_other_rates(arrays: Arrays) -> None:
    with pytest.raises(UnfitWeights, match="no network for 44100 Hz"):
        Weights.of(arrays, 44100)


@pytest.mark.parametrize("other", [None, np.zeros((2, 2), np.float32)])
def test_refuse_other_arrays(arrays: Arrays, other: Floats | None) -> None:
    changed = {name: a for name, a in arrays.items() if name != "8000.stft"}
    if other is not None:
        changed["8000.stft"] = other
    with pytest.raises(UnfitWeights, match=r"8000\.stft is not an array of \(130"):
        Weights.of(changed, 8000)
