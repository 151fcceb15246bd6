"""What each batched step of the tick costs a call, by how many go through it together.

No sockets and no processes: the steps alone, on a recorded person's voice.
"""

import time
from collections.abc import Callable, Mapping
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bench.measurement import Measurement, Progress
from bench.recordings import recording
from chalicelib.protocol.session.vocabulary import Codec
from infra import wiring
from mediaworker.audio.coders import Coder, coder_of
from mediaworker.audio.denoising import Denoiser
from mediaworker.audio.gain import GainControl, GainRule
from mediaworker.audio.key_tones import KeyTones
from mediaworker.audio.opus import OpusLibrary
from mediaworker.audio.silero import Network, Weights
from mediaworker.opus_path import opus_paths
from mediaworker.runtime.detectors import SileroDetector
from mediaworker.runtime.wires import WIRES

WEIGHTS = wiring.ROOT / ".parley" / "models" / "silero.npz"
BATCHES = (1, 32, 128, 256)
ROW = 128
"""So many calls at once are the row's."""
RATES = {8_000: Codec.PCMU, 16_000: Codec.PCM}
WARM_UP = 32
"""Slots, in which all comes into the cache and noise is learnt."""
SLOTS = 160
ROUNDS = 3
APART = 7
"""Frames, by which one call is behind the next."""
CODERS = (Codec.G722, Codec.OPUS)
"""They have a state, so each call's is by itself."""

Frames = NDArray[np.int16]
Step = Callable[[Frames], object]


def measure(progress: Progress) -> Measurement:
    """Microseconds of processor time per call and slot of 20 ms."""
    found: dict[str, dict[int, float]] = {}
    for rate in RATES:
        frames = _frames(rate)
        for count in BATCHES:
            progress(f"{rate} Hz, {count} calls")
            for name, step in _steps(rate, count).items():
                spent = _microseconds(step, frames, count)
                found.setdefault(f"{name} {rate // 1_000}k", {})[count] = spent
    library = OpusLibrary(*opus_paths())
    for codec in CODERS:
        progress(codec)
        for name, spent in _coded(coder_of(codec, library)).items():
            found[f"{name} {codec}"] = {1: spent}
    return Measurement(
        {"denoise_step": found["denoise 8k"][ROW]},
        list(map(_line, found.items())),
        {"microseconds": found},
    )


def _frames(rate: int) -> Frames:
    """Of the voice, in the order in which they were said."""
    samples = recording(rate)
    size = rate // 50
    return samples[: len(samples) // size * size].reshape(-1, size)


def _steps(rate: int, count: int) -> Mapping[str, Step]:
    """Each takes a frame of each of so many calls."""
    wire, rows = WIRES[RATES[rate]], np.arange(count)
    denoiser, gain, keys = Denoiser(rate), GainControl(rate), KeyTones(rate)
    denoiser.reserve(count)
    gain.reserve(count)
    for row in range(count):
        gain.begin(row, GainRule())
    key_rows = [keys.take_row() for _ in range(count)]
    with np.load(WEIGHTS) as arrays:
        detector = SileroDetector(rate, Network(Weights.of(dict(arrays), rate)))
    voice_rows = [detector.take_row() for _ in range(count)]
    octets: dict[int, NDArray[np.uint8]] = {}

    def decode(frames: Frames) -> object:
        # The same octets each time: what they say makes no difference to a table.
        if not octets:
            octets[0] = wire.encode(frames)
        return wire.decode(octets[0])

    return {
        "decode": decode,
        "keys": lambda frames: keys.hear(frames, key_rows),
        "denoise": lambda frames: denoiser.process(frames, rows),
        "gain": lambda frames: gain.process(frames, rows),
        "voice": lambda frames: detector.hear(frames, voice_rows, _raise),
        "encode": wire.encode,
    }


def _microseconds(step: Step, frames: Frames, count: int) -> float:
    """The median of the rounds' means: a network has work in some slots only."""
    places = np.arange(count) * APART
    for slot in range(WARM_UP):
        step(frames[(places + slot) % len(frames)])
    rounds = []
    for _ in range(ROUNDS):
        spent = 0.0
        for slot in range(SLOTS):
            heard = frames[(places + slot) % len(frames)]
            began = time.process_time_ns()
            step(heard)
            spent += time.process_time_ns() - began
        rounds.append(spent / SLOTS / count / 1_000)
    return median(rounds)


def _coded(coder: Coder) -> Mapping[str, float]:
    frames = [frame.tobytes() for frame in _frames(coder.rate)[: WARM_UP + SLOTS]]
    payloads = list(map(coder.encode, frames))
    for payload in payloads:
        coder.decode(payload)
    spent = {}
    for name, step, given in (
        ("encode", coder.encode, frames),
        ("decode", coder.decode, payloads),
    ):
        began = time.process_time_ns()
        for one in given:
            step(one)
        spent[name] = (time.process_time_ns() - began) / len(given) / 1_000
    coder.close()
    return spent


def _line(entry: tuple[str, Mapping[int, float]]) -> str:
    name, spent = entry
    texts = (f"{count}: {microseconds:.2f}" for count, microseconds in spent.items())
    return f"{name}, µs a call and slot by calls at once: {', '.join(texts)}"


def _raise(row: int, error: Exception) -> None:
    raise error
