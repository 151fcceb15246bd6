"""Every refusal of the port is ``{code, message}``, whoever finds it."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from chalicelib.protocol.tokens import Unauthenticated
from mediaworker.runtime.ports import Refusal

logger = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0
CHALLENGE = {"WWW-Authenticate": "Bearer"}

TIMEOUT = web.RequestKey("timeout", asyncio.Timeout)
"""Of the request, for `stay`."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """A request that is not served, and what its sender is told."""

    def __init__(
        self,
        status: int,
        sentence: str,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """``fields`` stand in the body beside code and message."""
        self.status = status
        self.sentence = sentence
        self.headers = headers or {}
        self.fields = fields or {}
        super().__init__(sentence)

    def body(self) -> bytes:
        told = {**self.fields, "code": self.status, "message": self.sentence}
        return json.dumps(told).encode()

    def render(self) -> bytes:
        """The whole response, after which the connection ends."""
        body = self.body()
        fields = {
            **self.headers,
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        phrase = HTTPStatus(self.status).phrase
        head = f"HTTP/1.1 {self.status} {phrase}\r\n{lines}\r\n"
        return head.encode("latin-1") + body


def unauthenticated(error: Unauthenticated) -> Refused:
    return Refused(401, str(error), CHALLENGE)


def refused_by(refusal: Refusal) -> Refused:
    """What the sessions said, with the time to come back if they named one."""
    after = refusal.retry_after_seconds
    headers = {} if after is None else {"Retry-After": str(after)}
    return Refused(refusal.status, str(refusal), headers)


def stay(request: web.Request) -> None:
    """Let the request take longer than any other may: its answer is a stream."""
    request[TIMEOUT].reschedule(None)


@web.middleware
async def refusals_as_json(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """What was refused, what aiohttp refuses, and what we failed to do.

    A connection serves one request: the next one's head is read by nobody who
    knows of sockets.
    """
    response = await _answer(request, handler)
    response.force_close()
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        async with asyncio.timeout(REQUEST_SECONDS) as request[TIMEOUT]:
            return await handler(request)
    except Refused as refusal:
        return _response(refusal)
    except Unauthenticated as error:
        return _response(unauthenticated(error))
    except web.HTTPException as error:
        allowed = error.headers.get("Allow")
        headers = {"Allow": allowed} if allowed else {}
        return _response(Refused(error.status, error.reason, headers))
    except TimeoutError:
        return _response(Refused(408, "the request did not come in time"))
    except Exception:
        logger.exception("request failed", extra={"path": request.path})
        return _response(Refused(500, "Internal Server Error"))


def _response(refusal: Refused) -> web.Response:
    return web.Response(
        body=refusal.body(),
        status=refusal.status,
        headers=dict(refusal.headers),
        content_type="application/json",
        charset="utf-8",
    )
