"""Any record of the protocol, as hypothesis draws it from the record's own table."""

import base64
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from chalicelib.protocol.session import kinds
from chalicelib.protocol.session.commands import Tts
from chalicelib.protocol.session.containers import (
    HeaderFields,
    Json,
    JsonObject,
    Listing,
    Octets,
)
from chalicelib.protocol.session.fields import DIGIT, DIGITS, SESSION_ID
from chalicelib.protocol.session.ids import WORKER_ID
from chalicelib.protocol.session.instants import LAST_MS
from chalicelib.protocol.session.records import Entry, Nested, Record, entries_of

R = TypeVar("R", bound=Record)

patient = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
"""For a machine that others use too."""

UNICODE = st.characters(exclude_categories=["Cs"])
PRINTABLE = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.text(UNICODE, max_size=8)
)
JSON = st.recursive(
    SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(UNICODE, max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(UNICODE, max_size=8), JSON, max_size=3)
LINES = st.text(PRINTABLE, max_size=16)
TOKENS = st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,24}", fullmatch=True)
PATTERNS = {
    pattern: st.from_regex(pattern, fullmatch=True)
    for pattern in (DIGIT, DIGITS, SESSION_ID, WORKER_ID)
}


def records_of(record: type[R]) -> st.SearchStrategy[R]:
    """Any valid record of the type."""
    drawn: dict[str, st.SearchStrategy[Any]] = {
        entry.attribute: _values_of(entry) for entry in entries_of(record)
    }
    if record is Tts:
        drawn["text"] = st.text(UNICODE, max_size=16) | st.binary(max_size=16)
        return st.fixed_dictionaries(drawn).map(_tts)  # type: ignore[arg-type]
    return st.builds(record, **drawn)


def _tts(arguments: dict[str, Any]) -> Tts:
    text = arguments["text"]
    if is_audio := isinstance(text, bytes):
        text = base64.b64encode(text).decode()
    return Tts(**{**arguments, "text": text, "base64": is_audio})


def _values_of(entry: Entry) -> st.SearchStrategy[Any]:
    values = _of_kind(entry.kind)
    if isinstance(entry.kind, Json):
        values = values.filter(lambda value: value is not None)
    return st.none() | values if entry.is_optional else values


def _of_kind(kind: kinds.Kind) -> st.SearchStrategy[Any]:
    match kind:
        case kinds.Hidden(kind=inner):
            return _of_kind(inner)
        case kinds.Flag():
            return st.booleans()
        case kinds.Choice(words=words):
            return st.sampled_from(words)
        case kinds.Matching(pattern=pattern):
            return PATTERNS[pattern]
        case kinds.Line():
            return LINES
        case kinds.Text():
            return st.text(UNICODE, max_size=16)
        case Nested(record=record):
            return records_of(record)
        case _:
            return _of_number(kind)


def _of_number(kind: kinds.Kind) -> st.SearchStrategy[Any]:
    match kind:
        case kinds.Number(low=low, high=high):
            return st.floats(low, high) | st.integers(int(low), int(high))
        case kinds.Whole(low=low, high=high):
            return st.integers(low, high)
        case kinds.Duration(longest_ms=longest_ms):
            return st.integers(0, longest_ms)
        case kinds.Instant():
            return st.integers(0, LAST_MS)
        case _:
            return _of_container(kind)


def _of_container(kind: kinds.Kind) -> st.SearchStrategy[Any]:
    match kind:
        case HeaderFields():
            return st.dictionaries(TOKENS, LINES, max_size=3)
        case Octets():
            return st.binary(max_size=16)
        case JsonObject():
            return OBJECTS
        case Listing(of=of):
            return st.lists(_of_kind(of), max_size=3).map(tuple)
        case _:
            assert isinstance(kind, Json)
            return JSON
