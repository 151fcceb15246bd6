"""What a field can hold: how it is checked, read from JSON and written back."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from chalicelib.protocol.session import instants

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
    """Perhaps a URL; its query and user part may carry credentials: they are not kept.

    Other text, a path or a name, is kept as it is.
    """

    def redact(self, value: Any) -> str:
        if "://" not in value:
            return str(value)
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
    """Milliseconds; in JSON seconds, or text: ``"30s"``, ``"500ms"``, ``"1m"``."""

    longest_ms: int

    def check(self, value: Any) -> None:
        Whole(0, self.longest_ms).check(value)

    def read(self, value: Any) -> int:
        length_ms = self._length_ms(value)
        if length_ms is None or not 0 <= length_ms <= self.longest_ms:
            longest = self.longest_ms // UNIT_MS["s"]
            raise Unfit(f'must be seconds or text like "30s", at most {longest} s')
        return round(length_ms)

    def _length_ms(self, value: Any) -> float | None:
        if isinstance(value, str):
            match = DURATION.match(value.strip())
            return float(match[1]) * UNIT_MS[match[2]] if match else None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value * UNIT_MS["s"] if is_number else None

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
