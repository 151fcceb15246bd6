"""The one place of the worker where the wall clock and chance are asked."""

import secrets
import time
import uuid


def epoch_ms() -> int:
    return time.time_ns() // 1_000_000


def epoch_seconds() -> float:
    return time.time_ns() / 1e9


def monotonic() -> float:
    """In seconds. An event loop's own time stands still while a callback runs."""
    return time.monotonic()


def new_uuid() -> str:
    return str(uuid.uuid4())


def new_ssrc() -> int:
    return secrets.randbits(32)
