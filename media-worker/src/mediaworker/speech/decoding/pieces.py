"""What a decoder gives, and how it fails."""

from dataclasses import dataclass, field

import numpy as np

from mediaworker.speech.ports import Failure, Samples

UNSUPPORTED = 415


@dataclass(frozen=True, slots=True)
class Piece:
    """The next samples of a file, one channel."""

    rate: int
    """The same in all pieces of a file."""
    samples: Samples = field(repr=False)


def unplayable(why: object) -> Failure:
    """``why`` is a sentence without its end."""
    return Failure(f"only WAV, MP3, Ogg and FLAC files can be played: {why}", 415)


def mixed(data: bytes, channels: int) -> Samples:
    """Of 32-bit floats, interleaved: whole numbers of all channels."""
    # What is no number is silence; infinity is as loud as can be.
    floats = np.nan_to_num(np.frombuffer(data, "<f4"), posinf=1, neginf=-1)
    loud = np.clip(floats.reshape(-1, channels), -1, 1).mean(axis=1) * 32_768
    samples: Samples = np.clip(np.rint(loud), -32_768, 32_767).astype(np.int16)
    return samples
