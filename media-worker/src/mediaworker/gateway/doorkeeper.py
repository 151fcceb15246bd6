"""Who may come in."""

from collections.abc import Mapping

from chalicelib.protocol.claims import UID_MAX_LENGTH, Principal
from chalicelib.protocol.tokens import (
    Unauthenticated,
    bearer_token,
    verify,
    verify_worker,
)
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role

NOBODY = "anonymous"


class Doorkeeper:
    """Asks for a token, except where the dialect is open, which is development's."""

    def __init__(self, jwt_secret: str, *, is_open: bool = False) -> None:
        self._jwt_secret = jwt_secret
        self._is_open = is_open

    def admit(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Principal:
        """The token's user; or, where it is open, whom the query names.

        Raises `Unauthenticated`.
        """
        token = bearer_token(headers, query)
        if token is not None:
            return verify(token, self._jwt_secret)
        if self._is_open:
            uid = query.get("uid", "")[:UID_MAX_LENGTH] or NOBODY
            return Principal(DEFAULT_TENANT, uid, Role.ADMIN)
        raise Unauthenticated("a Bearer token is required")

    def admit_part(self, headers: Mapping[str, str]) -> str:
        """One of Parley's own parts, by its name: no address carries its token.

        Raises `Unauthenticated`.
        """
        token = bearer_token(headers, {})
        if token is None:
            raise Unauthenticated("a worker's token is required")
        return verify_worker(token, self._jwt_secret)
