"""Messages out of a stream (RFC 3261 18.3, RFC 5626 3.5.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mediaworker.sip.messages import BREAK, END, FOLD, MOST_BYTES

MOST_HEAD_BYTES = 32_768

LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:([^\r\n]*)", re.IGNORECASE)
DIGITS = re.compile(rb"0*([0-9]{1,5})")
KEPT_ALIVE = (b"", b"\r", b"\r\n", b"\r\n\r")
"""What may become a ping, or be followed by a message."""

PONG = b"\r\n"


@dataclass(frozen=True, slots=True)
class Ping:
    """The far end keeps the connection alive; it is to be answered with `PONG`."""


Item = bytes | Ping


class BrokenStream(ValueError):
    """Where the next message begins cannot be known: the connection is to end."""

    def __init__(self, sentence: str, before: Sequence[Item] = ()) -> None:
        super().__init__(sentence)
        self.before = before
        """What was whole in the last that was fed."""


class StreamFramer:
    """Cuts what one TCP or TLS connection brings into whole messages.

    A single empty line between messages is a pong, or nothing at all.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._searched = 0
        """How much of what is pending holds no end of a head."""
        self._size = 0
        """Of the message that is pending, once its head is whole."""
        self._fault = ""

    @property
    def pending_bytes(self) -> int:
        """What was fed and is no whole message yet."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Item]:
        """Raises `BrokenStream`, and again whatever is fed afterwards."""
        items: list[Item] = []
        if not self._fault:
            self._pending += data
            try:
                while (item := self._next()) is not None:
                    items.append(item)
            except BrokenStream as error:
                self._fault = str(error)
                self._pending.clear()
        if self._fault:
            raise BrokenStream(self._fault, items)
        return items

    def _next(self) -> Item | None:
        if not self._size:
            if self._skip_empty_lines():
                return Ping()
            self._size = self._measure()
        if not self._size or len(self._pending) < self._size:
            return None
        message = bytes(self._pending[: self._size])
        del self._pending[: self._size]
        self._size = self._searched = 0
        return message

    def _skip_empty_lines(self) -> bool:
        """Whether a ping stood there."""
        if self._pending.startswith(END):
            del self._pending[: len(END)]
            return True
        if self._pending.startswith(BREAK) and self._pending not in KEPT_ALIVE:
            del self._pending[: len(BREAK)]
        return False

    def _measure(self) -> int:
        """The size of the message that begins here; 0 while its head is not whole."""
        pending = self._pending
        end = pending.find(END, max(self._searched - len(END), 0))
        self._searched = len(pending)
        head_bytes = self._searched if end < 0 else end
        if head_bytes > MOST_HEAD_BYTES:
            raise BrokenStream("the header fields are too long")
        if end < 0:
            return 0
        size = end + len(END) + _length_in(bytes(pending[:end]))
        if size > MOST_BYTES:
            raise BrokenStream(f"a message has at most {MOST_BYTES} octets")
        return size


def _length_in(head: bytes) -> int:
    lengths = {text.strip(b" \t") for text in LENGTH.findall(FOLD.sub(b" ", head))}
    if len(lengths) != 1:
        raise BrokenStream("a message in a stream has one Content-Length")
    match = DIGITS.fullmatch(lengths.pop())
    if match is None:
        raise BrokenStream("Content-Length is not a number")
    return int(match[1])
