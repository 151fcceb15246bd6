"""Devices' sockets without a gateway, and side by side without threads."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalicelib.services.devices.devices import SocketError

_T = TypeVar("_T")


@dataclass
class FakeSockets:
    """A `Sockets`; what a socket fails with, a test puts there."""

    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    failures: dict[str, SocketError] = field(default_factory=dict)

    def post(self, connection_id: str, text: str) -> None:
        if connection_id in self.failures:
            raise self.failures[connection_id]
        self.posted.append((connection_id, json.loads(text)))

    def close(self, connection_id: str) -> None:
        self.closed.append(connection_id)

    def told(self, connection_id: str) -> list[dict[str, Any]]:
        return [frame for to, frame in self.posted if to == connection_id]

    def events(self, connection_id: str) -> list[str]:
        return [frame["event"] for frame in self.told(connection_id)]


class InTurn:
    """A `FanOut` that does one job after the other, none when there is no time."""

    def spread(
        self, jobs: Sequence[Callable[[], _T]], within_ms: int
    ) -> list[_T | None]:
        return [self._done(job) if within_ms > 0 else None for job in jobs]

    def _done(self, job: Callable[[], _T]) -> _T | None:
        try:
            return job()
        except Exception:
            return None
