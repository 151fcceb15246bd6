"""Tokens of our own, for rooms whose provider has none: signed, stored nowhere."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any, Self

from chalicelib.domain.call import Call
from chalicelib.protocol.tokens import ALGORITHM, TOKEN_MAX_LENGTH

PURPOSE = b"openchat rtc token"
TEXTS = ("tenant", "room", "uid", "role")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who may be in which room, and until when."""

    tenant: str
    room: str
    uid: str
    role: str
    expires_at_ms: int

    @classmethod
    def parse(cls, token: str, secret: str) -> Self | None:
        """None for what is no token of ours; an old one is one still."""
        if len(token) > TOKEN_MAX_LENGTH or not token.isascii():
            return None
        import jwt

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                _key(secret),
                algorithms=[ALGORITHM],
                options={"require": ["exp"], "verify_exp": False},
            )
        except (jwt.InvalidTokenError, RecursionError):
            return None
        texts = {name: claims[name] for name in TEXTS}
        return cls(**texts, expires_at_ms=claims["exp"] * 1000)

    def render(self, secret: str) -> str:
        import jwt

        texts = {name: getattr(self, name) for name in TEXTS}
        claims = {**texts, "exp": self.expires_at_ms // 1000}
        return jwt.encode(claims, _key(secret), algorithm=ALGORITHM)


@dataclass(frozen=True, slots=True)
class Entrance:
    """One member's way into a room's media."""

    call: Call
    uid: str
    role: str
    token: str = field(repr=False)
    media: dict[str, Any] = field(repr=False)
    created_at_ms: int
    expires_at_ms: int


def _key(secret: str) -> bytes:
    """Of this purpose alone: such a token logs nobody in."""
    return hmac.digest(secret.encode(), PURPOSE, hashlib.sha256)
