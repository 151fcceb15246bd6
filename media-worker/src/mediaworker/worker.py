"""What a worker is, beside its sessions: a name, and whether it takes new ones."""

import logging
import secrets
from collections.abc import Callable

from chalicelib.protocol.control import HealthStatus, WorkerHealth

logger = logging.getLogger(__name__)


class Worker:
    """Goes from STARTING to OK, and from either to DRAINING, and never back."""

    def __init__(
        self, worker_id: str, count: Callable[[], int], is_ready: Callable[[], bool]
    ) -> None:
        self.worker_id = worker_id
        self._count = count
        self._is_ready = is_ready
        self._status = HealthStatus.STARTING

    @property
    def sessions(self) -> int:
        return self._count()

    @property
    def is_draining(self) -> bool:
        return self._status is HealthStatus.DRAINING

    def health(self) -> WorkerHealth:
        if self._status is HealthStatus.STARTING and self._is_ready():
            self._become(HealthStatus.OK)
        return WorkerHealth(self.worker_id, self._status, self.sessions)

    def _become(self, status: HealthStatus) -> None:
        logger.info(
            f"worker - {self._status.name} -> {status.name}",
            extra={"sessions": self.sessions},
        )
        self._status = status

    def drain(self) -> None:
        """No new session from now on."""
        if not self.is_draining:
            self._become(HealthStatus.DRAINING)


def new_worker_id() -> str:
    """Short, for session and dialog ids begin with it; hexadecimal, so that a
    session's id is a UUID still."""
    return secrets.token_hex(4)
