"""``POST /internal/orders``: the control plane's word, faster than a heartbeat."""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from chalicelib.protocol.envelope import UnknownVersion
from chalicelib.protocol.lease import (
    Drain,
    EndSession,
    MalformedMessage,
    Order,
    parse_message,
)
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused

Obey = Callable[[Order], bool]

MAX_BODY_BYTES = 65_536


class Orders:
    """Takes orders of Parley's own parts, and of nobody else."""

    def __init__(self, obey: Obey, doorkeeper: Doorkeeper) -> None:
        self._obey = obey
        self._doorkeeper = doorkeeper

    async def take(self, request: web.Request) -> web.Response:
        """204; 404 for a session that is not here, 409 for another worker's order."""
        self._doorkeeper.admit_part(request.headers)
        order = parse(await json_object(request))
        if not self._obey(order):
            if isinstance(order, Drain):
                raise Refused(409, "the order is for another worker")
            raise Refused(404, "there is no such session")
        return web.Response(status=204)


def parse(value: dict[str, Any]) -> Order:
    """Raises `Refused`."""
    try:
        message = parse_message(value)
    except (MalformedMessage, UnknownVersion) as error:
        raise Refused(400, str(error)) from None
    if not isinstance(message, EndSession | Drain):
        raise Refused(400, "this is no order")
    return message


async def body_of(request: web.Request, most: int = MAX_BODY_BYTES) -> bytes:
    """Raises `Refused` for one that is too large; its length is always told."""
    if (request.content_length or 0) > most:
        raise Refused(413, f"the body has at most {most} bytes")
    return await request.read()


async def json_object(
    request: web.Request, most: int = MAX_BODY_BYTES
) -> dict[str, Any]:
    """The body; raises `Refused`."""
    try:
        value = json.loads(await body_of(request, most))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(400, "the body must be a JSON object")
    return value
