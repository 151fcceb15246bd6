"""Webhook endpoints as requests name them and answers show them; secrets stay behind.

Raises `InvalidRequest` for a field that is not what it must be.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.dialects.v1 import wire
from chalicelib.dialects.v1.wire import InvalidRequest
from chalicelib.protocol.session import instants
from chalicelib.protocol.vocabulary import CONTRACT_EVENTS, FILTERS, KNOWN_EVENTS
from chalicelib.services.webhooks.attempt_log import AttemptsWanted
from chalicelib.services.webhooks.bodies import WHSEC
from chalicelib.services.webhooks.endpoints import Changes, NewEndpoint
from chalicelib.services.webhooks.replays import (
    LONGEST_MS,
    OfCall,
    OfEvent,
    OfPeriod,
    Wanted,
)
from chalicelib.services.webhooks.trials import TEST_EVENT

LONGEST_URL = 2_048
LONGEST_DESCRIPTION = 256
LONGEST_ID = 256
LONGEST_TIMEOUT_SECONDS = 30
DEFAULT_TIMEOUT_SECONDS = 10
LONGEST_OVERLAP_SECONDS = 7 * 24 * 3600
DEFAULT_OVERLAP_SECONDS = 24 * 3600
LONGEST_RETENTION_DAYS = 365
KEY_BYTES = range(24, 65)
"""Standard Webhooks' own limits of a key."""
SECRET_CHARS = range(16, 256)
LAST_SEQ = 1_000_000


OF_FAILED = re.compile(r"[0-9]{13}#[^#]{1,128}#[0-9]{1,4}")
OF_ONE_CALL = re.compile(r"[0-9]{1,6}")
OF_CALLS = re.compile(r"([0-9]{13}#.{1,64})?\|[0-9]{1,6}")
"""What the pages of each kind of attempts give as next, before it is encoded."""


def parse_new(body: Mapping[str, Any]) -> NewEndpoint:
    wire.known(body, "url", "events", "description", "timeout_seconds", "secret")
    return NewEndpoint(
        url=wire.text(body, "url", LONGEST_URL),
        events=_filter(body) if "events" in body else CONTRACT_EVENTS,
        description=_line(body, "description", LONGEST_DESCRIPTION, ""),
        timeout_seconds=_timeout(body),
        secret=_secret(body),
    )


def parse_changes(body: Mapping[str, Any]) -> Changes:
    """At least one."""
    wire.known(body, "url", "events", "description", "timeout_seconds")
    if not body:
        raise InvalidRequest("name what is to be changed")
    return Changes(
        url=wire.text(body, "url", LONGEST_URL) if "url" in body else None,
        events=_filter(body) if "events" in body else None,
        description=_line(body, "description", LONGEST_DESCRIPTION, "")
        if "description" in body
        else None,
        timeout_seconds=_timeout(body) if "timeout_seconds" in body else None,
    )


def parse_rotation(body: Mapping[str, Any]) -> tuple[str, int]:
    """The secret, empty for one to be drawn, and the overlap in milliseconds."""
    wire.known(body, "overlap_seconds", "secret")
    overlap_seconds = wire.integer(
        body, "overlap_seconds", 0, LONGEST_OVERLAP_SECONDS, DEFAULT_OVERLAP_SECONDS
    )
    return _secret(body), overlap_seconds * 1_000


def parse_test(body: Mapping[str, Any]) -> str:
    """The type of the event that is to be sent."""
    wire.known(body, "type")
    event_type = wire.text(body, "type", 64, TEST_EVENT)
    if event_type not in (TEST_EVENT, *KNOWN_EVENTS):
        known = ", ".join((TEST_EVENT, *KNOWN_EVENTS))
        raise InvalidRequest(f"type must be one of {known}")
    return event_type


def parse_nothing(body: Mapping[str, Any]) -> None:
    wire.known(body)


def parse_retention_days(body: Mapping[str, Any]) -> int:
    wire.known(body, "retention_days")
    return wire.integer(body, "retention_days", 1, LONGEST_RETENTION_DAYS)


def parse_attempts(query: Mapping[str, str]) -> AttemptsWanted:
    wire.known(query, "status", "call_id", "limit", "cursor")
    status = query.get("status", "failed")
    call_id = query.get("call_id", "")
    if status not in ("failed", "all"):
        raise InvalidRequest("status must be failed or all")
    if len(call_id) > LONGEST_ID or not call_id.isprintable():
        raise InvalidRequest(f"call_id has at most {LONGEST_ID} printable characters")
    is_failed_only = status == "failed"
    mark = OF_FAILED if is_failed_only else OF_CALLS
    return AttemptsWanted(
        is_failed_only,
        call_id,
        wire.page_size(query),
        _cursor(query, OF_ONE_CALL if call_id else mark),
    )


def parse_replay(body: Mapping[str, Any]) -> Wanted:
    """By the field that says what is wanted: event_id, call_id, or from and to."""
    if "event_id" in body:
        wire.known(body, "event_id", "call_id")
        event_id = _line(body, "event_id", LONGEST_ID)
        return OfEvent(event_id, _line(body, "call_id", LONGEST_ID, ""))
    if "call_id" in body:
        wire.known(body, "call_id", "from_seq")
        call_id = _line(body, "call_id", LONGEST_ID)
        return OfCall(call_id, wire.integer(body, "from_seq", 1, LAST_SEQ, 1))
    if "from" in body or "to" in body:
        return _period(body)
    wire.known(body)
    raise InvalidRequest("name an event_id, a call_id, or from and to")


def _period(body: Mapping[str, Any]) -> OfPeriod:
    wire.known(body, "from", "to", "only", "events")
    from_ms, to_ms = _instant(body, "from"), _instant(body, "to")
    if not from_ms < to_ms <= from_ms + LONGEST_MS:
        raise InvalidRequest("to must be after from, by at most 24 hours")
    only = body.get("only", "failed")
    if only not in ("failed", "all"):
        raise InvalidRequest("only must be failed or all")
    events = _filter(body) if "events" in body else ()
    return OfPeriod(from_ms, to_ms, only == "failed", events)


def _cursor(query: Mapping[str, str], mark: re.Pattern[str]) -> str:
    cursor = wire.cursor(query)
    if cursor and not mark.fullmatch(cursor):
        raise InvalidRequest("cursor is what an earlier page gave as next")
    return cursor


def _line(
    body: Mapping[str, Any], name: str, longest: int, default: str | None = None
) -> str:
    text = wire.text(body, name, longest, default)
    if not text.isprintable():
        raise InvalidRequest(f"{name} has printable characters only")
    return text


def _instant(body: Mapping[str, Any], name: str) -> int:
    at_ms = instants.parse(wire.text(body, name, 64))
    if at_ms is None:
        raise InvalidRequest(f"{name} must be an instant as 2026-01-31T12:00:00Z")
    return at_ms


def _filter(body: Mapping[str, Any]) -> tuple[str, ...]:
    events = body["events"]
    if not isinstance(events, list) or not events:
        raise InvalidRequest("events must be a list of at least one name")
    for name in events:
        if not isinstance(name, str) or name not in FILTERS:
            raise InvalidRequest("events knows " + ", ".join(sorted(FILTERS)))
    return tuple(dict.fromkeys(events))


def _timeout(body: Mapping[str, Any]) -> float:
    return wire.integer(
        body, "timeout_seconds", 1, LONGEST_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS
    )


def _secret(body: Mapping[str, Any]) -> str:
    """Empty when none is given. What it is must not stand in an error."""
    if "secret" not in body:
        return ""
    secret = body["secret"]
    if not isinstance(secret, str) or not secret.isprintable():
        raise InvalidRequest("secret must be a printable text")
    if secret.startswith(WHSEC):
        if _key_length(secret.removeprefix(WHSEC)) not in KEY_BYTES:
            raise InvalidRequest("secret must have base64 of 24 to 64 bytes in whsec_")
    elif len(secret) not in SECRET_CHARS:
        raise InvalidRequest("secret must have 16 to 255 characters")
    return secret


def _key_length(text: str) -> int:
    """0 for what is not base64."""
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return 0
