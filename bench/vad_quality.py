"""How well the detector tells speech from silence, noise and tones, at 8 kHz.

Every voice is heard under every condition, over G.711; the rows are over all windows
of all of them together.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench import labelled_speech as labelled
from bench.labelled_speech import Labels, Sound, Stream
from bench.measurement import Measurement, Progress
from infra import wiring
from mediaworker.audio.silero import Network, State, Weights

SEED = 20
THRESHOLD = 0.5
"""A session's own, unless it is told otherwise."""
WEIGHTS = wiring.ROOT / ".parley" / "models" / "silero.npz"
CONDITIONS = {
    "clean": lambda stream, random: stream.sound,
    "white noise, 10 dB": labelled.white,
    "pink noise, 10 dB": labelled.pink,
    "keys in the gaps": labelled.keys,
    "music in the gaps": labelled.music,
}

Scores = NDArray[np.float32]


def measure(progress: Progress) -> Measurement:
    """Same voices, same noise, every time."""
    random = np.random.default_rng(SEED)
    progress("speaking")
    streams = labelled.streams(random)
    labels = np.concatenate([stream.labels for stream in streams])
    network = _network()
    found: dict[str, Scores] = {}
    for name, condition in CONDITIONS.items():
        progress(name)
        sounds = [condition(stream, random) for stream in streams]
        found[name] = heard(network, list(map(labelled.over_the_line, sounds)))
    truth, scores = np.tile(labels, len(found)), np.concatenate(list(found.values()))
    return Measurement(
        values={
            "vad_f1": f1(truth, scores >= THRESHOLD),
            "vad_ap": average_precision(truth, scores),
        },
        details=[
            _told(streams, labels),
            *_each(labels, found),
            *_voices(streams, found["clean"]),
        ],
        raw={
            name: {
                "f1": f1(labels, each >= THRESHOLD),
                "ap": average_precision(labels, each),
            }
            for name, each in found.items()
        },
    )


def _network() -> Network:
    with np.load(WEIGHTS) as arrays:
        return Network(Weights.of(dict(arrays), labelled.RATE))


def heard(network: Network, sounds: Sequence[Sound]) -> Scores:
    """The probability of every window, one sound after the other."""
    state = State(len(sounds))
    counts = np.array([len(sound) // network.window for sound in sounds])
    scores = np.zeros((len(sounds), counts.max()), np.float32)
    for step in range(counts.max()):
        rows = np.flatnonzero(counts > step)
        part = slice(step * network.window, (step + 1) * network.window)
        windows = np.stack([sounds[row][part] for row in rows.tolist()])
        forward = network.probabilities(windows, state, rows)
        forward.commit()
        scores[rows, step] = forward.probabilities
    return np.concatenate(
        [row[:count] for row, count in zip(scores, counts, strict=True)]
    )


def f1(labels: Labels, told: Labels) -> float:
    """Of windows, the harmonic mean of precision and recall."""
    return float(2 * np.sum(labels & told) / (np.sum(labels) + np.sum(told)))


def average_precision(labels: Labels, scores: Scores) -> float:
    """Precision at every threshold, by how much recall each one adds."""
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(labels[order])
    # Windows of the same score are told apart by no threshold.
    last = np.append(scores[1:] != scores[:-1], True)
    precision = (hits / np.arange(1, len(hits) + 1))[last]
    gained = np.diff(hits[last], prepend=0)
    return float(np.sum(precision * gained) / hits[-1])


def _told(streams: Sequence[Stream], labels: Labels) -> str:
    seconds = len(labels) * labelled.WINDOW / labelled.RATE
    names = ", ".join(stream.name for stream in streams)
    return f"{seconds:.0f} s, {labels.mean():.0%} of it speech, by {names}"


def _each(labels: Labels, found: Mapping[str, Scores]) -> list[str]:
    return [_line(name, labels, scores) for name, scores in found.items()]


def _voices(streams: Sequence[Stream], scores: Scores) -> list[str]:
    ends = np.cumsum([len(stream.labels) for stream in streams])
    parts = np.split(scores, ends[:-1])
    return [
        _line(f"clean, {stream.name}", stream.labels, part)
        for stream, part in zip(streams, parts, strict=True)
    ]


def _line(name: str, labels: Labels, scores: Scores) -> str:
    told = scores >= THRESHOLD
    return (
        f"{name}: F1 {f1(labels, told):.3f}, "
        f"AP {average_precision(labels, scores):.3f}, "
        f"hits {told[labels].mean():.1%}, false alarms {told[~labels].mean():.1%}"
    )
