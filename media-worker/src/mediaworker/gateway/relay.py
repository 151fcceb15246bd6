"""``POST /internal/relay``: sessions whose sockets API Gateway holds."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from aiohttp import web

from chalicelib.protocol.envelope import UnknownVersion
from chalicelib.protocol.lease import MalformedMessage
from chalicelib.protocol.relay import (
    MAX_BODY_BYTES,
    Frame,
    Gone,
    Open,
    RelayMessages,
    parse_relayed,
)
from chalicelib.protocol.session.query import MalformedQuery, SessionQuery
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused, refused_by
from mediaworker.gateway.orders import json_object
from mediaworker.gateway.relayed import Relayed
from mediaworker.gateway.reordering import GAP_SECONDS
from mediaworker.runtime.ports import Refusal, Sessions
from mediaworker.transports.relay_peer import Outcome, RelayPeer, WayBack

logger = logging.getLogger(__name__)

Reach = Callable[[], AbstractAsyncContextManager[WayBack]]


class Relay:
    """Takes frames, and posts events back to their sockets, while `run` runs."""

    def __init__(
        self,
        sessions: Sessions,
        reach: Reach,
        server_side_track: str,
        epoch_ms: Callable[[], int],
    ) -> None:
        self._sessions = sessions
        self._reach = reach
        self._server_side_track = server_side_track
        self._epoch_ms = epoch_ms
        self._sockets: dict[str, Relayed] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._way: WayBack | None = None
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Until cancelled."""
        async with self._reach() as self._way, asyncio.TaskGroup() as self._tasks:
            await asyncio.Event().wait()

    async def flush(self, seconds: float) -> None:
        """Wait until the last words of all were posted, but not longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()

    async def take(self, message: RelayMessages) -> None:
        """Raises `Refused`."""
        match message:
            case Open():
                await self._open(message)
            case Frame():
                self._known(message.connection_id).take(message)
            case Gone():
                self._leave(message)

    async def _open(self, opened: Open) -> None:
        if opened.connection_id in self._sockets:
            return
        try:
            query = SessionQuery.parse(opened.query, self._server_side_track)
        except MalformedQuery as error:
            raise Refused(400, str(error)) from None
        if query.id is not None:
            await self._let_go(query.id, opened)
        self._begin(opened, query)

    def _begin(self, opened: Open, query: SessionQuery) -> None:
        if self._tasks is None or self._way is None:
            raise Refused(503, "the worker is starting", {"Retry-After": "1"})
        peer = RelayPeer(self._epoch_ms)
        try:
            handle = self._sessions.open(
                opened.principal, query, opened.call_type, peer
            )
        except Refusal as refusal:
            raise refused_by(refusal) from None
        socket = Relayed(opened, peer, handle)
        self._sockets[opened.connection_id] = socket
        self._is_empty.clear()
        self._tasks.create_task(self._deliver(socket, self._way))

    async def _let_go(self, session_id: str, opened: Open) -> None:
        """Of a socket that is gone, though nobody has told: who comes back is early."""
        wanted = (session_id, opened.principal)
        for held in list(self._sockets.values()):
            is_same = (held.session_id, held.opened.principal) == wanted
            if is_same and (held.is_leaving or not await self._is_there(held.opened)):
                held.lose(is_clean=False)

    async def _is_there(self, opened: Open) -> bool:
        if self._way is None:
            return True
        outcome = await self._way.look(opened.endpoint, opened.connection_id)
        return outcome is not Outcome.GONE

    def _known(self, connection_id: str) -> Relayed:
        found = self._sockets.get(connection_id)
        if found is None:
            raise Refused(404, "there is no such connection")
        return found

    def _leave(self, gone: Gone) -> None:
        """Not at once: what the client sent before may have been overtaken."""
        socket = self._known(gone.connection_id)
        socket.is_leaving = True
        loop = asyncio.get_running_loop()
        loop.call_later(GAP_SECONDS, socket.lose, gone.is_clean)

    async def _deliver(self, socket: Relayed, way: WayBack) -> None:
        try:
            await socket.deliver(way)
        except Exception:
            logger.exception("socket dropped", extra={"session_id": socket.session_id})
        finally:
            self._sockets.pop(socket.opened.connection_id, None)
            if not self._sockets:
                self._is_empty.set()


class RelayDoor:
    """Lets Parley's own parts in, and nobody else."""

    def __init__(self, relay: Relay, doorkeeper: Doorkeeper) -> None:
        self._relay = relay
        self._doorkeeper = doorkeeper

    async def take(self, request: web.Request) -> web.Response:
        """204; 404 for a connection that is not here, else as a socket is refused."""
        self._doorkeeper.admit_part(request.headers)
        value = await json_object(request, MAX_BODY_BYTES)
        try:
            message = parse_relayed(value)
        except (MalformedMessage, UnknownVersion) as error:
            raise Refused(400, str(error)) from None
        await self._relay.take(message)
        return web.Response(status=204)
