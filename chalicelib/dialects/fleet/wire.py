"""Bodies of `chalicelib.protocol.fleet` in, errors out."""

from collections.abc import Mapping
from typing import Any

from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import MalformedRequest
from chalicelib.protocol.claims import TENANT
from chalicelib.protocol.envelope import UnknownVersion
from chalicelib.protocol.fleet import Facts
from chalicelib.protocol.lease import (
    Fact,
    Lease,
    MalformedMessage,
    Sight,
    Witness,
)
from chalicelib.protocol.session.fields import NAME_MAX
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.services.fleet import SessionNotFound
from chalicelib.services.retries import Unavailable
from chalicelib.services.roster import Fenced

PREFIX = "/internal"

ERRORS: dict[type[Exception], tuple[int, str]] = {
    MalformedRequest: (400, ""),
    MalformedMessage: (400, ""),
    UnknownVersion: (400, ""),
    Unauthenticated: (401, ""),
    Forbidden: (403, ""),
    SessionNotFound: (404, "no live worker has told of such a session"),
    Fenced: (409, "this epoch of the worker is over"),
    Unavailable: (503, "try again later"),
}
"""The status, which is the body's code too, and the text; empty for its own."""
INTERNAL = (500, "internal error")
NO_TENANT = "tenant must be 1 to 64 letters, digits, - or _"


def error_of(error: Exception) -> tuple[int, dict[str, Any]]:
    """The status and body of a failure; one that is not in the table is ours."""
    status, text = ERRORS.get(type(error), INTERNAL)
    return status, {"code": status, "message": text or str(error)}


def parse_command_id(text: str) -> str:
    """Raises `MalformedRequest`."""
    if len(text) > NAME_MAX:
        raise MalformedRequest(f"a command's id has at most {NAME_MAX} characters")
    return text


def parse_tenant(query: Mapping[str, str]) -> str:
    """Whose sessions are meant. Raises `MalformedRequest`."""
    tenant = query.get("tenant", "")
    if not TENANT.match(tenant):
        raise MalformedRequest(NO_TENANT)
    return tenant


def parse_lease(worker_id: str, body: Mapping[str, Any]) -> Lease:
    """Raises `MalformedRequest`, `MalformedMessage` or `UnknownVersion`."""
    lease = Lease.parse(body)
    if lease.worker_id != worker_id:
        raise MalformedRequest("a worker renews its own lease")
    return lease


def parse_facts(worker_id: str, body: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Raises `MalformedRequest`, `MalformedMessage` or `UnknownVersion`."""
    facts = Facts.parse(body).facts
    for fact in facts:
        if fact.worker_id != worker_id:
            raise MalformedRequest("a worker tells of its own sessions")
        if not TENANT.match(fact.tenant):
            raise MalformedRequest(NO_TENANT)
    return facts


def parse_witness(worker_id: str, body: Mapping[str, Any]) -> Witness:
    """Raises `MalformedRequest`, `MalformedMessage` or `UnknownVersion`."""
    witness = Witness.parse(body)
    if witness.by != worker_id or witness.sight is not Sight.UNREACHABLE:
        raise MalformedRequest("a worker says whom it could not reach itself")
    if witness.worker_id == worker_id:
        raise MalformedRequest("a worker is no witness of its own death")
    return witness
