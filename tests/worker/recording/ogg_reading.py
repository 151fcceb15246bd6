"""A reader of Ogg with Opus in it, for who wants to hear what was written."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cffi
import numpy as np

from mediaworker.audio.arrays import Samples
from mediaworker.audio.opus import OpusLibrary
from mediaworker.opus_path import opus_paths
from mediaworker.recording.ogg import CHECKSUM_AT, PAGE, checksum

CLOCK_RATE = 48_000


@dataclass(frozen=True, slots=True)
class Page:
    flags: int
    position: int
    number: int
    packets: list[bytes]
    end: int
    """Of its last byte, in the file."""


def pages_of(whole: bytes) -> Iterator[Page]:
    """Those that are complete, each of which has to be right."""
    at = 0
    while at + PAGE.size <= len(whole):
        name, version, flags, position, _, number, told, segments = PAGE.unpack_from(
            whole, at
        )
        assert (name, version) == (b"OggS", 0)
        body = at + PAGE.size + segments
        table = whole[at + PAGE.size : body]
        end = body + sum(table)
        if len(table) < segments or end > len(whole):
            return
        page = bytearray(whole[at:end])
        struct.pack_into("<I", page, CHECKSUM_AT, 0)
        assert checksum(bytes(page)) == told
        yield Page(flags, position, number, _packets(table, whole[body:end]), end)
        at = end


def decoded(whole: bytes, library: OpusLibrary) -> Samples:
    """Both sides at 48 kHz, without what is to be skipped, and cut where it ends."""
    pages = list(pages_of(whole))
    (skipped,) = struct.unpack_from("<H", pages[0].packets[0], 10)
    decoder = _Decoder()
    packets = [packet for page in pages[2:] for packet in page.packets]
    sound = [np.zeros((0, 2), np.int16), *map(decoder.decode, packets)]
    until = pages[-1].position if len(pages) > 2 else skipped
    return np.concatenate(sound)[skipped:until]


class _Decoder:
    """libopus, in stereo."""

    def __init__(self) -> None:
        self._ffi = cffi.FFI()
        self._ffi.cdef(
            "void *opus_decoder_create(int32_t, int, int *);"
            "int opus_decode(void *, const char *, int32_t, char *, int, int);"
        )
        self._library = self._load()
        self._state = self._library.opus_decoder_create(
            CLOCK_RATE, 2, self._ffi.new("int *")
        )
        self._room = self._ffi.new("char[]", 5_760 * 4)

    def _load(self) -> Any:
        for path in opus_paths():
            try:
                return self._ffi.dlopen(path)
            except OSError:
                continue
        raise AssertionError("libopus is not installed")

    def decode(self, packet: bytes) -> Samples:
        count = self._library.opus_decode(
            self._state, packet, len(packet), self._room, 5_760, 0
        )
        assert count > 0
        octets = self._ffi.buffer(self._room)[: count * 4]
        return np.frombuffer(octets, np.int16).reshape(-1, 2).copy()


def _packets(table: bytes, body: bytes) -> list[bytes]:
    packets, at, size = [], 0, 0
    for lacing in table:
        size += lacing
        if lacing < 255:
            packets.append(body[at : at + size])
            at, size = at + size, 0
    assert size == 0, "a packet goes on in the next page"
    return packets
