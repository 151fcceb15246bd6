"""The credentials that ECS gives to a task, fetched when they are needed."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp

from mediaworker.control.signing import Credentials

logger = logging.getLogger(__name__)

CONTAINER_HOST = "http://169.254.170.2"
"""Where ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`` is a path."""
EARLY_SECONDS = 300.0
"""Credentials are fetched anew so long before they expire."""


class TaskRole:
    """Keeps what it fetched until it is nearly out of date."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        path: str,
        epoch_ms: Callable[[], int],
        host: str = CONTAINER_HOST,
    ) -> None:
        self._client = client
        self._url = host + path
        self._epoch_ms = epoch_ms
        self._kept: Credentials | None = None

    async def credentials(self) -> Credentials | None:
        """None when there are none to be had now."""
        now = self._epoch_ms() / 1_000
        if self._kept is None or now > self._kept.expires_at - EARLY_SECONDS:
            self._kept = await self._fetched() or self._kept
        return self._kept

    async def _fetched(self) -> Credentials | None:
        try:
            async with self._client.get(self._url, allow_redirects=False) as response:
                return parse(await response.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            extra = {"reason": type(error).__name__}
            logger.warning("no credentials of the task", extra=extra)
            return None


def parse(value: Any) -> Credentials:
    """The endpoint's answer; raises ValueError."""
    try:
        return Credentials(
            key_id=str(value["AccessKeyId"]),
            secret_key=str(value["SecretAccessKey"]),
            token=str(value["Token"]),
            expires_at=datetime.fromisoformat(value["Expiration"]).timestamp(),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("these are no credentials") from error
