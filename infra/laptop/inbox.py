"""The business of the laptop stack: an endpoint that checks and keeps webhooks.

It is where webhooks go when nobody names an endpoint, so that a first call shows
them: `make demo` reads it, and so can you, at ``GET /laptop/webhooks``.
"""

import base64
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

PATH = "/laptop/webhooks"
MOST_KEPT = 1_000
EVENTS = ["room.*", "participant.*", "session.*"]
"""Everything but what is derived from these."""


@dataclass(frozen=True, slots=True)
class Received:
    """One webhook, and whether it is what it says it is."""

    id: str
    type: str
    is_verified: bool
    """By both signatures: X-Signature and Standard Webhooks'."""
    at_ms: int
    body: Mapping[str, Any]


class Inbox:
    """Keeps the last webhooks, newest last."""

    def __init__(self, secret: str, now_seconds: Callable[[], float]) -> None:
        self._secret = secret
        self._now_seconds = now_seconds
        self._kept: deque[Received] = deque(maxlen=MOST_KEPT)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post(PATH, self._receive)
        router.add_get(PATH, self._list)

    async def _receive(self, request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            body = json.loads(raw)
        except ValueError:
            return web.json_response({"message": "not JSON"}, status=400)
        if not isinstance(body, dict):
            return web.json_response({"message": "not an object"}, status=400)
        is_verified = self._is_verified(request.headers, raw)
        self._kept.append(
            Received(
                id=request.query.get("event_id", ""),
                type=request.query.get("event_type", ""),
                is_verified=is_verified,
                at_ms=int(self._now_seconds() * 1000),
                body=body,
            )
        )
        return web.json_response({}, status=200 if is_verified else 401)

    async def _list(self, request: web.Request) -> web.Response:
        room_id = request.query.get("room_id")
        return web.json_response(
            [
                asdict(webhook)
                for webhook in self._kept
                if room_id in (None, webhook.body.get("room_id"))
            ]
        )

    def _is_verified(self, headers: Mapping[str, str], raw: bytes) -> bool:
        expected = hmac.new(self._secret.encode(), raw, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, headers.get("X-Signature", "")):
            return False
        try:
            lowered = {name.lower(): value for name, value in headers.items()}
            Webhook(self._secret).verify(raw, lowered)
        except WebhookVerificationError:
            return False
        return True


def secret_of(jwt_secret: str) -> str:
    """The inbox's signing secret, the same in every run of a checkout."""
    derived = hmac.new(jwt_secret.encode(), b"webhook inbox", hashlib.sha256)
    return "whsec_" + base64.b64encode(derived.digest()).decode()


def endpoints_with_inbox(environment: Mapping[str, str]) -> dict[str, str]:
    """What to set so that webhooks come here; nothing if they have an endpoint."""
    given = ("BUSINESS_WEBHOOK_ENDPOINTS", "BUSINESS_WEBHOOK_URLS")
    if any(environment.get(name, "").strip() for name in given):
        return {}
    url = f"http://127.0.0.1:{environment['PARLEY_HTTP_PORT']}{PATH}"
    secret = secret_of(environment["PARLEY_JWT_SECRET"])
    endpoint = {"url": url, "secret": secret, "events": EVENTS}
    return {given[0]: json.dumps([endpoint])}
