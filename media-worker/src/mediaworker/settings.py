"""What the worker takes from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class BadSetting(ValueError):
    """One sentence that says which variable is wrong, and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the worker listens, and who it is."""

    host: str
    port: int
    worker_id: str | None
    """None: choose one at random."""
    log_level: str

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Self:
        port = environment.get("PARLEY_WORKER_PORT", "8080")
        if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise BadSetting(
                f"PARLEY_WORKER_PORT is a port from 1 to 65535, not {port!r}."
            )
        level = environment.get("PARLEY_LOG_LEVEL", "INFO").upper()
        if level not in LOG_LEVELS:
            raise BadSetting(
                f"PARLEY_LOG_LEVEL is one of {', '.join(LOG_LEVELS)}, not {level}."
            )
        return cls(
            host=environment.get("PARLEY_BIND", "127.0.0.1"),
            port=int(port),
            worker_id=environment.get("PARLEY_WORKER_ID"),
            log_level=level,
        )
