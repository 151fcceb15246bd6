"""API Gateway's WebSockets of users' devices.

``$connect`` decides who is let in, and says why not; ``$default`` carries a command;
``$disconnect`` may come late, or never. Whatever a device is told, it is told by posts.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.protocol import tokens
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.device_names import DEVICE_MAX, is_device
from chalicelib.protocol.session.fields import NAME_MAX, SAFE_INTEGER
from chalicelib.protocol.session.kinds import Line, Unfit
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.services.devices.devices import Device
from chalicelib.services.devices.tickets import BadTicket
from chalicelib.services.retries import Unavailable

bootstrap.prepare("lines", "trust")

log = logging.getLogger(__name__)

DONE: dict[str, Any] = {"statusCode": 200}
LATER_SECONDS = "5"
LONGEST_INSTANT = 16
"""Digits."""

Event = Mapping[str, Any]


class MalformedAddress(ValueError):
    """A parameter of the address is not what it must be; says which and what."""


def handler(event: Event, context: object) -> dict[str, Any]:
    """All three routes."""
    logs.configure()
    about = event["requestContext"]
    connection_id = about["connectionId"]
    match about["eventType"]:
        case "CONNECT":
            return _connect(connection_id, event)
        case "DISCONNECT":
            bootstrap.client_devices().drop(connection_id)
        case _:
            bootstrap.clients().hear(connection_id, event.get("body") or "")
    return DONE


def _connect(connection_id: str, event: Event) -> dict[str, Any]:
    try:
        bootstrap.client_devices().connect(_device(connection_id, event))
    except (Unauthenticated, BadTicket) as error:
        return _refusal(401, "unauthenticated", error, {"WWW-Authenticate": "Bearer"})
    except MalformedAddress as error:
        return _refusal(400, "invalid_request", error)
    except Unavailable:
        after = {"Retry-After": LATER_SECONDS}
        return _refusal(503, "unavailable", "try again later", after)
    return DONE


def _device(connection_id: str, event: Event) -> Device:
    """Raises `Unauthenticated`, `BadTicket`, `MalformedAddress` or `Unavailable`."""
    query = event.get("queryStringParameters") or {}
    headers = event.get("headers") or {}
    device = query.get("device") or connection_id
    if not is_device(device):
        longest = f"1 to {DEVICE_MAX} printable ASCII characters, no spaces"
        raise MalformedAddress(f"device must be {longest}")
    device_type = _device_type(query.get("device_type", ""))
    since_ms = _since_ms(query.get("since", ""))
    # Last, for a ticket is good for one attempt.
    principal = _principal(headers, query)
    now_ms: int = event["requestContext"]["requestTimeEpoch"]
    return Device(
        principal.tenant,
        principal.uid,
        device,
        device_type,
        connection_id,
        connected_at_ms=now_ms,
        seen_at_ms=now_ms,
        since_ms=since_ms,
    )


def _principal(headers: Mapping[str, str], query: Mapping[str, str]) -> Principal:
    """By a token or a ticket, and by nothing else."""
    ticket = query.get("ticket", "")
    if ticket:
        return bootstrap.tickets().spend(ticket)
    lowered = {name.lower(): value for name, value in headers.items()}
    trust = bootstrap.trust_of(bootstrap.settings())
    return tokens.admit(lowered, query, trust)


def _device_type(text: str) -> str:
    try:
        Line(NAME_MAX).check(text)
    except Unfit as error:
        raise MalformedAddress(f"device_type {error}") from None
    return text


def _since_ms(text: str) -> int | None:
    if not text:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) <= LONGEST_INSTANT
    if not is_number or int(text) > SAFE_INTEGER:
        raise MalformedAddress("since must be epoch milliseconds")
    return int(text)


def _refusal(
    status: int,
    code: str,
    sentence: object,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "body": json.dumps({"code": code, "message": str(sentence)}),
    }
