"""Lambda's event filter patterns, the part of them that the wiring uses.

A pattern is an object of fields. A leaf is a list of alternatives: plain values
(equality), ``{"prefix": ...}``, ``{"exists": bool}`` or ``{"anything-but": [...]}``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_ABSENT = object()


def matches_any(patterns: Iterable[Mapping[str, Any]], record: Any) -> bool:
    """As a mapping has it: no pattern at all lets every record pass."""
    patterns = tuple(patterns)
    return not patterns or any(matches(pattern, record) for pattern in patterns)


def matches(pattern: Mapping[str, Any], record: Any) -> bool:
    """Every field of the pattern is met by the record's field of that name."""
    if not isinstance(record, Mapping):
        record = {}
    return all(
        _field_matches(expected, record.get(name, _ABSENT))
        for name, expected in pattern.items()
    )


def _field_matches(expected: Any, actual: Any) -> bool:
    if isinstance(expected, Mapping):
        return matches(expected, actual)
    if not isinstance(expected, (list, tuple)):
        raise ValueError(f"a filter's leaf is a list of alternatives, not {expected!r}")
    values = actual if isinstance(actual, list) else [actual]
    return any(_is_met(rule, value) for rule in expected for value in values)


def _is_met(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return type(rule) is type(value) and bool(rule == value)
    if len(rule) != 1:
        raise ValueError(f"a filter's rule has one key: {rule!r}")
    ((name, argument),) = rule.items()
    match name:
        case "prefix":
            return isinstance(value, str) and value.startswith(argument)
        case "exists":
            return (value is not _ABSENT) is argument
        case "anything-but":
            refused = argument if isinstance(argument, list) else [argument]
            return value is not _ABSENT and value not in refused
        case _:
            raise ValueError(f"the laptop stack does not know the filter rule {name!r}")
