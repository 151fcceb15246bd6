"""smart-turn v3.2: whether who fell silent has finished, by how it sounded.

The network looks at a log-mel spectrogram of the last 8 s, as Whisper makes it: 80
bands of Slaney's scale, frames of 25 ms every 10 ms, silence in front of what is
shorter. It knows no words, and was not taught on telephones: a hint, not a verdict.
"""

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mediaworker.speech.ports import HEARING_RATE, Heard, NotInstalled

HEARD_MS = 8_000
SAMPLES = HEARD_MS * HEARING_RATE // 1_000
BANDS, FRAME, HOP = 80, 400, 160
FAINTEST = 1e-10
QUIETEST = 1e-7
LINEAR_TO, LINEAR_MELS, STEP = 1_000.0, 15.0, np.log(6.4) / 27
"""Of Slaney's scale: linear up to 1 kHz, logarithmic from there on."""


class SmartTurn:
    """A `TurnJudge`; raises `NotInstalled`."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotInstalled(f"the model {path.stem}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        self._network = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def judge(self, heard: Heard) -> float:
        features = spectrogram(heard)[None]
        (answer,) = self._network.run(None, {"input_features": features})
        return float(answer[0, 0])


def spectrogram(heard: Heard) -> NDArray[np.float32]:
    """80 bands of 800 frames: of the last 8 s, with silence before what is shorter."""
    audio = np.zeros(SAMPLES, np.float32)
    heard = heard[-SAMPLES:]
    if len(heard):
        audio[-len(heard) :] = heard
    audio = (audio - audio.mean()) / np.sqrt(audio.var() + QUIETEST)
    padded = np.pad(audio, FRAME // 2, mode="reflect")
    frames = sliding_window_view(padded, FRAME)[::HOP][:-1]
    window = np.hanning(FRAME + 1)[:-1].astype(np.float32)
    powers = np.square(np.abs(np.fft.rfft(frames * window, axis=-1)))
    levels = np.log10(np.maximum(FAINTEST, powers @ bands())).T
    levels = np.maximum(levels, levels.max() - 8)
    return np.asarray((levels + 4) / 4, np.float32)


@cache
def bands() -> NDArray[np.float64]:
    """The share of each band in each frequency of a frame; each as loud as wide."""
    mels = np.linspace(0, _mel(HEARING_RATE / 2), BANDS + 2)
    edges = np.where(
        mels < LINEAR_MELS,
        mels * LINEAR_TO / LINEAR_MELS,
        LINEAR_TO * np.exp(STEP * (mels - LINEAR_MELS)),
    )
    hertz = np.linspace(0, HEARING_RATE / 2, FRAME // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (hertz - low) / (middle - low)
    falling = (high - hertz) / (high - middle)
    share = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(share * 2 / (high - low), np.float64)


def _mel(hertz: float) -> float:
    """Of a frequency in the logarithmic part."""
    return float(LINEAR_MELS + np.log(hertz / LINEAR_TO) / STEP)
