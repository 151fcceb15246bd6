"""Bearer tokens: who sent a request, for the control plane and for workers alike.

The one module of the protocol that needs more than the standard library.
"""

from collections.abc import Mapping

import jwt

from chalicelib.protocol.claims import UID_MAX_LENGTH, InvalidClaims, Principal
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role

ALGORITHM = "HS256"
TOKEN_MAX_LENGTH = 8 * 1024
LEEWAY_SECONDS = 5
BEARER = "bearer"
WORKER_TOKEN_SECONDS = 5 * 60
NOBODY = "anonymous"


class Unauthenticated(Exception):
    """There are no credentials, or they prove nothing."""


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


def admit(
    headers: Mapping[str, str],
    query: Mapping[str, str],
    secret: str,
    *,
    is_open: bool = False,
) -> Principal:
    """The token's user; or, where a dialect is open, whom the query names.

    Header names are in lower case. Raises `Unauthenticated`.
    """
    token = bearer_token(headers, query)
    if token is not None:
        return verify(token, secret)
    if is_open:
        uid = query.get("uid", "")[:UID_MAX_LENGTH] or NOBODY
        return Principal(DEFAULT_TENANT, uid, Role.ADMIN)
    raise Unauthenticated("a Bearer token is required")


def verify(token: str, secret: str) -> Principal:
    """A user, a server or an admin; a worker's token is none of them.

    Raises `Unauthenticated`; what it says is safe to send back.
    """
    principal = _verified(token, secret)
    if principal.role is Role.WORKER:
        raise Unauthenticated("the token is not valid")
    return principal


def verify_worker(token: str, secret: str) -> str:
    """The id of the worker that a token of `worker_token` names.

    Raises `Unauthenticated`, for users' and servers' tokens too.
    """
    principal = _verified(token, secret)
    if principal.role is not Role.WORKER:
        raise Unauthenticated("a worker's token is required")
    return principal.uid


def worker_token(secret: str, worker_id: str, now: float) -> str:
    """Proof, for a few minutes, of being a worker; ``now`` is epoch seconds.

    Opens what Parley's own parts ask of each other, and nothing else.
    """
    principal = Principal(DEFAULT_TENANT, worker_id, Role.WORKER)
    claims = {**principal.render(), "exp": int(now) + WORKER_TOKEN_SECONDS}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def _verified(token: str, secret: str) -> Principal:
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
