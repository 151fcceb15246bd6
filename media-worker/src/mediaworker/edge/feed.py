"""The roster, asked of the control plane again and again."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from chalicelib.protocol.fleet import Workers
from chalicelib.protocol.lease import HEARTBEAT_MS
from chalicelib.protocol.tokens import worker_token
from mediaworker.edge.roster import Roster

logger = logging.getLogger(__name__)

POLL_SECONDS = HEARTBEAT_MS / 1_000
ANSWER_SECONDS = 2.5
FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
MISUNDERSTOOD = (ValueError, KeyError, TypeError, AttributeError)


class Unanswered(Exception):
    """The control plane is away, or does not make sense."""


class RosterFeed:
    """Keeps the last roster while there is no newer one."""

    def __init__(
        self,
        control_url: str,
        edge_id: str,
        jwt_secret: str,
        epoch_ms: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self.roster = Roster()
        self.failures = 0
        self._url = f"{control_url.rstrip('/')}/internal/workers"
        self._edge_id = edge_id
        self._jwt_secret = jwt_secret
        self._epoch_ms = epoch_ms
        self._clock = clock
        self._learnt_at: float | None = None
        self._is_up = True

    @property
    def age_seconds(self) -> float:
        """Of the roster; infinite where there has been none."""
        if self._learnt_at is None:
            return float("inf")
        return self._clock() - self._learnt_at

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as client:
            while True:
                asked_at = self._clock()
                await self._ask(client)
                taken = self._clock() - asked_at
                await asyncio.sleep(max(0.0, POLL_SECONDS - taken))

    async def _ask(self, client: aiohttp.ClientSession) -> None:
        try:
            workers = await self._workers(client)
        except Unanswered as reason:
            self.failures += 1
            self._tell(False, {"reason": str(reason)})
            return
        before, self.roster = self.roster, Roster.of(workers.workers)
        self._learnt_at = self._clock()
        self._tell(True, {})
        if set(before.workers) != set(self.roster.workers):
            known = {"workers": sorted(self.roster.workers)}
            logger.info("roster changed", extra=known)

    async def _workers(self, client: aiohttp.ClientSession) -> Workers:
        """Raises `Unanswered`."""
        now = self._epoch_ms() / 1_000
        token = worker_token(self._jwt_secret, self._edge_id, now)
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with client.get(
                self._url, headers=headers, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise Unanswered(f"answered {response.status}")
                return Workers.parse(await response.json())
        except (*FAILURES, *MISUNDERSTOOD) as error:
            raise Unanswered(type(error).__name__) from None

    def _tell(self, is_up: bool, why: dict[str, str]) -> None:
        """Of each change."""
        if is_up == self._is_up:
            return
        self._is_up = is_up
        names = ("AWAY", "UP") if is_up else ("UP", "AWAY")
        level = logging.INFO if is_up else logging.WARNING
        logger.log(level, f"control plane - {names[0]} -> {names[1]}", extra=why)
