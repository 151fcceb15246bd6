"""API Gateway's WebSocket API on paper: what its function is told of a socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from infra.laptop.payload import API_ID


@dataclass(frozen=True, slots=True)
class Visitor:
    """A client's socket, as its handshake told of it."""

    connection_id: str
    stage: str
    domain_name: str
    source_ip: str
    headers: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]
    connected_at_ms: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One invocation's own numbers."""

    request_id: str
    at_ms: int


def query_of(raw_query: str, implied: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What the address says, with what its path stands for in place of the same."""
    given = parse_qsl(raw_query, keep_blank_values=True)
    kept = [(name, value) for name, value in given if name not in implied]
    return (*kept, *implied.items())


def connect_event(visitor: Visitor, happening: Happening) -> dict[str, Any]:
    """The only one that bears the handshake's headers and query."""
    event: dict[str, Any] = {
        "headers": dict(visitor.headers),
        "multiValueHeaders": _listed(visitor.headers),
        "requestContext": _context(visitor, happening, "$connect", "CONNECT"),
        "isBase64Encoded": False,
    }
    if visitor.query:
        event["queryStringParameters"] = dict(visitor.query)
        event["multiValueQueryStringParameters"] = _listed(visitor.query)
    return event


def message_event(visitor: Visitor, happening: Happening, text: str) -> dict[str, Any]:
    context = _context(visitor, happening, "$default", "MESSAGE")
    context["messageId"] = happening.request_id
    return {"requestContext": context, "body": text, "isBase64Encoded": False}


def disconnect_event(
    visitor: Visitor, happening: Happening, code: int, reason: str
) -> dict[str, Any]:
    context = _context(visitor, happening, "$disconnect", "DISCONNECT")
    context |= {"disconnectStatusCode": code, "disconnectReason": reason}
    headers = {"Host": visitor.domain_name, "x-api-key": ""}
    return {
        "headers": headers,
        "multiValueHeaders": _listed(tuple(headers.items())),
        "requestContext": context,
        "isBase64Encoded": False,
    }


def failure_text(visitor: Visitor, happening: Happening) -> dict[str, str]:
    """What a client is told of a function that failed over its message."""
    return {
        "message": "Internal server error",
        "connectionId": visitor.connection_id,
        "requestId": happening.request_id,
    }


def identity(visitor: Visitor) -> dict[str, str]:
    agents = [v for name, v in visitor.headers if name.lower() == "user-agent"]
    return {"sourceIp": visitor.source_ip, "userAgent": "".join(agents[:1])}


def instant(at_ms: int) -> str:
    """As ``GetConnection`` writes it."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _listed(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for name, value in pairs:
        listed.setdefault(name, []).append(value)
    return listed


def _context(
    visitor: Visitor, happening: Happening, route: str, kind: str
) -> dict[str, Any]:
    at = datetime.fromtimestamp(happening.at_ms / 1000, UTC)
    return {
        "routeKey": route,
        "eventType": kind,
        "messageDirection": "IN",
        "connectionId": visitor.connection_id,
        "connectedAt": visitor.connected_at_ms,
        "requestId": happening.request_id,
        "extendedRequestId": happening.request_id,
        "requestTime": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": happening.at_ms,
        "identity": identity(visitor),
        "domainName": visitor.domain_name,
        "stage": visitor.stage,
        "apiId": API_ID,
    }
