"""What another worker answers, in pieces that may be followed by words of our own.

No clock, no socket: bytes go in as they come, and out up to the end of the last whole
frame (RFC 6455 section 5.2), so that a Close frame can be put behind them, and audio
that would be heard too late can be left out.
"""

from dataclasses import dataclass

from mediaworker.gateway.head import END, MAX_HEAD_BYTES
from mediaworker.transports.peer import FRAMES_QUEUED_MAX

SWITCHING = b"HTTP/1.1 101 "
CLOSE = 0x8
WHOLE_BINARY = 0x82
WHOLE_TEXT = 0x81
AUDIO_TEXT = b'{"event":"binary",'
"""How `mediaworker.transports.peer.audio_as_events` begins."""
MOST_HELD = 65_536
"""Bytes of a frame that is waited for; a longer one goes on as it comes."""


@dataclass(slots=True)
class Downstream:
    """One answer: a response, or the frames of a socket behind its head."""

    has_begun: bool = False
    """Something of it has gone on, so that another answer comes too late."""
    is_socket: bool = False
    is_closed: bool = False
    """A Close frame has gone on."""
    frames_dropped: int = 0
    _held: bytes = b""
    _left: int = 0
    """Bytes of a long frame that are still to come."""

    @property
    def may_be_closed(self) -> bool:
        """Whether a Close frame may follow what has gone on."""
        return self.is_socket and not self.is_closed and self._left == 0

    def push(self, data: bytes, waiting: int = 0) -> bytes:
        """What may go on now, while so many bytes still wait to be written."""
        data = self._held + data if self._held else data
        if self.has_begun:
            return self._frames(data, waiting) if self.is_socket else data
        end = data.find(END)
        if end < 0 and len(data) <= MAX_HEAD_BYTES:
            self._held = data
            return b""
        self._held = b""
        self.has_begun = True
        self.is_socket = end >= 0 and data.startswith(SWITCHING)
        if not self.is_socket:
            return data
        frames_at = end + len(END)
        return data[:frames_at] + self._frames(data[frames_at:], waiting)

    def _frames(self, data: bytes, waiting: int) -> bytes:
        at = min(self._left, len(data))
        self._left -= at
        kept, begun_at = [], 0
        while (size := frame_size(data, at)) is not None:
            missing = at + size - len(data)
            if missing > 0 and size <= MOST_HELD:
                break
            if waiting > FRAMES_QUEUED_MAX * size and is_audio(data, at, size):
                kept.append(data[begun_at:at])
                begun_at = at + size
                self.frames_dropped += 1
            self.is_closed = self.is_closed or data[at] & 0x0F == CLOSE
            self._left = max(0, missing)
            at = min(at + size, len(data))
        self._held = data[at:]
        kept.append(data[begun_at:at])
        return kept[0] if len(kept) == 1 else b"".join(kept)


def is_audio(data: bytes, at: int, size: int) -> bool:
    """Whether the frame that begins there is there as a whole, and is a frame of audio
    too; ``size`` is its own."""
    if at + size > len(data):
        return False
    if data[at] == WHOLE_BINARY:
        return True
    head = {126: 4, 127: 10}.get(data[at + 1], 2)
    return data[at] == WHOLE_TEXT and data.startswith(AUDIO_TEXT, at + head)


def frame_size(data: bytes, at: int) -> int | None:
    """Of the frame that begins there, head and payload; None while that is unknown."""
    if len(data) < at + 2:
        return None
    length = data[at + 1] & 0x7F
    mask = 4 if data[at + 1] & 0x80 else 0
    if length < 126:
        return 2 + mask + length
    width = 2 if length == 126 else 8
    if len(data) < at + 2 + width:
        return None
    length = int.from_bytes(data[at + 2 : at + 2 + width])
    return 2 + width + mask + length


def close_frame(code: int, reason: str) -> bytes:
    """A server's; the reason is short."""
    payload = code.to_bytes(2) + reason.encode()
    return bytes([0x80 | CLOSE, len(payload)]) + payload
