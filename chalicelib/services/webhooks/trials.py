"""A post to an endpoint for the post's own sake."""

import json
from dataclasses import dataclass, replace

from chalicelib.domain.endpoints import Endpoint
from chalicelib.protocol.session.instants import render as instant
from chalicelib.services.ports import Clock, Draws, Poster
from chalicelib.services.webhooks.attempts import post
from chalicelib.services.webhooks.bodies import Webhook

TEST_EVENT = "webhook.test"
LONGEST_SECONDS = 12.0
"""Shorter than the request that waits for it may take."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test."""

    webhook_id: str
    status: int | None
    """None when no whole answer came."""
    error: str
    duration_ms: int

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def try_out(
    endpoint: Endpoint, event_type: str, poster: Poster, clock: Clock, draws: Draws
) -> Tested:
    """One post, signed as any other, of an event that says it is a test."""
    began_ms = clock.now_ms()
    webhook = Webhook(
        id=f"test-{draws.token()}",
        type=event_type,
        at_ms=began_ms,
        seq=0,
        body=_body(endpoint, event_type, began_ms),
    )
    seconds = min(endpoint.timeout_seconds, LONGEST_SECONDS)
    hurried = replace(endpoint, timeout_seconds=seconds)
    answer = post(poster, hurried, webhook, began_ms)
    duration_ms = clock.now_ms() - began_ms
    return Tested(webhook.id, answer.status, answer.error, duration_ms)


def _body(endpoint: Endpoint, event_type: str, now_ms: int) -> bytes:
    """Standard Webhooks' shape, for an event of nothing."""
    data = {"endpoint_id": endpoint.id, "is_test": True}
    body = {"type": event_type, "timestamp": instant(now_ms), "data": data}
    return json.dumps(body, separators=(",", ":")).encode()
