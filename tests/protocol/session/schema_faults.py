"""What the published schema says against a message."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from chalicelib.protocol.session import schema
from chalicelib.protocol.session.codec import render_event
from chalicelib.protocol.session.events import Event

DOCUMENT = schema.document()

_checked: set[tuple[str, ...]] = set()


@cache
def validator(name: str) -> Draft202012Validator:
    whole = DRAFT202012.create_resource(DOCUMENT)
    registry: Registry[Any] = Registry().with_resource(schema.ID, whole)
    reference = {"$ref": f"{schema.ID}#/$defs/{name}"}
    return Draft202012Validator(reference, registry=registry)


def faults(name: str, value: Any) -> list[str]:
    """What the schema says against a value of a definition."""
    return [error.message for error in validator(name).iter_errors(value)]


def check_told(event: Event) -> None:
    """Raises AssertionError unless the schema takes it: once for each set of keys."""
    rendered = render_event(event)
    shape = (type(event).__name__, *rendered)
    if shape not in _checked:
        assert faults(type(event).__name__, rendered) == []
        _checked.add(shape)
