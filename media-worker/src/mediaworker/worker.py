"""What a worker is, beside its sessions: a name, and whether it takes new ones."""

import asyncio
import logging
import secrets

from chalicelib.protocol.control import HealthStatus, WorkerHealth

logger = logging.getLogger(__name__)


class Worker:
    """Goes from OK to DRAINING, and never back."""

    def __init__(self, worker_id: str) -> None:
        self.worker_id = worker_id
        self._status = HealthStatus.OK
        self._sessions = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def health(self) -> WorkerHealth:
        return WorkerHealth(self.worker_id, self._status, self._sessions)

    async def drain(self) -> None:
        """Take no new session, and wait until the last has ended."""
        if self._status is HealthStatus.OK:
            logger.info("worker - OK -> DRAINING", extra={"sessions": self._sessions})
        self._status = HealthStatus.DRAINING
        await self._is_empty.wait()


def new_worker_id() -> str:
    """Short, for session and dialog ids begin with it."""
    return secrets.token_hex(4)
