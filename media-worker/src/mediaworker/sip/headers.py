"""The header fields of a message, by name, in order, as they were written."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from mediaworker.sip.fields import (
    CSeq,
    MediaType,
    RAck,
    Replaces,
    SessionExpires,
    Via,
)
from mediaworker.sip.grammar import cleaned, is_token

__all__ = [
    "CSeq",
    "Headers",
    "MediaType",
    "RAck",
    "Replaces",
    "SessionExpires",
    "Via",
    "canonical",
    "checked_field",
    "checked_headers",
    "extra_headers",
    "is_clean",
    "named_headers",
]

CLEAN = re.compile(
    "(?:[^\x00-\x08\x0a-\x1f\x7f\\\\\ud800-\udfff]|\\\\[^\r\n\ud800-\udfff])*\\\\?"
)
"""A control character may stand in a quoted pair alone, a line break nowhere."""

COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
"""RFC 3261 7.3.3 and the registrations after it."""

KNOWN = [
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Alert-Info",
    "Allow",
    "Authentication-Info",
    "Authorization",
    "Call-Info",
    "Content-Disposition",
    "Content-Language",
    "CSeq",
    "Date",
    "Error-Info",
    "Expires",
    "In-Reply-To",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "Organization",
    "Path",
    "Priority",
    "Privacy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "Reason",
    "Record-Route",
    "Replaces",
    "Reply-To",
    "Require",
    "Retry-After",
    "Route",
    "RSeq",
    "Server",
    "Service-Route",
    "Subscription-State",
    "Timestamp",
    "Unsupported",
    "User-Agent",
    "Warning",
    "WWW-Authenticate",
]
"""Those of SIP and of the extensions that are in use; names of others are kept."""

CANONICAL = {name.lower(): name for name in (*KNOWN, *COMPACT.values())} | COMPACT
STANDARD = frozenset(name.lower() for name in CANONICAL.values())

FREE = frozenset(
    [
        "accept-language",
        "alert-info",
        "call-info",
        "error-info",
        "in-reply-to",
        "organization",
        "priority",
        "privacy",
        "reason",
        "referred-by",
        "reply-to",
        "retry-after",
        "subject",
        "warning",
    ]
)
"""Those of SIP that an application may set, beside all that SIP does not know."""
PROOFS = frozenset(["authorization", "proxy-authorization"])
MOST_CUSTOM = 32
MOST_NAME_LETTERS = 64
MOST_VALUE_LETTERS = 1_024


class Headers:
    """Immutable; names in any case or compact form, values as one line each.

    Construction raises `ValueError` for a name that is no token and for a value
    with a line break or an unescaped control character.
    """

    __slots__ = ("_fields", "_values")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple(checked_field(name, value) for name, value in fields)
        self._values: dict[str, list[str]] = {}
        for name, value in self._fields:
            self._values.setdefault(name.lower(), []).append(value)

    def get(self, name: str) -> str | None:
        """The first of that name."""
        return next(iter(self.every(name)), None)

    def every(self, name: str) -> tuple[str, ...]:
        """Each field of that name, as it stands; commas are not split."""
        return tuple(self._values.get(_key(name), ()))

    def replaced(self, name: str, *values: str) -> Self:
        """In the place of the first of that name, or last; no value removes it."""
        before: list[tuple[str, str]] = []
        after: list[tuple[str, str]] = []
        place = before
        for field in self._fields:
            if _key(field[0]) == _key(name):
                place = after
            else:
                place.append(field)
        return type(self)([*before, *((name, value) for value in values), *after])

    def prepended(self, name: str, *values: str) -> Self:
        """Before all others, as a Via is."""
        return type(self)([*((name, value) for value in values), *self._fields])

    def added(self, name: str, *values: str) -> Self:
        """After all others."""
        return type(self)([*self._fields, *((name, value) for value in values)])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._values

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        """Names alone: values hold identities and secrets."""
        return f"Headers({', '.join(name for name, _ in self._fields)})"


def canonical(name: str) -> str:
    """As SIP writes it; names that it does not know stay as they are."""
    return CANONICAL.get(name.lower(), name)


def is_clean(text: str) -> bool:
    """It can stand in one line of a message."""
    return CLEAN.fullmatch(text) is not None


def _key(name: str) -> str:
    return canonical(name).lower()


def checked_field(name: str, value: str) -> tuple[str, str]:
    """As it is kept; raises `ValueError`."""
    if not is_token(name):
        raise ValueError("the name of a header field is a token")
    if not is_clean(value):
        raise ValueError("a header field has a line break or a control character")
    return canonical(name), value.strip(" \t")


def extra_headers(headers: Headers) -> dict[str, str]:
    """Those that SIP itself does not know, for an application.

    Repeated ones are joined by commas, under the name that came first.
    """
    found: dict[str, tuple[str, list[str]]] = {}
    for name, value in headers:
        if name.lower() not in STANDARD:
            _, values = found.setdefault(name.lower(), (name, []))
            values.append(cleaned(value))
    return {name: ", ".join(values) for name, values in found.values()}


def named_headers(
    fields: Iterable[tuple[str, str]], names: Iterable[str]
) -> dict[str, str]:
    """Those that an application asks for, as it spells them.

    Repeated ones are joined by commas; what proves who somebody is, is nobody's.
    """
    wanted = {_key(name): name for name in names}
    found: dict[str, list[str]] = {}
    for name, value in fields:
        key = _key(name)
        if key in wanted and key not in PROOFS:
            found.setdefault(wanted[key], []).append(cleaned(value))
    return {name: ", ".join(values) for name, values in found.items()}


def checked_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """An application's own, for an INVITE or a BYE.

    Raises `ValueError`, in one sentence, for what only the stack may say and for
    what cannot stand in a message.
    """
    if len(headers) > MOST_CUSTOM:
        raise ValueError(f"a request has at most {MOST_CUSTOM} headers of its own")
    return tuple(_checked(name, value) for name, value in headers.items())


def _checked(name: str, value: str) -> tuple[str, str]:
    if not is_token(name) or len(name) > MOST_NAME_LETTERS:
        raise ValueError("the name of a SIP header is a token of at most 64 letters")
    key = _key(name)
    if (key in STANDARD and key not in FREE) or key.startswith("content-"):
        raise ValueError(f"the SIP header {canonical(name)} is not for applications")
    if len(value) > MOST_VALUE_LETTERS:
        raise ValueError(f"the SIP header {name} is longer than {MOST_VALUE_LETTERS}")
    if cleaned(value) != value or not is_clean(value):
        raise ValueError(f"the SIP header {name} has a control character")
    return checked_field(name, value)
