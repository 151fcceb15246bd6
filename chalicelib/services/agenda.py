"""When a call is to be looked at, and under which key of the index that stands."""

import hashlib

from chalicelib.domain.call import Call

SHARDS = 16
"""Over how many keys the calls are spread, so that none is hot."""
MOST_DUE = 50
"""Calls of one key that are looked at together."""
AUDIT_MS = 120_000
"""How long after its end a call is looked at once more: was all of it told?"""


def shard_of(call_id: str) -> int:
    """The same for the same call, on every machine."""
    return hashlib.sha256(call_id.encode()).digest()[0] % SHARDS


def look_at_ms(call: Call) -> int:
    """The next time; the sweeper comes within a minute of it."""
    if call.ended_at_ms is not None:
        return call.ended_at_ms + AUDIT_MS
    assert call.wake_at_ms is not None
    return call.wake_at_ms
