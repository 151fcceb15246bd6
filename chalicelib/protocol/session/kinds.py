"""What a field can hold: how it is checked, read from JSON and written back."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from chalicelib.protocol.session import instants

MAX_DEPTH = 32
MAX_VALUES = 10_000
MAX_HEADERS = 64
MAX_HEADER_VALUE = 2_048
HEADER_NAME = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,128}\Z")
SURROGATE = re.compile(r"[\ud800-\udfff]")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m)?\Z")
UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, None: 1_000}


class Unfit(ValueError):
    """A value that its field cannot hold: which field, and what it must be.

    The value is never part of the sentence: it may be a secret.
    """

    def __init__(self, verdict: str, path: tuple[str, ...] = ()) -> None:
        self.verdict = verdict
        self.path = path
        super().__init__(f"{'.'.join(path)} {verdict}" if path else verdict)

    def within(self, name: str) -> "Unfit":
        """The same complaint, seen from the object that holds the field."""
        return Unfit(self.verdict, (name, *self.path))


class Kind(ABC):
    """One sort of field; as an annotation it makes a type precise."""

    @abstractmethod
    def check(self, value: Any) -> None:
        """Raises `Unfit` for what the field cannot hold."""

    def read(self, value: Any) -> Any:
        """What a JSON value stands for; raises `Unfit`."""
        self.check(value)
        return value

    def write(self, value: Any) -> Any:
        """The JSON value that `read` reads back."""
        return value

    def redact(self, value: Any) -> Any:
        """The JSON value without what may not be kept; None to leave it out."""
        return self.write(value)


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """True or false."""

    def check(self, value: Any) -> None:
        if not isinstance(value, bool):
            raise Unfit("must be true or false")


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A finite number."""

    low: float
    high: float

    def check(self, value: Any) -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not self.low <= value <= self.high:
            raise Unfit(f"must be a number from {self.low} to {self.high}")


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number, with or without ``.0``."""

    low: int
    high: int

    def check(self, value: Any) -> None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not self.low <= value <= self.high:
            raise Unfit(f"must be a whole number from {self.low} to {self.high}")

    def read(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        self.check(value)
        return int(value)


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Unicode text."""

    longest: int

    def check(self, value: Any) -> None:
        if not isinstance(value, str):
            raise Unfit("must be a string")
        if len(value) > self.longest:
            raise Unfit(f"must have at most {self.longest} characters")
        if not is_unicode(value):
            raise Unfit("must be Unicode text without lone surrogates")


@dataclass(frozen=True, slots=True)
class Line(Text):
    """Text that can stand in a header: no line break, no control character."""

    def check(self, value: Any) -> None:
        Text.check(self, value)
        if CONTROL.search(value):
            raise Unfit("must be one line without control characters")


@dataclass(frozen=True, slots=True)
class Address(Line):
    """A URL; its query and user part may carry credentials, so are not kept."""

    def redact(self, value: Any) -> str:
        try:
            parts = urlsplit(str(value))
            host = parts.netloc.rpartition("@")[2]
            return urlunsplit((parts.scheme, host, parts.path, "", ""))
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Matching(Kind):
    """Text of one form."""

    pattern: re.Pattern[str]
    form: str
    """The form in words, to follow "must be"."""

    def check(self, value: Any) -> None:
        if not isinstance(value, str) or not self.pattern.match(value):
            raise Unfit(f"must be {self.form}")


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of the words of an enumeration, in any case."""

    words: type[StrEnum]

    def check(self, value: Any) -> None:
        if not isinstance(value, self.words):
            raise Unfit(f"must be one of {', '.join(self.words)}")

    def read(self, value: Any) -> StrEnum:
        word = value.lower() if isinstance(value, str) else None
        for known in self.words:
            if known.value.lower() == word:
                return known
        raise Unfit(f"must be one of {', '.join(self.words)}")

    def write(self, value: Any) -> str:
        return str(value.value)


@dataclass(frozen=True, slots=True)
class Duration(Kind):
    """Milliseconds; in JSON a number of seconds, or ``"30s"``, ``"500ms"``, ``"1m"``."""

    longest_ms: int

    def check(self, value: Any) -> None:
        Whole(0, self.longest_ms).check(value)

    def read(self, value: Any) -> int:
        if isinstance(value, str):
            match = DURATION.match(value.strip())
            value = match and float(match[1]) * UNIT_MS[match[2]]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = value * UNIT_MS["s"]
        else:
            value = None
        if value is None or not 0 <= value <= self.longest_ms:
            longest = self.longest_ms // UNIT_MS["s"]
            raise Unfit(f'must be seconds or text like "30s", at most {longest} s')
        return round(value)

    def write(self, value: Any) -> str:
        return f"{value}ms" if value % UNIT_MS["s"] else f"{value // UNIT_MS['s']}s"


@dataclass(frozen=True, slots=True)
class Instant(Kind):
    """Epoch milliseconds; in JSON the text of ISO 8601."""

    def check(self, value: Any) -> None:
        Whole(0, instants.LAST_MS).check(value)

    def read(self, value: Any) -> int:
        at_ms = instants.parse(value) if isinstance(value, str) else None
        if at_ms is None:
            raise Unfit("must be a time as ISO 8601 writes it")
        return at_ms

    def write(self, value: Any) -> str:
        return instants.render(value)


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
            return bytes(value)
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
        items = tuple(value) if isinstance(value, list) else None
        self.check(items)
        return tuple(self.of.read(item) for item in items or ())

    def write(self, value: Any) -> list[Any]:
        return [self.of.write(item) for item in value]


@dataclass(frozen=True, slots=True)
class Hidden(Kind):
    """What no list, dump or record may keep."""

    kind: Kind

    def check(self, value: Any) -> None:
        self.kind.check(value)

    def read(self, value: Any) -> Any:
        return self.kind.read(value)

    def write(self, value: Any) -> Any:
        return self.kind.write(value)

    def redact(self, value: Any) -> None:
        return None


def is_unicode(text: str) -> bool:
    """Whether the text can be sent as UTF-8 at all."""
    return text.isascii() or not SURROGATE.search(text)


def check_shape(value: Any) -> None:
    """Raises `Unfit` for a JSON value that is deep, huge or not JSON at all."""
    level, seen = [value], 0
    for depth in range(MAX_DEPTH + 1):
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
