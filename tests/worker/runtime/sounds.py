"""Tones, how alike two sounds are, and packets of Opus that last long."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio import g711
from mediaworker.audio.coders import coder_of
from mediaworker.audio.opus import OpusLibrary
from mediaworker.opus_path import opus_paths
from mediaworker.session.capabilities import RATES

LIBRARY = OpusLibrary(*opus_paths())
TONE_HZ = 440
LEVEL = 8_000

Sound = NDArray[np.int16]


def tone(rate: int, frames: int, hertz: int = TONE_HZ) -> Sound:
    turns = np.arange(frames * rate // 50) * hertz / rate
    return np.asarray(np.rint(LEVEL * np.sin(2 * np.pi * turns)), np.int16)


def share(sound: Sound, rate: int, hertz: int = TONE_HZ) -> float:
    """How much of the sound's power is the tone's, from 0 to 1."""
    lines = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    place = round(hertz * len(sound) / rate)
    return float(lines[place - 3 : place + 4].sum() / (lines.sum() + 1e-9))


class FarSide:
    """An application's codec: frames of samples to payloads, and back."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.rate = RATES[codec]
        self._coder = None
        if codec in (Codec.G722, Codec.OPUS):
            self._coder = coder_of(codec, LIBRARY)

    def says(self, samples: Sound) -> list[bytes]:
        """A payload for each 20 ms."""
        return [self._encode(frame) for frame in samples.reshape(-1, self.rate // 50)]

    def heard(self, payloads: Sequence[bytes]) -> Sound:
        return np.concatenate([self._decode(payload) for payload in payloads])

    def _encode(self, frame: Sound) -> bytes:
        if self._coder is not None:
            return self._coder.encode(frame.tobytes())
        if self.codec is Codec.PCMU:
            return g711.encode(frame).tobytes()
        if self.codec is Codec.PCMA:
            return g711.encode_a_law(frame).tobytes()
        return frame.tobytes()

    def _decode(self, payload: bytes) -> Sound:
        if self._coder is not None:
            return np.frombuffer(self._coder.decode(payload), np.int16)
        octets = np.frombuffer(payload, np.uint8)
        if self.codec is Codec.PCMU:
            return g711.decode(octets)
        if self.codec is Codec.PCMA:
            return g711.decode_a_law(octets)
        return np.frombuffer(payload, np.int16)


def in_one(packets: Sequence[bytes]) -> bytes:
    """One packet of the frames of many (RFC 6716 section 3.2.5)."""
    configurations = {packet[0] & 0xF8 for packet in packets}
    assert len(configurations) == 1 and not any(packet[0] & 3 for packet in packets)
    head = bytes([packets[0][0] | 3, 0x80 | len(packets)])
    frames = [packet[1:] for packet in packets]
    return head + b"".join(map(_length, frames[:-1])) + b"".join(frames)


def _length(frame: bytes) -> bytes:
    size = len(frame)
    if size < 252:
        return bytes([size])
    first = 252 + (size & 3)
    return bytes([first, (size - first) >> 2])
