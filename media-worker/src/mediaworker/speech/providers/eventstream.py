"""AWS's event stream encoding, a message in each frame of a WebSocket.

Document: docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html. botocore
reads it; writing is not what it is made for.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import cast

PRELUDE, CRC = struct.Struct(">II"), struct.Struct(">I")
OVERHEAD = PRELUDE.size + 2 * CRC.size
TEXT = 7
"""The type of a header whose value is text."""


class BrokenMessage(ValueError):
    """The bytes are not one message."""


def packed(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    prelude = PRELUDE.pack(OVERHEAD + len(head) + len(payload), len(head))
    body = prelude + CRC.pack(zlib.crc32(prelude)) + head + payload
    return body + CRC.pack(zlib.crc32(body))


def _header(name: str, value: str) -> bytes:
    key, data = name.encode(), value.encode()
    return bytes((len(key),)) + key + struct.pack(">BH", TEXT, len(data)) + data


def unpacked(message: bytes) -> tuple[Mapping[str, object], bytes]:
    """Headers and payload; raises `BrokenMessage`."""
    from botocore.eventstream import EventStreamBuffer, ParserError

    if len(message) < OVERHEAD:
        raise BrokenMessage("it is too short")
    total, head = PRELUDE.unpack_from(message)
    if total != len(message) or head > total - OVERHEAD:
        raise BrokenMessage("it has another length")
    buffer = EventStreamBuffer()
    buffer.add_data(message)
    try:
        found = next(buffer)
    except (ParserError, LookupError, ValueError, struct.error) as error:
        raise BrokenMessage(type(error).__name__) from None
    # The stubs take the headers for a number.
    return cast(Mapping[str, object], found.headers), found.payload
