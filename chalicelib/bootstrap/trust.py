"""Whose tokens are good."""

import functools

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.jwks import FetchedKeys
from chalicelib.bootstrap import signing as signing
from chalicelib.protocol.tokens import Trust
from chalicelib.settings import Settings


def trust_of(settings: Settings) -> Trust:
    """Whose tokens are good; nothing is fetched before a token needs it."""
    issuer = settings.issuer
    if issuer is None:
        return Trust(settings.jwt_secret)
    keys = _keys_of(issuer.url) if issuer.keys is None else issuer.keys
    return Trust(settings.jwt_secret, keys, issuer.name, issuer.audience)


@functools.cache
def _keys_of(url: str) -> FetchedKeys:
    return FetchedKeys(url, SystemClock())
