"""Bearer tokens: who sent a request, for the control plane and for workers alike.

Two families that never mix: HS256 by the secret that Parley's parts share, and RS256 by
the public keys of an issuer. The header's ``alg`` chooses the family; nothing else that
a token says of keys (``jku``, ``x5u``, ``jwk``) is looked at.

The one module of the protocol that needs more than the standard library. It imports
PyJWT with the first token, for that takes longer than all else here; `prepare` does it
sooner.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from chalicelib.protocol.claims import UID_MAX_LENGTH, Principal
from chalicelib.protocol.jwks import KeySet, PublicKey
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role

ALGORITHM = "HS256"
ISSUER_ALGORITHM = "RS256"
TOKEN_MAX_LENGTH = 8 * 1024
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
LEEWAY_SECONDS = 5
LATEST_SECONDS = 253_402_300_799
"""The last second of the year 9999."""
INSTANTS = ("exp", "nbf", "iat")
BEARER = "bearer"
WORKER_TOKEN_SECONDS = 5 * 60
NOBODY = "anonymous"
API_KEY_PREFIX = "parley."
"""How an API key begins, and no token does."""
API_KEY_HEADER = "x-api-key"

NOT_VALID = "the token is not valid"
NO_API_KEYS = (
    "an API key opens only the HTTP API, by its headers; "
    "POST /v1/tokens makes a user's token with it"
)


class Unauthenticated(Exception):
    """There are no credentials, or they prove nothing."""


class Keys(Protocol):
    """An issuer's public keys, wherever they are kept."""

    def find(self, kid: str) -> PublicKey | None: ...


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures prove who acts."""

    secret: str = field(repr=False)
    """Of HS256."""
    keys: Keys = KeySet()
    """Of RS256; without any, nobody else's tokens are good."""
    issuer: str | None = None
    """What ``iss`` of an RS256 token must be, if that matters."""
    audience: str | None = None
    """What ``aud`` of an RS256 token must name, if that matters."""


def prepare() -> None:
    """For a process whose first token shall not wait for the import."""
    import jwt.algorithms  # noqa: F401


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
    trust: Trust,
    *,
    is_open: bool = False,
) -> Principal:
    """The token's user; or, where a dialect is open, whom the query names.

    For doors that take no API keys. Header names are in lower case, or found in any.
    Raises `Unauthenticated`.
    """
    token = bearer_token(headers, query)
    if token is not None:
        return verify(token, trust)
    if API_KEY_HEADER in headers:
        raise Unauthenticated(NO_API_KEYS)
    if is_open:
        uid = query.get("uid", "")[:UID_MAX_LENGTH] or NOBODY
        return Principal(DEFAULT_TENANT, uid, Role.ADMIN)
    raise Unauthenticated("a Bearer token is required")


def verify(token: str, trust: Trust) -> Principal:
    """A user, a server or an admin; a worker's token is none of them.

    Raises `Unauthenticated`; what it says is safe to send back.
    """
    principal = _verified(token, trust)
    if principal.role is Role.WORKER:
        raise Unauthenticated(NOT_VALID)
    return principal


def verify_worker(token: str, secret: str) -> str:
    """The id of the worker that a token of `worker_token` names.

    Raises `Unauthenticated`, for users' and servers' tokens too.
    """
    principal = _verified(token, Trust(secret))
    if principal.role is not Role.WORKER:
        raise Unauthenticated("a worker's token is required")
    return principal.uid


def worker_token(secret: str, worker_id: str, now: float) -> str:
    """Proof, for a few minutes, of being a worker; ``now`` is epoch seconds.

    Opens what Parley's own parts ask of each other, and nothing else.
    """
    import jwt

    principal = Principal(DEFAULT_TENANT, worker_id, Role.WORKER)
    claims = {**principal.render(), "exp": int(now) + WORKER_TOKEN_SECONDS}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def user_token(
    secret: str, principal: Principal, expires_at: int, device_type: str = ""
) -> str:
    """What a user's client shows of itself; ``expires_at`` is epoch seconds."""
    import jwt

    claims: dict[str, Any] = {**principal.render(), "exp": expires_at}
    if device_type:
        claims["device_type"] = device_type
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def _verified(token: str, trust: Trust) -> Principal:
    if token.startswith(API_KEY_PREFIX):
        raise Unauthenticated(NO_API_KEYS)
    if len(token) > TOKEN_MAX_LENGTH:
        raise Unauthenticated("the token is too long")
    if not COMPACT.match(token):
        raise Unauthenticated(NOT_VALID)
    import jwt

    try:
        claims = _claims(token, trust)
        if not all(_is_instant(claims[name]) for name in INSTANTS if name in claims):
            raise Unauthenticated(NOT_VALID)
        return Principal.parse(claims)
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("the token has expired") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise Unauthenticated(NOT_VALID) from None


def _claims(token: str, trust: Trust) -> dict[str, Any]:
    """Of a token that is signed and of this time."""
    import jwt

    header = jwt.get_unverified_header(token)
    if "crit" in header:
        raise Unauthenticated(NOT_VALID)
    if header.get("alg") == ISSUER_ALGORITHM:
        return _issuer_claims(token, header, trust)
    # Whatever else the header says, this family has one algorithm.
    return jwt.decode(
        token,
        trust.secret,
        algorithms=[ALGORITHM],
        leeway=LEEWAY_SECONDS,
        options={"require": ["exp"], "verify_aud": False},
    )


def _issuer_claims(
    token: str, header: Mapping[str, Any], trust: Trust
) -> dict[str, Any]:
    import jwt

    kid = header.get("kid")
    key = trust.keys.find(kid) if isinstance(kid, str) else None
    if key is None:
        raise Unauthenticated(NOT_VALID)
    claims = jwt.decode(
        token,
        _rsa_key(key),
        algorithms=[ISSUER_ALGORITHM],
        leeway=LEEWAY_SECONDS,
        issuer=trust.issuer,
        audience=trust.audience,
        options={"require": ["exp"], "verify_aud": trust.audience is not None},
    )
    if claims.get("role") == Role.WORKER:
        raise Unauthenticated(NOT_VALID)
    return claims


@functools.lru_cache(maxsize=64)
def _rsa_key(key: PublicKey) -> Any:
    from jwt.algorithms import RSAAlgorithm

    return RSAAlgorithm.from_jwk(key.render())


def _is_instant(value: Any) -> bool:
    """A NumericDate (RFC 7519 section 2) of no unbelievable year."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= LATEST_SECONDS
