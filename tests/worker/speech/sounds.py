"""Files of every kind, made on the spot, and what is heard in them."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.int16]

KINDS = {
    "wav": ("WAV", "PCM_16"),
    "wav24": ("WAV", "PCM_24"),
    "ima-adpcm": ("WAV", "IMA_ADPCM"),
    "ms-adpcm": ("WAV", "MS_ADPCM"),
    "wav64": ("WAV", "DOUBLE"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}
"""Format and subtype, as libsndfile calls them."""
EXACT = {"wav", "wav24", "wav64", "flac"}


def tone(rate: int, ms: int, hertz: float = 440, level: float = 0.4) -> Samples:
    at = np.arange(rate * ms // 1_000)
    return np.rint(level * 32_767 * np.sin(2 * np.pi * hertz * at / rate)).astype(
        np.int16
    )


def file_of(kind: str, samples: Samples, rate: int, channels: int = 1) -> bytes:
    """All channels alike."""
    container, subtype = KINDS[kind]
    written = io.BytesIO()
    wide = np.repeat(samples[:, None] / 32_768, channels, axis=1)
    soundfile.write(written, wide, rate, subtype, format=container)
    return written.getvalue()


def hertz_of(samples: Samples, rate: int) -> float:
    """The loudest."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)


def level_of(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples.astype(float)))) / 32_767)
