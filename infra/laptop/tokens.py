"""DynamoDB's ten minutes of idempotency for transactions."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

REMEMBERED_SECONDS = 600


class TokenMismatch(Exception):
    """The token was used for another request within the ten minutes."""


class ClientRequestTokens:
    """Remembers which transactions have been committed under which token."""

    def __init__(self, now_seconds: Callable[[], float]) -> None:
        self._now_seconds = now_seconds
        self._committed: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def is_repeat(self, token: str, items: Any) -> bool:
        """True when ``items`` have been committed under ``token`` already."""
        self._forget_old()
        known = self._committed.get(token)
        if known is None:
            return False
        if known[0] != _fingerprint(items):
            raise TokenMismatch(token)
        return True

    def committed(self, token: str, items: Any) -> None:
        self._committed[token] = (_fingerprint(items), self._now_seconds())

    def _forget_old(self) -> None:
        oldest_kept = self._now_seconds() - REMEMBERED_SECONDS
        while self._committed:
            token, (_, at) = next(iter(self._committed.items()))
            if at >= oldest_kept:
                return
            del self._committed[token]


def _fingerprint(items: Any) -> str:
    return json.dumps(items, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else repr(value)
