"""For whom a principal may act."""

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role


class Forbidden(Exception):
    """The principal may not do this."""


def open_principal(named_uid: str) -> Principal:
    """Who acts without a token where a dialect is open: whom the request names."""
    return Principal(DEFAULT_TENANT, named_uid, Role.ADMIN)


def require_acting_for(principal: Principal, uid: str) -> None:
    """Raises `Forbidden` unless the principal is the user, or may act for users."""
    if uid != principal.uid and not principal.is_privileged:
        raise Forbidden("a user acts for itself only")
