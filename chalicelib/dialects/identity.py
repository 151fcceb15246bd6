"""Credentials -> principal, and for whom a principal may act."""

from collections.abc import Mapping

import jwt

from chalicelib.protocol.claims import InvalidClaims, Principal
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role

ALGORITHM = "HS256"
TOKEN_MAX_LENGTH = 8 * 1024
LEEWAY_SECONDS = 5
BEARER = "bearer"


class Unauthenticated(Exception):
    """There are no credentials, or they prove nothing."""


class Forbidden(Exception):
    """The principal may not do this."""


def bearer_token(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The token of ``Authorization: Bearer`` or, failing that, ``?token=``.

    Raises `Unauthenticated` for another scheme, rather than overlook it.
    """
    header = headers.get("authorization")
    if header is None:
        return query.get("token") or None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != BEARER or not token.strip():
        raise Unauthenticated("Authorization must be Bearer and a token")
    return token.strip()


def verify(token: str, secret: str) -> Principal:
    """Raises `Unauthenticated`; what it says is safe to send back."""
    if len(token) > TOKEN_MAX_LENGTH:
        raise Unauthenticated("the token is too long")
    if not token.isascii():
        raise Unauthenticated("the token is not valid")
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp"], "verify_aud": False},
        )
        return Principal.parse(claims)
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("the token has expired") from None
    except (jwt.InvalidTokenError, InvalidClaims, RecursionError):
        raise Unauthenticated("the token is not valid") from None


def open_principal(named_uid: str) -> Principal:
    """Who acts without a token where a dialect is open: whom the request names."""
    return Principal(DEFAULT_TENANT, named_uid, Role.ADMIN)


def require_acting_for(principal: Principal, uid: str) -> None:
    """Raises `Forbidden` unless the principal is the user, or may act for users."""
    if uid != principal.uid and not principal.is_privileged:
        raise Forbidden("a user acts for itself only")
