"""AsyncAPI 3.0 of the sockets of users' devices, made of the protocol's own values."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.protocol import clients
from chalicelib.protocol.client_events import EVENTS, Push
from chalicelib.protocol.client_fields import (
    ID_MAX,
    MOST_COMMAND_BYTES,
    MOST_PAYLOAD_BYTES,
    Payload,
    Tag,
    Told,
)
from chalicelib.protocol.clients import COMMANDS
from chalicelib.protocol.device_names import DEVICE
from chalicelib.protocol.session.containers import JsonObject, Listing
from chalicelib.protocol.session.fields import SAFE_INTEGER
from chalicelib.protocol.session.kinds import Choice, Kind, Matching, Text, Whole
from chalicelib.protocol.session.records import Nested, entries_of

CONTENT_TYPE = "application/json"
PATH = "/ws"
ABOUT = (
    "Connect with `token` (a JWT) or `ticket` (of POST /v1/tickets, good once within a "
    "minute), and say hello. " + (inspect.getdoc(clients) or "").replace("\n", " ")
)
QUERY: Mapping[str, Mapping[str, Any]] = {
    "token": {"type": "string", "description": "A JWT; never an API key."},
    "ticket": {"type": "string", "description": "In place of a token; spent by it."},
    "device": {
        "type": "string",
        "pattern": "^" + DEVICE.pattern.replace("\\Z", "$"),
        "description": "The device's own name: its former socket is closed.",
    },
    "device_type": {"type": "string"},
    "since": {
        "type": "string",
        "pattern": "^[0-9]{1,16}$",
        "description": "Epoch milliseconds of the last push that was heard.",
    },
}


def document() -> dict[str, Any]:
    """The whole of it, as JSON has it."""
    commands = {f"command.{name}": kind for name, kind in COMMANDS.items()}
    events = {f"event.{name}": kind for name, kind in EVENTS.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Parley: devices", "version": "1", "description": ABOUT},
        "defaultContentType": CONTENT_TYPE,
        "channels": {"clients": _channel([*commands, *events])},
        "operations": {
            "hear": _operation("receive", list(commands), "What a device asks."),
            "tell": _operation("send", list(events), "What a device is told."),
        },
        "components": {
            "messages": {
                **{
                    key: _message(kind, "command", kind.command)
                    for key, kind in commands.items()
                },
                **{
                    key: _message(kind, "event", kind.event)
                    for key, kind in events.items()
                },
            },
        },
    }


def schema_of(kind: Kind) -> dict[str, Any]:
    """JSON Schema of what a field holds. Raises TypeError for a kind that it lacks."""
    match kind:
        case Text(longest=longest):
            return {"type": "string", "maxLength": longest}
        case Matching(pattern=pattern):
            return {"type": "string", "pattern": _pattern(pattern)}
        case Whole(low=low, high=high):
            return {"type": "integer", "minimum": low, "maximum": high}
        case Choice(words=words):
            return {"type": "string", "enum": [word.value for word in words]}
        case Payload():
            about = f"At most {MOST_PAYLOAD_BYTES} bytes of JSON."
            return {"type": "object", "description": about}
        case JsonObject():
            return {"type": "object"}
        case Listing(of=of, longest=longest):
            return {"type": "array", "items": schema_of(of), "maxItems": longest}
        case Nested(record=record):
            return _object(record)
        case Tag():
            number = {"type": "integer", "minimum": 0, "maximum": SAFE_INTEGER}
            return {"oneOf": [{"type": "string", "maxLength": ID_MAX}, number]}
    raise TypeError(f"{kind} has no schema")


def _channel(messages: list[str]) -> dict[str, Any]:
    return {
        "address": PATH,
        "description": f"Text frames of at most {MOST_COMMAND_BYTES} bytes.",
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in messages
        },
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": dict(QUERY)},
            }
        },
    }


def _operation(action: str, messages: list[str], summary: str) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": "#/channels/clients"},
        "messages": [
            {"$ref": f"#/channels/clients/messages/{name}"} for name in messages
        ],
    }


def _message(kind: type[Told], tag: str, name: str) -> dict[str, Any]:
    payload = _object(kind, (tag, name))
    tags = [{"name": "push"}] if issubclass(kind, Push) else []
    return {
        "name": name,
        "summary": _about(kind),
        "contentType": CONTENT_TYPE,
        "payload": payload,
        **({"tags": tags} if tags else {}),
    }


def _object(record: Any, tag: tuple[str, str] | None = None) -> dict[str, Any]:
    """Of a record, and of the field that tells it from others."""
    always = getattr(record, "always", ())
    properties: dict[str, Any] = {}
    required: list[str] = []
    if tag is not None:
        properties[tag[0]] = {"const": tag[1]}
        required.append(tag[0])
    for entry in entries_of(record):
        key, schema = entry.keys[0], schema_of(entry.kind)
        is_null = key in always
        properties[key] = {"oneOf": [schema, {"type": "null"}]} if is_null else schema
        if entry.is_required or is_null or not entry.is_optional:
            required.append(key)
    return {"type": "object", "properties": properties, "required": required}


def _pattern(pattern: re.Pattern[str]) -> str:
    """As ECMA 262 writes it."""
    return "^" + pattern.pattern.replace("\\Z", "$")


def _about(kind: type[Told]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())
