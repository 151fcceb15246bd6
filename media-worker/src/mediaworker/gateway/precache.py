"""``POST /precache``: a text made into speech before any call says it."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from chalicelib.protocol.session.codec import MalformedCommand, parse_command
from chalicelib.protocol.session.commands import Tts
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused, refused_by
from mediaworker.gateway.orders import body_of
from mediaworker.runtime.ports import Refusal
from mediaworker.speech.replies import Prepared

Prepare = Callable[[str, Tts], Awaitable[Prepared]]
"""For a tenant; raises `Refusal`."""


class Precache:
    """For whoever may open a session: what is kept is their tenant's alone."""

    def __init__(self, prepare: Prepare, doorkeeper: Doorkeeper) -> None:
        self._prepare = prepare
        self._doorkeeper = doorkeeper

    async def take(self, request: web.Request) -> web.Response:
        """200 when a call of any rate would find it."""
        principal = self._doorkeeper.admit(request.headers, request.query)
        command = parse(await body_of(request))
        try:
            prepared = await self._prepare(principal.tenant, command)
        except Refusal as refusal:
            raise refused_by(refusal) from None
        return web.json_response(render(prepared))


def parse(body: bytes) -> Tts:
    """Raises `Refused`."""
    try:
        command = parse_command(body)
    except MalformedCommand as error:
        raise Refused(400, str(error)) from None
    if not isinstance(command, Tts):
        raise Refused(400, "only a tts command can be precached")
    return command


def render(prepared: Prepared) -> dict[str, str | int]:
    return {
        "status": "exists" if prepared.was_there else "cached",
        "cacheKey": prepared.cache_key,
        "bytes": prepared.size,
    }
