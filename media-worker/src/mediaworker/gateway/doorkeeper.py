"""Who may come in."""

from collections.abc import Mapping

from chalicelib.protocol import tokens
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.tokens import (
    Trust,
    Unauthenticated,
    bearer_token,
    verify_worker,
)


class Doorkeeper:
    """Asks for a token, except where the dialect is open, which is development's.

    API keys are the control plane's alone: nothing here could tell a revoked one.
    """

    def __init__(self, trust: Trust, *, is_open: bool = False) -> None:
        self._trust = trust
        self._is_open = is_open

    def admit(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Principal:
        """The token's user; or, where it is open, whom the query names.

        Raises `Unauthenticated`.
        """
        return tokens.admit(headers, query, self._trust, is_open=self._is_open)

    def admit_part(self, headers: Mapping[str, str]) -> str:
        """One of Parley's own parts, by its name: no address carries its token.

        Raises `Unauthenticated`.
        """
        token = bearer_token(headers, {})
        if token is None:
            raise Unauthenticated("a worker's token is required")
        return verify_worker(token, self._trust.secret)
