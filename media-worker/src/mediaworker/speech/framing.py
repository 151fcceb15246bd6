"""How messages go through the socket: a length, and a pickle.

Only a parent and the child that it started itself talk so.
"""

import pickle
import struct
from typing import Any

LENGTH = struct.Struct("!I")
LARGEST = 1 << 26


class BrokenFrame(ValueError):
    """The other end is not one of ours, or has lost its way."""


def pack(message: object) -> bytes:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


class Unpacker:
    """Turns what comes out of a socket into messages again."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """The messages that are complete now; raises `BrokenFrame`."""
        buffer = self._buffer
        buffer += data
        messages = []
        at = 0
        while len(buffer) - at >= LENGTH.size:
            (length,) = LENGTH.unpack_from(buffer, at)
            if length > LARGEST:
                raise BrokenFrame(f"a message of {length} bytes")
            end = at + LENGTH.size + length
            if len(buffer) < end:
                break
            with memoryview(buffer) as view:
                messages.append(_load(view[at + LENGTH.size : end]))
            at = end
        del buffer[:at]
        return messages


def _load(body: memoryview) -> Any:
    with body:
        try:
            return pickle.loads(body)
        except Exception as error:
            raise BrokenFrame("a message that cannot be read") from error
