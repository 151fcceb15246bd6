"""The kinds of field that hold several values, and the bounds they keep."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.protocol.session.kinds import Kind, Line, Unfit, is_unicode

MAX_DEPTH = 32
MAX_VALUES = 10_000
MAX_HEADERS = 64
MAX_HEADER_VALUE = 2_048
HEADER_NAME = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,128}\Z")


@dataclass(frozen=True, slots=True)
class Octets(Kind):
    """Bytes; in JSON the array of their numbers."""

    longest: int

    def check(self, value: Any) -> None:
        if not isinstance(value, bytes) or len(value) > self.longest:
            raise Unfit(f"must be at most {self.longest} bytes")

    def read(self, value: Any) -> bytes:
        if not isinstance(value, list) or len(value) > self.longest:
            raise Unfit(f"must be an array of at most {self.longest} bytes")
        try:
            return bytes(map(_whole, value))
        except (TypeError, ValueError):
            raise Unfit("must be an array of numbers from 0 to 255") from None

    def write(self, value: Any) -> list[int]:
        return list(value)


@dataclass(frozen=True, slots=True)
class HeaderFields(Kind):
    """SIP headers by name: nothing in them can begin another header."""

    def check(self, value: Any) -> None:
        if not isinstance(value, Mapping) or len(value) > MAX_HEADERS:
            raise Unfit(f"must be an object of at most {MAX_HEADERS} headers")
        for name, content in value.items():
            if not isinstance(name, str) or not HEADER_NAME.match(name):
                raise Unfit("must name its headers with 1 to 128 token characters")
            try:
                Line(MAX_HEADER_VALUE).check(content)
            except Unfit as error:
                raise Unfit(f"must hold headers whose value {error}") from None

    def write(self, value: Any) -> dict[str, str]:
        return dict(value)


@dataclass(frozen=True, slots=True)
class Json(Kind):
    """Any JSON value within bounds."""

    def check(self, value: Any) -> None:
        check_shape(value)


@dataclass(frozen=True, slots=True)
class JsonObject(Kind):
    """A JSON object of the application's own."""

    def check(self, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise Unfit("must be an object")
        check_shape(value)

    def write(self, value: Any) -> dict[str, Any]:
        return dict(value)


@dataclass(frozen=True, slots=True)
class Listing(Kind):
    """Several of one kind, as a tuple."""

    of: Kind
    longest: int

    def check(self, value: Any) -> None:
        if not isinstance(value, tuple) or len(value) > self.longest:
            raise Unfit(f"must be an array of at most {self.longest}")
        for item in value:
            self.of.check(item)

    def read(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > self.longest:
            raise Unfit(f"must be an array of at most {self.longest}")
        return tuple(self.of.read(item) for item in value)

    def write(self, value: Any) -> list[Any]:
        return [self.of.write(item) for item in value]


def _whole(number: Any) -> Any:
    """With or without ``.0``, which JSON does not tell apart."""
    is_float = isinstance(number, float) and number.is_integer()
    return int(number) if is_float else number


def check_shape(value: Any) -> None:
    """Raises `Unfit` for a JSON value that is deep, huge or not JSON at all."""
    level, seen = [value], 0
    for _ in range(MAX_DEPTH + 1):
        seen += len(level)
        if seen > MAX_VALUES:
            raise Unfit(f"must hold at most {MAX_VALUES} values")
        below = [inner for item in level for inner in _inside(item)]
        if not below:
            return
        level = below
    raise Unfit(f"must be nested at most {MAX_DEPTH} deep")


def _inside(value: Any) -> Iterator[Any]:
    match value:
        case None | bool() | int():
            pass
        case str():
            if not is_unicode(value):
                raise Unfit("must be Unicode text without lone surrogates")
        case float():
            if not math.isfinite(value):
                raise Unfit("must hold finite numbers only")
        case Mapping():
            for name in value:
                if not isinstance(name, str) or not is_unicode(name):
                    raise Unfit("must name its fields with Unicode text")
            yield from value.values()
        case list():
            yield from value
        case _:
            raise Unfit("must hold JSON values only")
