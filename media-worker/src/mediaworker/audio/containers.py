"""What kind of file it is, told by its first bytes and not by its name."""

from enum import Enum

TAG = b"ID3"
TAG_HEAD_BYTES = 10
MOST_TAG_BYTES = 16 << 20
"""A picture of a record's cover may be in it."""
ENOUGH = 12
"""Bytes by which every kind is known."""
LAYER_3 = 0b01


class Container(Enum):
    """The kinds that can be played."""

    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"


class UnknownContainer(ValueError):
    """It is none of them; says so in a sentence."""


class Beginning:
    """Takes a file's first pieces until its kind is known."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._left = 0
        """Bytes of a tag that are still to come."""
        self._skipped = 0
        self._has_tag = False

    def feed(self, data: bytes) -> tuple[Container, bytes] | None:
        """The kind, and what came of the file without the tags before it.

        None while that is too little; raises `UnknownContainer`.
        """
        self._held += data
        while self._skip_tag():
            pass
        if len(self._held) < ENOUGH:
            return None
        return self._kind(), bytes(self._held)

    def finish(self) -> tuple[Container, bytes]:
        """The file has ended, and was not known; raises `UnknownContainer`."""
        if self._left:
            raise UnknownContainer("the file ends before its sound begins")
        return self._kind(), bytes(self._held)

    def _skip_tag(self) -> bool:
        """Whether a tag began, so that another one may follow it."""
        here = min(self._left, len(self._held))
        del self._held[:here]
        self._left -= here
        if self._left or len(self._held) < TAG_HEAD_BYTES or self._held[:3] != TAG:
            return False
        self._left = TAG_HEAD_BYTES + _synchsafe(self._held[6:TAG_HEAD_BYTES])
        self._has_tag = True
        self._skipped += self._left
        if self._skipped > MOST_TAG_BYTES:
            raise UnknownContainer(
                f"the file's sound does not begin within {MOST_TAG_BYTES} bytes"
            )
        return True

    def _kind(self) -> Container:
        head = bytes(self._held[:ENOUGH])
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            return Container.WAV
        if head[:4] == b"fLaC":
            return Container.FLAC
        if head[:4] == b"OggS":
            return Container.OGG
        if self._has_tag or _is_mpeg(head):
            return Container.MP3
        raise UnknownContainer("the file is neither WAV, MP3, Ogg nor FLAC")


def _is_mpeg(head: bytes) -> bool:
    """ISO 11172-3 section 2.4.1.3: a frame of layer III, with a rate that there is."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, rate = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer == LAYER_3 and bit_rate != 15 and rate != 3


def _synchsafe(digits: bytes | bytearray) -> int:
    """ID3v2.4 section 6.2: seven bits of each byte."""
    number = 0
    for digit in digits:
        number = number << 7 | digit & 0x7F
    return number
