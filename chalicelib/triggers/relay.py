"""API Gateway's WebSockets of applications -> media workers.

``$connect`` decides who is let in, and by which worker; ``$default`` carries a message;
``$disconnect`` may come late, or never. An answer has no body: what a client is told
comes from the worker alone.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.protocol import tokens
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.session.query import MalformedQuery, SessionQuery
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.protocol.vocabulary import Dialect
from chalicelib.services.relay import Arrival, RelayRefused
from chalicelib.services.retries import Unavailable

bootstrap.prepare("parts", "trust")

log = logging.getLogger(__name__)

CLEAN_CODES = frozenset({1000, 1005})
"""RFC 6455 section 7.4.1: a client that is done, or that gives no code. Going away
(1001) is what a cut by the gateway looks like too."""
DONE: dict[str, Any] = {"statusCode": 200}
LATER_SECONDS = 5

Event = Mapping[str, Any]


def handler(event: Event, context: object) -> dict[str, Any]:
    """All three routes."""
    logs.configure()
    about = event["requestContext"]
    connection_id = about["connectionId"]
    match about["eventType"]:
        case "CONNECT":
            return _connect(connection_id, event)
        case "DISCONNECT":
            is_clean = about.get("disconnectStatusCode") in CLEAN_CODES
            bootstrap.relay().disconnect(connection_id, is_clean)
        case _:
            bootstrap.relay().forward(connection_id, event.get("body") or "")
    return DONE


def _connect(connection_id: str, event: Event) -> dict[str, Any]:
    try:
        arrival = _arrival(connection_id, event)
        bootstrap.relay().connect(arrival)
    except Unauthenticated as error:
        return _refusal(401, str(error), {"WWW-Authenticate": "Bearer"})
    except MalformedQuery as error:
        return _refusal(400, str(error))
    except Unavailable:
        return _refusal(503, "try again later", _after(LATER_SECONDS))
    except RelayRefused as refusal:
        after = _after(refusal.retry_after_seconds)
        return _refusal(refusal.status, str(refusal), after)
    return DONE


def _arrival(connection_id: str, event: Event) -> Arrival:
    """Raises `Unauthenticated` or `MalformedQuery`."""
    query = dict(event.get("queryStringParameters") or {})
    principal = _principal(event.get("headers") or {}, query)
    query.pop("token", None)
    call_type = SessionQuery.parse(query).type or CallType.WEBSOCKET
    return Arrival(connection_id, principal, call_type, query)


def _principal(headers: Mapping[str, str], query: Mapping[str, str]) -> Principal:
    settings = bootstrap.settings()
    lowered = {name.lower(): value for name, value in headers.items()}
    is_open = Dialect.ACTIVE_CALL in settings.open_dialects
    trust = bootstrap.trust_of(settings)
    return tokens.admit(lowered, query, trust, is_open=is_open)


def _refusal(
    status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "body": json.dumps({"code": status, "message": sentence}),
    }


def _after(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}
