"""API Gateway's ``@connections``: what is posted to the sockets that it holds."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from mediaworker.control.plane import NOT_ANSWERED, new_client
from mediaworker.control.signing import region_of, signed_headers
from mediaworker.control.task_role import TaskRole
from mediaworker.transports.relay_peer import Outcome

logger = logging.getLogger(__name__)

OUTCOMES = {
    404: Outcome.GONE,
    410: Outcome.GONE,
    413: Outcome.TOO_LARGE,
}


class Connections:
    """A `WayBack`."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        role: TaskRole | None,
        epoch_ms: Callable[[], int],
    ) -> None:
        """Without a role nothing is signed, as on a laptop."""
        self._client = client
        self._role = role
        self._epoch_ms = epoch_ms

    async def post(self, endpoint: str, connection_id: str, text: str) -> Outcome:
        body = text.encode(errors="replace")
        return await self._ask("POST", endpoint, connection_id, body)

    async def close(self, endpoint: str, connection_id: str) -> Outcome:
        return await self._ask("DELETE", endpoint, connection_id)

    async def look(self, endpoint: str, connection_id: str) -> Outcome:
        return await self._ask("GET", endpoint, connection_id)

    async def _ask(
        self, method: str, endpoint: str, connection_id: str, body: bytes = b""
    ) -> Outcome:
        url = url_of(endpoint, connection_id)
        try:
            headers = await self._signed(method, url, body)
            async with self._client.request(
                method,
                URL(url, encoded=True),
                data=body or None,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return self._outcome(response.status)
        except NOT_ANSWERED as error:
            extra = {"reason": type(error).__name__}
            logger.warning("gateway not reached", extra=extra)
            return Outcome.FAILED

    async def _signed(self, method: str, url: str, body: bytes) -> dict[str, str]:
        region = region_of(urlsplit(url).hostname or "")
        if self._role is None or region is None:
            return {}
        credentials = await self._role.credentials()
        if credentials is None:
            return {}
        now = self._epoch_ms() / 1_000
        return signed_headers(method, url, body, credentials, region, now)

    def _outcome(self, status: int) -> Outcome:
        if 200 <= status < 300:
            return Outcome.TAKEN
        if status not in OUTCOMES:
            logger.warning("gateway refused", extra={"status": status})
        return OUTCOMES.get(status, Outcome.FAILED)


def url_of(endpoint: str, connection_id: str) -> str:
    """Of one connection, encoded as botocore does it."""
    return f"{endpoint.rstrip('/')}/@connections/{quote(connection_id, safe='')}"


@asynccontextmanager
async def connections(
    credentials_path: str | None, epoch_ms: Callable[[], int]
) -> AsyncIterator[Connections]:
    """For as long as sockets are relayed; the path is ECS's for a task's role."""
    async with new_client() as client:
        role = (
            TaskRole(client, credentials_path, epoch_ms) if credentials_path else None
        )
        yield Connections(client, role, epoch_ms)
