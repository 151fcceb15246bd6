"""Where the phones of a worker find themselves."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Site:
    """Where the worker is, and for whom."""

    worker_id: str
    host: str
    """That its ports are bound to."""
    public_address: str | None
    ws_url: str
    is_development: bool
    is_open: bool
    """Anybody may take calls."""
    media_timeout_seconds: float
    has_room: Callable[[], bool]
    """For another session."""
    secret: str = field(default="", repr=False)
    """That the fleet's edges say with whose messages they pass on; empty: there are
    none."""
