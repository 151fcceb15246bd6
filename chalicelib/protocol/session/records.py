"""Frozen dataclasses as JSON objects: the annotations are the whole table."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from chalicelib.protocol.session.kinds import Choice, Flag, Kind, Unfit


def camel(attribute: str) -> str:
    """``play_id`` as ``playId``; an underscore at the end is Python's own."""
    first, *others = attribute.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in others)


@dataclass(frozen=True, slots=True)
class Record:
    """A dataclass whose annotations say what its fields hold.

    None stands for a key that is absent, or null. A value that a field cannot
    hold raises `Unfit` on construction.
    """

    has_snake_keys: ClassVar[bool] = False
    """Whether keys are spelt as the attributes are, or in camel case."""

    def __post_init__(self) -> None:
        for entry in entries_of(type(self)):
            value = getattr(self, entry.attribute)
            if value is None and entry.is_optional:
                continue
            try:
                entry.kind.check(value)
            except Unfit as error:
                raise error.within(entry.keys[0]) from None
        self.check_whole()

    def check_whole(self) -> None:
        """Raises `Unfit` where fields that are right alone are not together."""


R = TypeVar("R", bound=Record)


class Keys:
    """The keys of a field: the first is written, all are read, the first wins."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one field."""

    attribute: str
    keys: tuple[str, ...]
    kind: Kind
    is_required: bool
    is_optional: bool
    """May be None."""


@dataclass(frozen=True, slots=True)
class Nested(Kind):
    """Another record."""

    record: type[Record]

    def check(self, value: Any) -> None:
        if not isinstance(value, self.record):
            raise Unfit("must be an object")

    def read(self, value: Any) -> Record:
        return read(self.record, value)

    def write(self, value: Any) -> dict[str, Any]:
        return write(value)

    def redact(self, value: Any) -> dict[str, Any]:
        return redact(value)


def read(record: type[R], value: Any) -> R:
    """The record that a JSON object stands for; keys it does not know are ignored.

    Raises `Unfit` with the path of the field.
    """
    if not isinstance(value, Mapping):
        raise Unfit("must be an object")
    arguments = {}
    for entry in entries_of(record):
        given = next((value[k] for k in entry.keys if value.get(k) is not None), None)
        if given is not None:
            try:
                arguments[entry.attribute] = entry.kind.read(given)
            except Unfit as error:
                raise error.within(entry.keys[0]) from None
        elif entry.is_required:
            raise Unfit("is required", (entry.keys[0],))
    return record(**arguments)


def write(record: Record) -> dict[str, Any]:
    """The JSON object that `read` reads back, without the keys that are null."""
    return {
        entry.keys[0]: entry.kind.write(value)
        for entry in entries_of(type(record))
        if (value := getattr(record, entry.attribute)) is not None
    }


def redact(record: Record) -> dict[str, Any]:
    """As `write`, without secrets and session descriptions."""
    return {
        entry.keys[0]: kept
        for entry in entries_of(type(record))
        if (value := getattr(record, entry.attribute)) is not None
        and (kept := entry.kind.redact(value)) is not None
    }


def entries_of(record: type[Record]) -> tuple[Entry, ...]:
    """The record's fields, in the order in which they are written."""
    hashable: Any = record
    return _entries_of(hashable)


@cache
def _entries_of(record: Any) -> tuple[Entry, ...]:
    hints = get_type_hints(record, include_extras=True)
    return tuple(
        _entry(
            record,
            field.name,
            hints[field.name],
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(record)
    )


def _entry(record: type[Record], name: str, hint: Any, is_required: bool) -> Entry:
    parts = tuple(_parts(hint))
    keys = next((part.keys for part in parts if isinstance(part, Keys)), None)
    return Entry(
        attribute=name,
        keys=keys or (name if record.has_snake_keys else camel(name),),
        kind=_kind(parts),
        is_required=is_required,
        is_optional=NoneType in parts,
    )


def _parts(hint: Any) -> Iterator[Any]:
    """The types and notes of an annotation, at whatever depth they stand."""
    if get_origin(hint) in (Annotated, Union, UnionType):
        for part in get_args(hint):
            yield from _parts(part)
    else:
        yield hint


def _kind(parts: tuple[Any, ...]) -> Kind:
    for part in parts:
        if isinstance(part, Kind):
            return part
    for part in parts:
        if part is bool:
            return Flag()
        if isinstance(part, type) and issubclass(part, StrEnum):
            return Choice(part)
        if isinstance(part, type) and issubclass(part, Record):
            return Nested(part)
    raise TypeError(f"{parts} do not say what a field may hold")
