"""The one TCP port: sockets by picows, all else by aiohttp."""

import asyncio
import logging
from typing import Self

from aiohttp import web

from mediaworker.gateway.front import Doors, Front
from mediaworker.gateway.head import MAX_HEAD_BYTES
from mediaworker.gateway.passing import Passing
from mediaworker.gateway.sockets import Sockets

logger = logging.getLogger(__name__)
# It tells of strangers' mistakes only: of ours, `errors` does.
logger.setLevel(logging.CRITICAL)

SHUTDOWN_SECONDS = 1.0
BACKLOG = 1_024


class PortUnavailable(Exception):
    """Somebody else listens there, or we may not."""

    def __init__(self, port: int, reason: str | None) -> None:
        super().__init__(f"The worker cannot listen on port {port}: {reason}.")


class Port:
    """Listens within ``async with``."""

    def __init__(
        self,
        application: web.Application,
        sockets: Sockets,
        passing: Passing,
        host: str,
        port: int,
    ) -> None:
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=logger,
            shutdown_timeout=SHUTDOWN_SECONDS,
            lingering_time=SHUTDOWN_SECONDS,
            # The front has its own bounds, and another shape of refusals.
            max_line_size=MAX_HEAD_BYTES,
            max_field_size=MAX_HEAD_BYTES,
        )
        self._sockets = sockets
        self._passing = passing
        self._host, self._port = host, port
        self._doors: Doors | None = None
        self._server: asyncio.Server | None = None

    @property
    def number(self) -> int:
        """The port's, for who asked for any."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        """Raises `PortUnavailable`."""
        await self._runner.setup()
        http = self._runner.server
        assert http is not None
        self._doors = Doors(http, self._sockets.enter, self._passing)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                Front.factory(self._doors), self._host, self._port, backlog=BACKLOG
            )
        except OSError as error:
            await self._runner.cleanup()
            raise PortUnavailable(self._port, error.strerror) from None
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Nobody new; then those who are there get their last words."""
        assert self._server is not None and self._doors is not None
        self._server.close()
        self._doors.close()
        await self._sockets.close()
        await self._runner.cleanup()
