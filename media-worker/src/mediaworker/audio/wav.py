"""WAV files, read while they are still on their way."""

import struct
from dataclasses import dataclass

import numpy as np

from mediaworker.audio.arrays import Samples
from mediaworker.audio.encodings import ENCODINGS, Encoding

MOST_BEFORE_SOUND = 1 << 20
"""Bytes of a file in which its sound has to begin."""
MOST_IN_FORMAT = 4096
MOST_CHANNELS = 16
LOWEST_RATE, HIGHEST_RATE = 4000, 384_000
UNTIL_THE_END = (0, 0xFFFFFFFF)
"""What writers that cannot go back say of the sound's size."""
EXTENSIBLE = 0xFFFE
REST_OF_GUID = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the format tag where an extensible format names it."""


class MalformedWav(ValueError):
    """The file is no WAV, or none that can be played; says why in a sentence."""


class ForeignEncoding(MalformedWav):
    """The file is a WAV, but its samples are written in a way that is not ours."""


@dataclass(frozen=True, slots=True)
class Format:
    """What the file is; comes before any of its sound."""

    rate: int
    channels: int
    encoding: str


Event = Format | Samples


class WavReader:
    """Takes a file in pieces; gives its format, then its sound as one channel."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._step = self._begin
        self._left = 0
        """Bytes of the chunk that are still to come."""
        self._is_endless = False
        self._before_sound = 0
        self._format: Format | None = None
        self._encoding: Encoding | None = None

    def feed(self, data: bytes) -> list[Event]:
        """What this piece adds; raises `MalformedWav`, after which it is over."""
        self._waiting += data
        events: list[Event] = []
        while self._step(events):
            pass
        return events

    def finish(self) -> None:
        """The file has ended; raises `MalformedWav` if its sound had not begun."""
        if self._step not in (self._hear, self._ignore):
            raise MalformedWav("the file ends before its sound begins")

    def _take(self, count: int) -> bytes:
        taken = bytes(self._waiting[:count])
        del self._waiting[:count]
        return taken

    def _take_header(self, count: int) -> bytes | None:
        """None when it has not all come; raises when the sound is too far away."""
        if self._before_sound + count > MOST_BEFORE_SOUND:
            raise MalformedWav(
                f"its sound does not begin within {MOST_BEFORE_SOUND} bytes"
            )
        if len(self._waiting) < count:
            return None
        self._before_sound += count
        return self._take(count)

    def _begin(self, events: list[Event]) -> bool:
        expected = b"RIFF", b"WAVE"
        head = self._waiting[:4], self._waiting[8:12]
        for part, name in zip(head, expected, strict=True):
            if not name.startswith(part):
                raise MalformedWav("the file is not a RIFF file with WAVE in it")
        if self._take_header(12) is None:
            return False
        self._step = self._open
        return True

    def _open(self, events: list[Event]) -> bool:
        header = self._take_header(8)
        if header is None:
            return False
        name, size = struct.unpack("<4sI", header)
        self._left = size
        if name == b"fmt ":
            self._step = self._learn
        elif name == b"data":
            self._start_sound(size)
        else:
            self._left += size % 2
            self._step = self._skip
        return True

    def _learn(self, events: list[Event]) -> bool:
        if self._format is not None:
            raise MalformedWav("the file has two formats")
        if not 16 <= self._left <= MOST_IN_FORMAT:
            raise MalformedWav(f"its format is {self._left} bytes long")
        chunk = self._take_header(self._left + self._left % 2)
        if chunk is None:
            return False
        self._format, self._encoding = _format_of(chunk)
        events.append(self._format)
        self._step = self._open
        return True

    def _skip(self, events: list[Event]) -> bool:
        if self._before_sound + self._left > MOST_BEFORE_SOUND:
            self._take_header(self._left)
        here = min(self._left, len(self._waiting))
        self._take_header(here)
        self._left -= here
        if self._left:
            return False
        self._step = self._open
        return True

    def _start_sound(self, size: int) -> None:
        if self._format is None:
            raise MalformedWav("its sound comes before its format")
        self._is_endless = size in UNTIL_THE_END
        self._step = self._hear

    def _hear(self, events: list[Event]) -> bool:
        assert self._format is not None and self._encoding is not None
        channels = self._format.channels
        block = channels * self._encoding.width
        here = len(self._waiting)
        if not self._is_endless:
            here = min(here, self._left)
        here -= here % block
        if here:
            samples = self._encoding.decode(self._take(here))
            events.append(_mixed(samples, channels))
        if self._is_endless:
            return False
        self._left -= here
        if self._left >= block:
            return False
        self._step = self._ignore
        return True

    def _ignore(self, events: list[Event]) -> bool:
        self._waiting.clear()
        return False


def _format_of(chunk: bytes) -> tuple[Format, Encoding]:
    tag, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == EXTENSIBLE:
        if len(chunk) < 40 or chunk[26:40] != REST_OF_GUID:
            raise MalformedWav("its extensible format does not say what it is")
        (tag,) = struct.unpack_from("<H", chunk, 24)
    encoding = ENCODINGS.get((tag, bits))
    if encoding is None:
        raise ForeignEncoding(
            f"samples of {bits} bits in format {tag} cannot be played"
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise MalformedWav(f"it has {channels} channels")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise MalformedWav(f"its rate is {rate} Hz")
    if align != channels * encoding.width:
        raise MalformedWav(
            f"{channels} samples of {bits} bits do not fit into {align} bytes"
        )
    return Format(rate, channels, encoding.name), encoding


def _mixed(samples: Samples, channels: int) -> Samples:
    if channels == 1:
        return samples
    means = samples.reshape(-1, channels).mean(axis=1)
    mixed: Samples = np.rint(means).astype(np.int16)
    return mixed


def wav_bytes(samples: Samples, rate: int) -> bytes:
    """A whole file of one channel, 16 bits a sample."""
    sound = np.asarray(samples, "<i2").tobytes()
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    data = struct.pack("<4sI", b"data", len(sound))
    size = len(fmt) + len(data) + len(sound) + 4
    return struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + fmt + data + sound
