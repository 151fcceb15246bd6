"""API keys and users' tokens, in JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.dialects.v1 import wire
from chalicelib.dialects.v1.wire import InvalidRequest
from chalicelib.protocol.claims import UID, UID_MAX_LENGTH
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity.keys import ROLES, ApiKey, Wanted

PREFIX = f"{wire.PREFIX}/keys"
TOKENS = f"{wire.PREFIX}/tokens"
NAME_MAX_LENGTH = 100
DEVICE_TYPE_MAX_LENGTH = 64
KEY_SECONDS = (60, 10 * 365 * 24 * 3600)
TOKEN_SECONDS = (60, 24 * 3600)
DEFAULT_TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Grant:
    """``POST /v1/tokens``: for whom, and how long."""

    uid: str
    device_type: str
    seconds: int

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "Grant":
        """Raises `InvalidRequest`."""
        wire.known(body, "uid", "device_type", "ttl_seconds")
        uid = wire.text(body, "uid", UID_MAX_LENGTH)
        if not UID.match(uid):
            raise InvalidRequest("uid must have no control characters")
        device_type = wire.text(body, "device_type", DEVICE_TYPE_MAX_LENGTH, "")
        if not device_type.isprintable():
            raise InvalidRequest("device_type must be printable")
        seconds = wire.integer(
            body, "ttl_seconds", *TOKEN_SECONDS, DEFAULT_TOKEN_SECONDS
        )
        return cls(uid, device_type, seconds)

    def render(self, token: str, expires_at_ms: int) -> dict[str, Any]:
        return {"token": token, "uid": self.uid, "expires_at_ms": expires_at_ms}


def parse_wanted(body: Mapping[str, Any], repetition: str | None) -> Wanted:
    """``POST /v1/keys``. Raises `InvalidRequest`."""
    wire.known(body, "name", "role", "expires_in_seconds")
    name = wire.text(body, "name", NAME_MAX_LENGTH)
    if not name.isprintable():
        raise InvalidRequest("name must be printable")
    role = body.get("role", Role.SERVER.value)
    if role not in [known.value for known in ROLES]:
        raise InvalidRequest("role must be server or admin")
    seconds = None
    if "expires_in_seconds" in body:
        seconds = wire.integer(body, "expires_in_seconds", *KEY_SECONDS)
    return Wanted(name, Role(role), seconds, repetition)


def render_key(key: ApiKey, now_ms: int) -> dict[str, Any]:
    """All but the key."""
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "state": _state(key, now_ms),
        "created_at_ms": key.created_at_ms,
        "created_by": key.created_by,
        "expires_at_ms": key.expires_at_ms,
        "revoked_at_ms": key.revoked_at_ms,
    }


def render_made(key: ApiKey, text: str, now_ms: int) -> dict[str, Any]:
    """The one answer that shows it."""
    return {**render_key(key, now_ms), "key": text}


def render_page(
    keys: Sequence[ApiKey], after: str, size: int, now_ms: int
) -> dict[str, Any]:
    """Those after the one of this id; from the first if it is gone meanwhile."""
    ids = [key.id for key in keys]
    begin = ids.index(after) + 1 if after in ids else 0
    shown = keys[begin : begin + size]
    following = shown[-1].id if begin + size < len(keys) else ""
    return wire.page("keys", [render_key(key, now_ms) for key in shown], following)


def _state(key: ApiKey, now_ms: int) -> str:
    if key.is_live(now_ms):
        return "live"
    return "expired" if key.revoked_at_ms is None else "revoked"
