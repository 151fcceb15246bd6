"""Digits in INFO requests: ``application/dtmf-relay``, and ``application/dtmf``."""

import re

DTMF_RELAY = "application/dtmf-relay"
DTMF = "application/dtmf"
MOST_BYTES = 256
SIGNAL = re.compile(rb"(?im)^[ \t]*signal[ \t]*=[ \t]*([0-9a-d*#]|1[0-5])[ \t]*\r?$")
BARE = re.compile(rb"(?i)[ \t\r\n]*([0-9a-d*#]|1[0-5])[ \t\r\n]*\Z")
BY_NUMBER = "0123456789*#ABCD"
"""Some say 10 for the asterisk, and so on, as RFC 4733 numbers its events."""


def key_of(content_type: str, body: bytes) -> str | None:
    """The digit that was pressed, of ``0-9*#A-D``; None when it tells of none."""
    if len(body) > MOST_BYTES:
        return None
    if content_type == DTMF_RELAY:
        match = SIGNAL.search(body)
    elif content_type == DTMF:
        match = BARE.match(body)
    else:
        return None
    if match is None:
        return None
    text = match[1].decode().upper()
    return BY_NUMBER[int(text)] if len(text) > 1 else text


def relay_of(digit: str, duration_ms: int) -> bytes:
    """The body of a ``dtmf-relay``."""
    return f"Signal={digit}\r\nDuration={duration_ms}\r\n".encode()
