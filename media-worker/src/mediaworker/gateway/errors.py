"""Every refusal of the HTTP port is ``{code, message}``."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def refusals_as_json(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """What aiohttp refuses by an exception, and what we failed to do."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        if refusal.status < 400:
            raise
        allowed = refusal.headers.get("Allow")
        return refused(refusal.status, refusal.reason, allowed)
    except Exception:
        logger.exception("request failed", extra={"path": request.path})
        return refused(500, "Internal Server Error")


def refused(status: int, message: str, allow: str | None = None) -> web.Response:
    headers = {"Allow": allow} if allow else None
    body = {"code": status, "message": message}
    return web.json_response(body, status=status, headers=headers)
