"""DynamoDB's JSON: moto holds binary values as bytes, JSON as base64."""

import base64
import json
from typing import Any


def render(value: Any) -> str:
    """Any value with items in it, as a stream's records have them."""
    return json.dumps(value, separators=(",", ":"), default=_text)


def parse(text: str | bytes) -> Any:
    """What `render` was given."""
    return json.loads(text, object_hook=_with_bytes)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no part of an item")


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    # An attribute of that name has an object for its value, never a text or a list.
    match value:
        case {"B": str(text)} if len(value) == 1:
            return {"B": base64.b64decode(text)}
        case {"BS": list(texts)} if len(value) == 1:
            return {"BS": [base64.b64decode(text) for text in texts]}
        case _:
            return value
