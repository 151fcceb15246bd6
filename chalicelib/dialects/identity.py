"""Who sends a request, by whatever proves it; and for whom a principal may act.

In this order: a signature, where the dialect has one; an API key, in ``X-API-Key`` or
as the Bearer token; a JWT; and where a dialect is open, whom the request names. What is
there but proves nothing is refused: nobody falls through to a weaker proof.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from chalicelib.dialects.requests import Request
from chalicelib.protocol import tokens
from chalicelib.protocol.claims import UID_MAX_LENGTH, Principal
from chalicelib.protocol.tokens import API_KEY_HEADER, API_KEY_PREFIX, Trust
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Dialect, Role
from chalicelib.services.identity.keys import InvalidKey

if TYPE_CHECKING:
    from chalicelib.services.identity.keys import KeyService
    from chalicelib.services.identity.limits import LimitService
    from chalicelib.services.ports import Clock
    from chalicelib.settings import Settings

NamedUid = Callable[[Request], str]
"""Whom a request without credentials speaks for."""
Signer = Callable[[Mapping[str, str], int], str | None]
"""The uid that headers are signed by, at a time; None without a signature."""

READS = frozenset({"GET", "HEAD"})
"""What changes nothing, and is not limited."""


class Forbidden(Exception):
    """The principal may not do this."""


class Gate(Protocol):
    """Of a control plane, what tells who may come in."""

    @property
    def settings(self) -> "Settings": ...

    @property
    def trust(self) -> Trust: ...

    @property
    def keys(self) -> "KeyService": ...

    @property
    def limits(self) -> "LimitService": ...

    @property
    def clock(self) -> "Clock": ...


def identify(
    plane: Gate,
    request: Request,
    dialect: Dialect,
    named_uid: NamedUid,
    *,
    signer: Signer | None = None,
    is_token_in_query: bool = True,
) -> Principal:
    """Who acts; asked again of the same request, the same.

    Raises `Unauthenticated`, `LimitReached` for one more change than the principal may
    make, `Unavailable`, and what ``named_uid`` and ``signer`` raise.
    """
    if not request.senders:
        query = request.query if is_token_in_query else {}
        principal = _signed(plane, request, signer) or _proven(plane, request, query)
        if principal is None:
            principal = _named(plane, request, dialect, named_uid, signer)
        if request.method not in READS:
            plane.limits.spend(principal)
        request.senders.append(principal)
    return request.senders[0]


def queried_uid(request: Request) -> str:
    """A `NamedUid`: ``?uid=``, or nobody in particular."""
    return request.query.get("uid", "")[:UID_MAX_LENGTH] or tokens.NOBODY


def require_acting_for(principal: Principal, uid: str) -> None:
    """Raises `Forbidden` unless the principal is the user, or may act for users."""
    if uid != principal.uid and not principal.is_privileged:
        raise Forbidden("a user acts for itself only")


def _signed(plane: Gate, request: Request, signer: Signer | None) -> Principal | None:
    uid = signer(request.headers, plane.clock.now_ms()) if signer else None
    return None if uid is None else Principal(DEFAULT_TENANT, uid)


def _proven(
    plane: Gate, request: Request, query: Mapping[str, str]
) -> Principal | None:
    """By a key or a token; None if there is neither."""
    api_key = request.headers.get(API_KEY_HEADER)
    if api_key is not None:
        return _key_holder(plane, api_key.strip())
    token = tokens.bearer_token(request.headers, query)
    if token is None:
        return None
    if token.startswith(API_KEY_PREFIX) and "authorization" in request.headers:
        return _key_holder(plane, token)
    return tokens.verify(token, plane.trust)


def _key_holder(plane: Gate, api_key: str) -> Principal:
    try:
        return plane.keys.verify(api_key)
    except InvalidKey as error:
        raise tokens.Unauthenticated(str(error)) from None


def _named(
    plane: Gate,
    request: Request,
    dialect: Dialect,
    named_uid: NamedUid,
    signer: Signer | None,
) -> Principal:
    if dialect in plane.settings.open_dialects:
        return Principal(DEFAULT_TENANT, named_uid(request), Role.ADMIN)
    others = "FZM-SIGNATURE, " if signer else ""
    raise tokens.Unauthenticated(f"{others}a Bearer token or an API key is required")
