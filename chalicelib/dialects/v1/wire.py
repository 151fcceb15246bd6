"""The shapes of our own dialect: its bodies' fields, its pages, its errors.

An error is ``{"code", "message"}``: the code is a word that stays, the message says to
a person what is wrong, and with which field.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

PREFIX = "/v1"

NOT_FOUND = "not_found"
STATUS_CODES: Mapping[int, str] = {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: NOT_FOUND,
    405: "method_not_allowed",
    409: "conflict",
    415: "unsupported_media_type",
    429: "rate_limited",
    500: "internal",
    503: "unavailable",
}
STATUS_MESSAGES: Mapping[int, str] = {
    404: "there is nothing at this path",
    405: "this path has no such method",
    415: "the body must be application/json",
}
DEFAULT_PAGE = 50
LONGEST_PAGE = 200


class InvalidRequest(ValueError):
    """A field or a parameter is not what it must be; says which and what."""


def error(status: int, message: str, code: str | None = None) -> dict[str, str]:
    """The body of a failure."""
    return {"code": code or STATUS_CODES[status], "message": message}


def error_of_status(status: int, request: object) -> dict[str, str]:
    """The body of a 404, 405 or 415 below this dialect's prefix."""
    return error(status, STATUS_MESSAGES[status])


def known(body: Mapping[str, Any], *names: str) -> None:
    """Raises `InvalidRequest` for a field that there is not: a slip is better told."""
    for name in body:
        if name not in names:
            raise InvalidRequest(f"{name} is not a field of this request")


def text(
    body: Mapping[str, Any], name: str, longest: int, default: str | None = None
) -> str:
    """Raises `InvalidRequest`; no ``default`` means that it must be there."""
    value = body.get(name, default)
    if not isinstance(value, str) or (value != default and not value):
        raise InvalidRequest(f"{name} must be a text")
    if len(value) > longest:
        raise InvalidRequest(f"{name} has at most {longest} characters")
    return value


def integer(
    body: Mapping[str, Any], name: str, low: int, high: int, default: int | None = None
) -> int:
    """Raises `InvalidRequest`; no ``default`` means that it must be there."""
    value = body.get(name, default)
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not low <= value <= high
    ):
        raise InvalidRequest(f"{name} must be a number from {low} to {high}")
    return value


def page_size(query: Mapping[str, str]) -> int:
    """``limit``; raises `InvalidRequest`."""
    given = query.get("limit", str(DEFAULT_PAGE))
    if not given.isdecimal() or not 1 <= int(given) <= LONGEST_PAGE:
        raise InvalidRequest(f"limit must be a number from 1 to {LONGEST_PAGE}")
    return int(given)


def cursor(query: Mapping[str, str]) -> str:
    """What ``cursor`` says, which an earlier page gave as ``next``; empty for none.

    Raises `InvalidRequest`.
    """
    given = query.get("cursor", "")
    try:
        padded = given + "=" * (-len(given) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidRequest("cursor is what an earlier page gave as next") from None


def page(name: str, items: list[dict[str, Any]], following: str) -> dict[str, Any]:
    """``{name: items, "next": cursor or null}``."""
    encoded = base64.urlsafe_b64encode(following.encode()).decode().rstrip("=")
    return {name: items, "next": encoded or None}
