"""JSON Schema of the session protocol, made of the records that read and write it.

What the schema takes, the parser takes. It is stricter in two things: words of an
enumeration are spelt as they are written, and each spelling of a key is checked. It
cannot say three: that text has no lone surrogates, how deep and how large a whole
command is, and the bounds of times that are text.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import singledispatch
from typing import Any, get_args

from chalicelib.protocol.session import containers, kinds, query, records
from chalicelib.protocol.session.commands import Command, Tts
from chalicelib.protocol.session.events import Event
from chalicelib.protocol.session.fields import SPOKEN_MAX
from chalicelib.protocol.session.instants import INSTANT
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.prose import about, about_fields, flowing
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.records import Entry, Nested, Record, entries_of
from chalicelib.protocol.session.speech import DEFAULTS, SynthesisOption
from chalicelib.protocol.session.vocabulary import DEFAULT_CODEC

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:parley:session-protocol:1"
TITLE = "Parley: the session protocol"
END = r"$(?!\n)"
"""The end of the text, for ECMA 262 and for engines that let a line end follow."""
ONE_LINE = rf"^[^\x00-\x1f\x7f\x85\u2028\u2029]*{END}"
BASE64 = (
    "^(?:[A-Za-z0-9+/]{4})*"
    rf"(?:[A-Za-z0-9+/]{{2}}==|[A-Za-z0-9+/]{{3}}=)?{END}"
)

ABOUT_TOGETHER: Mapping[type[Record], Schema] = {
    Tts: {
        "if": {"properties": {"base64": {"const": True}}, "required": ["base64"]},
        "then": {"properties": {"text": {"pattern": BASE64}}},
        "else": {"properties": {"text": {"maxLength": SPOKEN_MAX}}},
    }
}
"""What `Record.check_whole` asks."""

LATER_DEFAULTS: Mapping[type[Record], Mapping[str, Any]] = {
    SynthesisOption: records.write(DEFAULTS),
    CallOption: {"codec": DEFAULT_CODEC.value},
}
"""Of keys whose absence is kept until it is known what else was asked for."""


def document() -> Schema:
    """The whole protocol: a command, or an event, and all that they are made of."""
    commands, events = get_args(Command), get_args(Event)
    definitions: dict[str, Schema] = {
        "Command": _one_of(commands, "command", "What an application asks."),
        "Event": _one_of(events, "event", "What an application is told."),
    }
    for record in (*commands, SessionQuery, *events):
        _define(record, definitions)
    return {
        "$schema": DIALECT,
        "$id": ID,
        "title": TITLE,
        "description": flowing(__doc__ or ""),
        "oneOf": [_reference("Command"), _reference("Event")],
        "$defs": definitions,
    }


def _define(record: type[Record], into: dict[str, Schema]) -> None:
    """The record, and before it those that stand in its fields."""
    for entry in entries_of(record):
        inner = entry.kind
        if isinstance(inner, Nested) and inner.record.__name__ not in into:
            _define(inner.record, into)
    into[record.__name__] = _object(record)


def _one_of(kinds_of_it: tuple[type[Record], ...], tag: str, said: str) -> Schema:
    return {
        "description": said,
        "discriminator": {
            "propertyName": tag,
            "mapping": {getattr(k, tag): _path(k.__name__) for k in kinds_of_it},
        },
        "oneOf": [_reference(kind.__name__) for kind in kinds_of_it],
    }


def _object(record: type[Record]) -> Schema:
    required: list[str] = []
    properties: dict[str, Schema] = {}
    for tag in ("command", "event"):
        if hasattr(record, tag):
            properties[tag] = {"const": getattr(record, tag)}
            required.append(tag)
    told, defaults = about_fields(record), _defaults(record)
    for entry in entries_of(record):
        key, *others = entry.keys
        schema = _field(entry, is_told=hasattr(record, "event"))
        said = told.get(entry.attribute)
        properties[key] = {
            **({"description": said} if said else {}),
            **schema,
            **({"default": defaults[key]} if key in defaults else {}),
        }
        for other in others:
            properties[other] = {"description": f"The same as `{key}`.", **schema}
        required += [key] if entry.is_required else []
    return {
        "description": about(record),
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        **ABOUT_TOGETHER.get(record, {}),
    }


def _defaults(record: type[Record]) -> Mapping[str, Any]:
    by_name = {field.name: field.default for field in fields(record)}
    early = {
        entry.keys[0]: entry.kind.write(by_name[entry.attribute])
        for entry in entries_of(record)
        if not entry.is_required and by_name[entry.attribute] is not None
    }
    return {**early, **LATER_DEFAULTS.get(record, {})}


def _field(entry: Entry, *, is_told: bool) -> Schema:
    """``is_told``: of an event, whose session description is there to be read."""
    schema = schema_of(entry.kind)
    if isinstance(entry.kind, kinds.Hidden) and not is_told:
        schema = {**schema, "writeOnly": True}
    if not entry.is_required:
        return _nullable(schema)
    return schema or {"not": {"type": "null"}}


def _nullable(schema: Schema) -> Schema:
    """Null says what absence says."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "type" not in schema:
        return schema
    types = schema["type"]
    several = types if isinstance(types, list) else [types]
    words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, **words, "type": [*several, "null"]}


@singledispatch
def schema_of(kind: kinds.Kind) -> Schema:
    """What a field of that kind may hold. Raises TypeError for one it lacks."""
    raise TypeError(f"{kind} has no schema")


@schema_of.register
def _flag(kind: kinds.Flag) -> Schema:
    return {"type": "boolean"}


@schema_of.register
def _number(kind: kinds.Number) -> Schema:
    return {"type": "number", "minimum": kind.low, "maximum": kind.high}


@schema_of.register
def _whole(kind: kinds.Whole) -> Schema:
    return {"type": "integer", "minimum": kind.low, "maximum": kind.high}


@schema_of.register
def _text(kind: kinds.Text) -> Schema:
    return {"type": "string", "maxLength": kind.longest}


@schema_of.register
def _line(kind: kinds.Line) -> Schema:
    return {**_text(kind), "pattern": ONE_LINE}


@schema_of.register
def _matching(kind: kinds.Matching) -> Schema:
    return {"type": "string", "pattern": _pattern(kind.pattern)}


@schema_of.register
def _choice(kind: kinds.Choice) -> Schema:
    return {"type": "string", "enum": [word.value for word in kind.words]}


@schema_of.register
def _duration(kind: kinds.Duration) -> Schema:
    longest = kind.longest_ms // kinds.UNIT_MS["s"]
    return {
        "type": ["number", "string"],
        "minimum": 0,
        "maximum": longest,
        "pattern": _pattern(kinds.DURATION),
        "$comment": f'seconds, or text like "30s"; at most {longest} s',
    }


@schema_of.register
def _instant(kind: kinds.Instant) -> Schema:
    return {"type": "string", "format": "date-time", "pattern": _pattern(INSTANT)}


@schema_of.register
def _hidden(kind: kinds.Hidden) -> Schema:
    return schema_of(kind.kind)


@schema_of.register
def _nested(kind: Nested) -> Schema:
    return _reference(kind.record.__name__)


@schema_of.register
def _octets(kind: containers.Octets) -> Schema:
    octet = {"type": "integer", "minimum": 0, "maximum": 255}
    return {"type": "array", "items": octet, "maxItems": kind.longest}


@schema_of.register
def _headers(kind: containers.HeaderFields) -> Schema:
    return {
        "type": "object",
        "maxProperties": containers.MAX_HEADERS,
        "propertyNames": {"pattern": _pattern(containers.HEADER_NAME)},
        "additionalProperties": _line(kinds.Line(containers.MAX_HEADER_VALUE)),
    }


@schema_of.register
def _json(kind: containers.Json) -> Schema:
    return {}


@schema_of.register
def _json_object(kind: containers.JsonObject) -> Schema:
    return {"type": "object"}


@schema_of.register
def _listing(kind: containers.Listing) -> Schema:
    items = schema_of(kind.of)
    return {"type": "array", "items": items, "maxItems": kind.longest}


@schema_of.register
def _spelt_flag(kind: query.SpeltFlag) -> Schema:
    return {"type": "string", "enum": list(query.WORDS)}


@schema_of.register
def _spelt_whole(kind: query.SpeltWhole) -> Schema:
    about_it = f"a whole number from {kind.low} to {kind.high}"
    return {"type": "string", "pattern": f"^[0-9]{{1,9}}{END}", "$comment": about_it}


def _pattern(pattern: re.Pattern[str]) -> str:
    """As ECMA 262 writes it."""
    return "^" + pattern.pattern.replace(r"\Z", END)


def _reference(name: str) -> Schema:
    return {"$ref": _path(name)}


def _path(name: str) -> str:
    return f"#/$defs/{name}"
