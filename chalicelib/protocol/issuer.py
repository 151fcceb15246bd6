"""Who, beside ourselves, issues tokens: the same settings here and in workers."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from chalicelib.protocol.jwks import InvalidKeySet, KeySet

URL_MAX_LENGTH = 2048
LOOPBACKS = frozenset({"localhost", "127.0.0.1", "::1"})


class InvalidIssuer(ValueError):
    """A variable has a value that it cannot have; says which, and what it needs."""


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """Whose keys verify RS256, and what its tokens must say."""

    keys: KeySet | None
    """``PARLEY_JWKS``; None where they are fetched."""
    url: str
    """``PARLEY_JWKS_URL``; empty where the keys are given."""
    name: str | None
    """``PARLEY_JWT_ISSUER``: the ``iss`` of its tokens, if that is checked."""
    audience: str | None
    """``PARLEY_JWT_AUDIENCE``: of their ``aud``, if that is checked."""

    @classmethod
    def parse(
        cls, variables: Mapping[str, str], *, is_development: bool
    ) -> "IssuerSettings | None":
        """None where nobody else issues tokens. Raises `InvalidIssuer`."""
        text = variables.get("PARLEY_JWKS", "").strip()
        url = variables.get("PARLEY_JWKS_URL", "").strip()
        if not text and not url:
            return None
        if text and url:
            raise InvalidIssuer("PARLEY_JWKS or PARLEY_JWKS_URL must be set, not both")
        name = variables.get("PARLEY_JWT_ISSUER", "").strip() or None
        audience = variables.get("PARLEY_JWT_AUDIENCE", "").strip() or None
        if not is_development and not (name and audience):
            raise InvalidIssuer(
                "PARLEY_JWT_ISSUER and PARLEY_JWT_AUDIENCE must be set beside the keys"
            )
        if url and not _is_url(url, is_development):
            raise InvalidIssuer(
                "PARLEY_JWKS_URL must be an https URL (in development http too, "
                "on loopback)"
            )
        return cls(_keys(text) if text else None, url, name, audience)


def _keys(text: str) -> KeySet:
    try:
        keys = KeySet.parse(text)
    except InvalidKeySet as error:
        raise InvalidIssuer(f"PARLEY_JWKS: {error}") from None
    if not keys.keys:
        raise InvalidIssuer("PARLEY_JWKS has no RSA key that verifies RS256")
    return keys


def _is_url(text: str, is_development: bool) -> bool:
    if len(text) > URL_MAX_LENGTH or not text.isascii() or not text.isprintable():
        return False
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    if not is_whole or " " in text or "@" in parts.netloc or parts.fragment:
        return False
    is_near = is_development and parts.hostname in LOOPBACKS
    return parts.scheme == "https" or (parts.scheme == "http" and is_near)
