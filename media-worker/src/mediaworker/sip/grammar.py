"""The words of SIP's grammar (RFC 3261 25.1), read from left to right.

Every pattern has one way to match, so that no input takes more than linear time.
"""

import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
WORD = re.compile(r"[A-Za-z0-9\-.!%*_+`'~()<>:\\\"/\[\]?{}=&$#|^]+")
"""Of a Call-ID. Wider than word, by what is about in Call-IDs."""
QUOTED = re.compile(r'"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\r\n])*"')
VALUE = re.compile(r"[A-Za-z0-9\-.!%*_+`'~:\[\]/=@$&]+")
"""Of a parameter. Wider than gen-value: branches in base64 are about."""
NUMBER = re.compile(r"[0-9]+")
SPACE = re.compile(r"[ \t]*")

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
ESCAPED_PAIR = re.compile(r"\\(.)", re.DOTALL)

MOST_DIGITS = 10


class BadSyntax(ValueError):
    """What was read is not what the grammar wants, in one sentence."""


class Scanner:
    """Reads one header field's value; what is named ``subject`` is in each sentence."""

    def __init__(self, text: str, subject: str) -> None:
        self.subject = subject
        self._text = text
        self._at = 0
        self.skip_space()

    @property
    def is_done(self) -> bool:
        return self._at == len(self._text)

    def skip_space(self) -> None:
        match = SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """What matches here, if anything does."""
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def expect(self, pattern: re.Pattern[str], noun: str) -> str:
        taken = self.take(pattern)
        if taken is None:
            raise self.fault(f"lacks {noun}")
        return taken

    def accept(self, separator: str) -> bool:
        """A separator, with the space that may stand on both sides of it."""
        begun_at = self._at
        self.skip_space()
        if not self._text.startswith(separator, self._at):
            self._at = begun_at
            return False
        self._at += len(separator)
        self.skip_space()
        return True

    def require(self, separator: str) -> None:
        if not self.accept(separator):
            raise self.fault(f"lacks {separator!r}")

    def end(self) -> None:
        self.skip_space()
        if not self.is_done:
            raise self.fault("has more after its end")

    def fault(self, what: str) -> BadSyntax:
        return BadSyntax(f"{self.subject} {what}")


def number(text: str, subject: str, most: int) -> int:
    """Digits alone, leading zeros among them, and not above ``most``."""
    digits = text.strip(" \t").lstrip("0")
    if not text.isascii() or not text.strip(" \t").isdigit():
        raise BadSyntax(f"{subject} is not a number")
    if len(digits) > MOST_DIGITS or int(digits or "0") > most:
        raise BadSyntax(f"{subject} is above {most}")
    return int(digits or "0")


def read_list(scanner: Scanner, read: Callable[[Scanner], T]) -> list[T]:
    """Comma separated, one at least, until the text ends."""
    items = [read(scanner)]
    while scanner.accept(","):
        items.append(read(scanner))
    scanner.end()
    return items


def is_token(text: str) -> bool:
    return TOKEN.fullmatch(text) is not None


def quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(quoted: str) -> str:
    """What stands between the quotes of a quoted string."""
    return ESCAPED_PAIR.sub(r"\1", quoted[1:-1])


def cleaned(text: str) -> str:
    """Without control characters, which escapes may hold."""
    return CONTROLS.sub("", text)
