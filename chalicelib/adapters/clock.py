"""Time and chance: the only place that reads a clock or draws a number."""

import random
import secrets
import time
import uuid

SNOWFLAKE_EPOCH_MS = 1_590_940_800_000
"""dtalk's: 2020-06-01 in Beijing."""
SNOWFLAKE_RANDOM_BITS = 22
"""Where other servers keep a node number and a counter: no state, so chance; a
marker in the creating transaction makes it unique."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def sleep_ms(self, duration_ms: float) -> None:
        time.sleep(duration_ms / 1000)


class SystemDraws:
    """The operating system's randomness."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def call_id(self) -> str:
        return uuid.uuid4().hex

    def token(self) -> str:
        return secrets.token_hex(16)

    def trace_id(self, now_ms: int) -> int:
        drawn = secrets.randbits(SNOWFLAKE_RANDOM_BITS)
        return (now_ms - SNOWFLAKE_EPOCH_MS) << SNOWFLAKE_RANDOM_BITS | drawn

    def room_number(self) -> int:
        return 1 + secrets.randbelow(2**31 - 1)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
