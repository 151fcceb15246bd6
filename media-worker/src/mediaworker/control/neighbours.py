"""The other workers, and which of them has a session."""

import logging
from collections.abc import Awaitable, Callable, Iterable

from chalicelib.protocol.lease import Neighbour
from mediaworker.control.plane import ControlPlaneError

logger = logging.getLogger(__name__)

Ask = Callable[[str, str], Awaitable[Neighbour | None]]
"""Of a tenant's session, by its id; raises `ControlPlaneError`."""


class Neighbours:
    """As the last heartbeat told of them: while the control plane is away they are
    believed to be where they were."""

    def __init__(self, worker_id: str) -> None:
        self.worker_id = worker_id
        """Our own."""
        self._others: dict[str, Neighbour] = {}
        self._ask: Ask | None = None
        self._turns = 0

    def __len__(self) -> int:
        return len(self._others)

    def learn(self, workers: Iterable[Neighbour]) -> None:
        """All that live; we may be among them."""
        self._others = {
            one.worker_id: one for one in workers if one.worker_id != self.worker_id
        }

    def ask_by(self, ask: Ask | None) -> None:
        """How the control plane is asked, while it can be."""
        self._ask = ask

    def find(self, worker_id: str) -> Neighbour | None:
        return self._others.get(worker_id)

    def taker(self) -> Neighbour | None:
        """One that does not drain, another each time."""
        takers = [one for one in self._others.values() if not one.is_draining]
        self._turns += 1
        return takers[self._turns % len(takers)] if takers else None

    async def holder(self, tenant: str, session_id: str) -> Neighbour | None:
        """Whoever else has it, as far as the control plane has been told and answers;
        None for a session of our own too."""
        if self._ask is None:
            return None
        try:
            found = await self._ask(tenant, session_id)
        except ControlPlaneError as error:
            extra = {"reason": str(error)}
            logger.warning("session not looked up", extra=extra)
            return None
        is_ours = found is not None and found.worker_id == self.worker_id
        return None if is_ours else found
