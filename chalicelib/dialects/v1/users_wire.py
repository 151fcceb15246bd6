"""The erasure of a user, in JSON."""

from typing import Any

from chalicelib.dialects.v1 import wire
from chalicelib.dialects.v1.wire import InvalidRequest
from chalicelib.protocol.claims import UID, UID_MAX_LENGTH
from chalicelib.services.erasure import Piece

PATH = f"{wire.PREFIX}/users"


def parse_uid(text: str) -> str:
    """Raises `InvalidRequest`."""
    if not UID.match(text):
        raise InvalidRequest(
            f"a user id has 1 to {UID_MAX_LENGTH} characters, none of control"
        )
    return text


def render(uid: str, piece: Piece) -> dict[str, Any]:
    """What this request has changed or deleted, by kind; and where to go on."""
    page = wire.page("erased", [], piece.following)
    return {
        "uid": uid,
        "erased": dict(sorted(piece.counts.items())),
        "next": page["next"],
    }
