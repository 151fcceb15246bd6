"""Opus in Ogg (RFC 3533, RFC 7845), stereo, page by page."""

import struct
import zlib

import numpy as np
import soxr

from mediaworker.audio.arrays import Samples
from mediaworker.audio.opus import OpusLibrary

RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Those that libopus takes."""
CLOCK_RATE = 48_000
"""Of an Ogg stream's positions, whatever the rate (RFC 7845 section 4)."""
CHANNELS = 2
BITRATE = 48_000
COMPLEXITY = 2
VENDOR = b"Parley"
FRAMES_A_SECOND = 50
MOST_IN_PAGE = 50
"""A second: what a cut may cost."""
MOST_SEGMENTS = 255

PAGE = struct.Struct("<4sBBqIIIB")
CHECKSUM_AT = 22
CONTINUES, BEGINS, ENDS = 1, 2, 4
REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))
"""Ogg's checksum goes the other way round than zlib's."""


class OggOpus:
    """Turns samples into pages; those given out can be heard by themselves."""

    def __init__(self, library: OpusLibrary, rate: int, serial: int) -> None:
        """At the nearest rate above that libopus takes; ``serial`` is any number."""
        self._rate = next(one for one in RATES if one >= rate)
        self._input_rate = rate
        self._serial = serial
        self._encoder = library.encoder(
            BITRATE, COMPLEXITY, rate=self._rate, channels=CHANNELS
        )
        self._converter = (
            None
            if rate == self._rate
            else soxr.ResampleStream(rate, self._rate, CHANNELS, dtype="int16")
        )
        self._width = self._rate // FRAMES_A_SECOND
        self._skipped = self._encoder.lookahead * CLOCK_RATE // self._rate
        self._waiting = np.zeros((0, CHANNELS), np.int16)
        self._packets: list[bytes] = []
        self._fed = 0
        """Samples, in time of the clock."""
        self._encoded = 0
        self._pages = 0

    def head(self) -> bytes:
        """The two pages that every stream begins with."""
        head = struct.pack(
            *("<8sBBHIhB", b"OpusHead", 1, CHANNELS, self._skipped),
            *(self._input_rate, 0, 0),
        )
        tags = struct.pack("<8sI", b"OpusTags", len(VENDOR)) + VENDOR + bytes(4)
        return self._page([head], 0, BEGINS) + self._page([tags], 0)

    def feed(self, samples: Samples) -> bytes:
        """Whole pages, as they fill."""
        if self._converter is not None:
            samples = self._converter.resample_chunk(samples)
        return self._encode(samples)

    def page(self) -> bytes:
        """What was encoded and is in no page yet."""
        if not self._packets:
            return b""
        packets, self._packets = self._packets, []
        return self._page(packets, self._encoded)

    def finish(self) -> bytes:
        """The last page; its position cuts off what fills the last frame."""
        made = b""
        if self._converter is not None:
            nothing = np.zeros((0, CHANNELS), np.int16)
            made += self._encode(self._converter.resample_chunk(nothing, last=True))
        end = self._fed + self._skipped
        missing = max(0, end - self._encoded) * self._rate // CLOCK_RATE
        filling = missing - len(self._waiting) + -missing % self._width
        made += self._encode(np.zeros((max(0, filling), CHANNELS), np.int16), False)
        packets, self._packets = self._packets, []
        self._encoder.close()
        return made + self._page(packets, end, ENDS)

    def _encode(self, samples: Samples, is_heard: bool = True) -> bytes:
        if is_heard:
            self._fed += len(samples) * CLOCK_RATE // self._rate
        waiting = np.concatenate((self._waiting, samples))
        whole = len(waiting) // self._width
        pages = []
        for frame in waiting[: whole * self._width].reshape(-1, self._width, CHANNELS):
            self._packets.append(self._encoder.encode(frame.tobytes()))
            self._encoded += CLOCK_RATE // FRAMES_A_SECOND
            if len(self._packets) >= MOST_IN_PAGE or self._segments() >= MOST_SEGMENTS:
                pages.append(self.page())
        self._waiting = waiting[whole * self._width :]
        return b"".join(pages)

    def _segments(self) -> int:
        """Of the page, with room for one more packet of any size."""
        longest = len(_lacing(b"\0" * 1_275)) * CHANNELS
        return sum(len(_lacing(packet)) for packet in self._packets) + longest

    def _page(self, packets: list[bytes], position: int, flags: int = 0) -> bytes:
        table = b"".join(map(_lacing, packets))
        head = PAGE.pack(
            *(b"OggS", 0, flags, position, self._serial, self._pages, 0, len(table))
        )
        self._pages += 1
        page = bytearray(b"".join((head, table, *packets)))
        struct.pack_into("<I", page, CHECKSUM_AT, checksum(bytes(page)))
        return bytes(page)


def checksum(page: bytes) -> int:
    """Of a page whose own checksum is 0 (RFC 3533 section 6)."""
    turned = zlib.crc32(page.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{turned:032b}"[::-1], 2)


def _lacing(packet: bytes) -> bytes:
    return b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,))
