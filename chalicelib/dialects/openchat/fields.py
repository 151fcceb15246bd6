"""A body's fields, read one by one; what is wrong with them is told together.

In the words of OpenChat's own validation, which its clients know.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.dialects.requests import MalformedRequest

SEPARATOR = "; "
MOST_COMPLAINTS = 20
SHOWN_LENGTH = 64


class Fields:
    """Reads a body; null is the same as nothing, and `check` comes last."""

    def __init__(self, body: Mapping[str, Any], known: frozenset[str]) -> None:
        self._body = body
        self._complaints = [
            f"property {_shown(name)} should not exist"
            for name in body
            if name not in known
        ]

    def complain(self, complaint: str) -> None:
        """Something is wrong that no single field shows."""
        self._complaints.append(complaint)

    def check(self) -> None:
        """Raises `MalformedRequest` with every complaint so far."""
        complaints = self._complaints
        if not complaints:
            return
        more = len(complaints) - MOST_COMPLAINTS
        told = complaints[:MOST_COMPLAINTS]
        if more > 0:
            told = [*told, f"and {more} more"]
        raise MalformedRequest(SEPARATOR.join(told))

    def text(self, name: str, max_length: int) -> str:
        """Empty if it is not there, or wrong."""
        value = self._body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.complain(f"{name} must be a string")
        elif len(value) > max_length:
            self.complain(
                f"{name} must be shorter than or equal to {max_length} characters"
            )
        elif not value.isprintable():
            self.complain(f"{name} must be printable")
        else:
            return value.strip()
        return ""

    def required(self, name: str, max_length: int) -> str:
        before = len(self._complaints)
        value = self.text(name, max_length)
        if not value and len(self._complaints) == before:
            self.complain(f"{name} should not be empty")
        return value

    def texts(self, name: str, most: int, max_length: int) -> tuple[str, ...]:
        """Each once, without the empty ones."""
        value = self._body.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.complain(f"{name} must be an array")
            return ()
        if len(value) > most:
            self.complain(f"{name} must contain no more than {most} elements")
            return ()
        members = [Fields({name: each}, frozenset({name})) for each in value]
        texts = [member.text(name, max_length) for member in members]
        if any(member._complaints for member in members):
            self.complain(
                f"each value in {name} must be a string of 1 to {max_length} "
                "printable characters"
            )
        return tuple(text for text in dict.fromkeys(texts) if text)

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, str) and value in choices:
            return value
        listed = ", ".join(choices)
        self.complain(f"{name} must be one of the following values: {listed}")
        return default

    def integer(self, name: str, low: int, high: int, default: int) -> int:
        """A number, or one in a string, as OpenChat takes both."""
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, str) and value.isascii() and value.isdigit():
            # Of more digits than this no number is within any limits.
            value = int(value[:10])
        if isinstance(value, bool) or not isinstance(value, int):
            self.complain(f"{name} must be an integer number")
        elif value < low:
            self.complain(f"{name} must not be less than {low}")
        elif value > high:
            self.complain(f"{name} must not be greater than {high}")
        else:
            return value
        return default

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        value = self._body.get(name)
        if value is None or isinstance(value, dict):
            return value
        self.complain(f"{name} must be an object")
        return None


def _shown(name: str) -> str:
    """A name that somebody sent, fit to be sent back."""
    text = name if name.isprintable() else ascii(name)[1:-1]
    return text if len(text) <= SHOWN_LENGTH else text[:SHOWN_LENGTH] + "…"
