"""The Silero voice activity detector (v6.2) over many streams at once.

A window of 32 ms becomes four magnitude spectra, four convolutions make one vector of
them, and a recurrent cell judges that vector by what came before. Each of these is a
matrix product over all rows, so a row costs a fraction of what it costs by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mediaworker.audio.arrays import Floats, Rows, grown, stepped

RATES = (8000, 16000)
SPECTRA = 4
"""Per window."""
CHANNELS = (128, 64, 64, 128)
"""That come out of each convolution."""
UNITS = 128
"""Of the recurrent cell."""
CONTEXT = 64
"""The most samples that a window needs of the one before."""
BLOCK = 128
"""Rows at a time, so that what is computed on the way stays in the cache."""
QUIET = np.float32(1e-20)
"""Added and taken away again, it leaves no denormal behind."""


class UnfitWeights(ValueError):
    """The arrays are not those of this network."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The network's constants, as matrices that rows are multiplied with."""

    rate: int
    taper: Floats
    """What the samples of a spectrum are multiplied with."""
    encoder: tuple[tuple[Floats, Floats], ...]
    """Matrix and bias of each convolution; its three taps one below the other."""
    cell: Floats
    """The input's rows, then the hidden state's -> gates in, forget, new, out."""
    cell_bias: Floats
    output: Floats
    output_bias: np.float32

    @classmethod
    def of(cls, arrays: Mapping[str, Floats], rate: int) -> Self:
        """From what ``scripts/fetch-models`` stores; raises `UnfitWeights`."""
        if rate not in RATES:
            raise UnfitWeights(f"there is no network for {rate} Hz")
        found = {}
        for name, shape in _shapes(rate).items():
            array = arrays.get(f"{rate}.{name}")
            if array is None or array.shape != shape:
                raise UnfitWeights(f"{rate}.{name} is not an array of {shape}")
            found[name] = np.asarray(array, np.float32)
        return cls._arranged(found, rate)

    @classmethod
    def _arranged(cls, found: Mapping[str, Floats], rate: int) -> Self:
        cell = np.concatenate((found["lstm.weight_ih"], found["lstm.weight_hh"]), 1)
        # A sigmoid is (1 + tanh(x / 2)) / 2, so one tanh serves all four gates.
        halves = np.repeat(np.array((0.5, 0.5, 1, 0.5), np.float32), UNITS)
        return cls(
            rate,
            # The basis is a Fourier transform's; its first row is the taper alone.
            found["stft"][0, 0].copy(),
            tuple(
                (_taps(found[f"encoder.{k}.weight"]), found[f"encoder.{k}.bias"])
                for k in range(len(CHANNELS))
            ),
            np.ascontiguousarray(cell.T * halves),
            (found["lstm.bias_ih"] + found["lstm.bias_hh"]) * halves,
            found["output.weight"][0, :, 0].copy(),
            found["output.bias"][0],
        )


def _shapes(rate: int) -> dict[str, tuple[int, ...]]:
    span = rate // 1000 * 16
    bins = span // 2 + 1
    shapes: dict[str, tuple[int, ...]] = {"stft": (2 * bins, 1, span)}
    for k, (ins, outs) in enumerate(zip((bins, *CHANNELS), CHANNELS, strict=False)):
        shapes[f"encoder.{k}.weight"] = (outs, ins, 3)
        shapes[f"encoder.{k}.bias"] = (outs,)
    for side in ("ih", "hh"):
        shapes[f"lstm.weight_{side}"] = (4 * UNITS, UNITS)
        shapes[f"lstm.bias_{side}"] = (4 * UNITS,)
    return shapes | {"output.weight": (1, UNITS, 1), "output.bias": (1,)}


def _taps(weight: Floats) -> Floats:
    outs, ins, taps = weight.shape
    return np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(taps * ins, outs))


class State:
    """What the network remembers of each row."""

    def __init__(self, capacity: int) -> None:
        capacity = stepped(capacity)
        self.hidden = np.zeros((capacity, UNITS), np.float32)
        self.cell = np.zeros((capacity, UNITS), np.float32)
        self.context = np.zeros((capacity, CONTEXT), np.float32)

    @property
    def capacity(self) -> int:
        return len(self.hidden)

    def reserve(self, capacity: int) -> None:
        """Have room for so many rows; those that are there stay as they are."""
        self.hidden = grown(self.hidden, capacity)
        self.cell = grown(self.cell, capacity)
        self.context = grown(self.context, capacity)

    def clear(self, row: int) -> None:
        """As if nothing had ever been heard on it."""
        self.hidden[row] = 0
        self.cell[row] = 0
        self.context[row] = 0

    def write(self, rows: Rows, source: "State") -> None:
        """Take the first rows of another as these."""
        count = len(rows)
        self.hidden[rows] = source.hidden[:count]
        self.cell[rows] = source.cell[:count]
        self.context[rows] = source.context[:count]


class Forward:
    """A step of the network, of which the rows' state does not know before `commit`."""

    def __init__(
        self, network: "Network", probabilities: Floats, state: State, rows: Rows
    ) -> None:
        self.probabilities = probabilities
        """That there is speech in each window; NaN where the samples are no sound."""
        self._network = network
        self._number = network.steps
        self._state = state
        self._rows = rows

    def commit(self) -> None:
        """Before the network's next step, or never."""
        if self._network.steps != self._number:
            raise RuntimeError("the network has made another step since")
        self._state.write(self._rows, self._network.next)


class Network:
    """Weights, and room to compute in; what it remembers is in a `State`."""

    def __init__(self, weights: Weights) -> None:
        span = len(weights.taper)
        bins, hop = span // 2 + 1, span // 2
        self.window = SPECTRA * hop
        """Samples of each row in a step."""
        self.steps = 0
        self.next = State(BLOCK)
        """Of the rows of the last step, in its order."""
        self._weights = weights
        self._bins = bins
        self._overlap = hop // 2
        self._samples = _room(hop + self.window)
        self._spans = sliding_window_view(self._samples, span, 1)[:, ::hop]
        self._tapered = _room(SPECTRA, span)
        self._spectra = np.zeros((BLOCK, SPECTRA, bins), np.complex64)
        self._magnitudes = _room(SPECTRA * bins)
        self._first = _room(SPECTRA * CHANNELS[0])
        self._second = _room(2 * CHANNELS[1])
        self._third = _room(CHANNELS[2])
        self._heard = _room(2 * UNITS)
        self._gates = _room(4 * UNITS)

    def probabilities(self, windows: Floats, state: State, rows: Rows) -> Forward:
        """One window of each of the rows; the state stays as it is."""
        count = len(rows)
        self.steps += 1
        self.next.reserve(count)
        found = np.empty(count, np.float32)
        # What is no sound harms its own row, and is seen in its probability.
        with np.errstate(all="ignore"):
            for start in range(0, count, BLOCK):
                block = slice(start, min(start + BLOCK, count))
                self._transform(windows[block], state.context[rows[block]], block)
                self._encode(block.stop - start)
                found[block] = self._recur(state, rows[block], block)
        return Forward(self, found, state, rows)

    def _transform(self, windows: Floats, context: Floats, block: slice) -> None:
        """Samples to magnitudes of four spectra, one beside the other."""
        count, overlap = len(windows), self._overlap
        end = overlap + self.window
        samples = self._samples[:count]
        samples[:, :overlap] = context[:, :overlap]
        samples[:, overlap:end] = windows
        samples[:, end:] = samples[:, end - 2 : end - 2 - overlap : -1]
        self.next.context[block, :overlap] = windows[:, -overlap:]
        tapered, spectra = self._tapered[:count], self._spectra[:count]
        np.multiply(self._spans[:count], self._weights.taper, out=tapered)
        for step in range(SPECTRA):
            # One by one: numpy copies what it transforms, and the allocator would
            # give a bigger copy back to the system each time.
            out: Any = spectra[:, step]
            np.fft.rfft(tapered[:, step], out=out)
        shape = (count, SPECTRA, self._bins)
        np.abs(spectra, out=self._magnitudes[:count].reshape(shape))

    def _encode(self, count: int) -> None:
        """Magnitudes to the vector that the cell hears."""
        one, two, three, four = self._weights.encoder
        first, second = self._first[:count], self._second[:count]
        third, heard = self._third[:count], self._heard[:count, :UNITS]
        _convolve(self._magnitudes[:count], SPECTRA, 1, one, first)
        _convolve(first, SPECTRA, 2, two, second)
        _convolve(second, 2, 2, three, third)
        _convolve(third, 1, 1, four, heard)

    def _recur(self, state: State, rows: Rows, block: slice) -> Floats:
        count, weights = len(rows), self._weights
        heard, gates = self._heard[:count], self._gates[:count]
        cell, hidden = self.next.cell[block], self.next.hidden[block]
        heard[:, UNITS:] = state.hidden[rows]
        np.matmul(heard, weights.cell, out=gates)
        gates += weights.cell_bias
        np.tanh(gates, out=gates)
        enter, forget, new, leave = np.split(gates, 4, axis=1)
        for gate in (enter, forget, leave):
            gate += 1
            gate *= 0.5
        np.multiply(state.cell[rows], forget, out=cell)
        new *= enter
        cell += new
        cell += QUIET
        cell -= QUIET
        np.tanh(cell, out=hidden)
        hidden *= leave
        score = np.maximum(hidden, 0) @ weights.output + weights.output_bias
        probabilities: Floats = 1 / (1 + np.exp(-score))
        return probabilities


def _room(*shape: int) -> Floats:
    return np.zeros((BLOCK, *shape), np.float32)


def _convolve(
    source: Floats,
    steps: int,
    stride: int,
    layer: tuple[Floats, Floats],
    target: Floats,
) -> None:
    """Three taps over the steps that stand side by side in a row, and a ramp.

    Beyond the ends there is nothing, so there the outer tap is left out.
    """
    matrix, bias = layer
    ins, outs = len(matrix) // 3, len(bias)
    for place, step in enumerate(range(0, steps, stride)):
        first, last = max(step - 1, 0), min(step + 2, steps)
        taps = matrix[(first - step + 1) * ins : (last - step + 1) * ins]
        out = target[:, place * outs : (place + 1) * outs]
        np.matmul(source[:, first * ins : last * ins], taps, out=out)
        out += bias
        np.maximum(out, 0, out=out)
