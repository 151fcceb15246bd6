"""The public keys of those who issue tokens: sets of RFC 7517, read with care.

Only RSA keys that verify RS256, named by their ``kid``, are taken; the others of a set
are passed over. A set that gives away a secret is no set of public keys: refused.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

MOST_BYTES = 64 * 1024
MOST_KEYS = 100
KID_MAX_LENGTH = 256
MIN_BITS = 2048
MAX_BITS = 8192
"""A longer key takes too long to verify with."""
MAX_EXPONENT = 2**32
BASE64URL = re.compile(r"[A-Za-z0-9_-]+\Z")
KEY_TYPE = "RSA"
SYMMETRIC = "oct"
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
ALGORITHM = "RS256"
SIGNATURE = "sig"
VERIFY = "verify"

FRESH_MS = 10 * 60 * 1000
"""How long a fetched set is used before it is asked for again."""
PATIENCE_MS = 30 * 1000
"""The least between two askings, whatever came of the first."""


class InvalidKeySet(ValueError):
    """This is no set of public keys; says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA key, its numbers in base64url as a JWK has them."""

    kid: str
    modulus: str
    exponent: str

    def render(self) -> dict[str, str]:
        """As a JWK."""
        return {"kty": KEY_TYPE, "kid": self.kid, "n": self.modulus, "e": self.exponent}


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of an issuer; without any it vouches for nobody."""

    keys: Mapping[str, PublicKey] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, kid: str) -> PublicKey | None:
        return self.keys.get(kid)

    @classmethod
    def parse(cls, document: str | bytes) -> Self:
        """Of two keys of one name the first stands. Raises `InvalidKeySet`."""
        found: dict[str, PublicKey] = {}
        for member in _members(document):
            key = _public_key(member)
            if key is not None:
                found.setdefault(key.kid, key)
        return cls(MappingProxyType(found))


@dataclass(frozen=True, slots=True)
class Copy:
    """A set as it was fetched, and when to ask for it again.

    Times are milliseconds of any clock.
    """

    keys: KeySet = KeySet()
    fetched_at_ms: int | None = None
    asked_at_ms: int | None = None

    def is_due(self, kid: str, now_ms: int) -> bool:
        """Whether to ask, for the sake of a token that names this key."""
        if _is_within(self.asked_at_ms, PATIENCE_MS, now_ms):
            return False
        is_fresh = _is_within(self.fetched_at_ms, FRESH_MS, now_ms)
        return not is_fresh or self.keys.find(kid) is None

    def asked(self, now_ms: int) -> Self:
        """What stands until the answer comes, and if it never does."""
        return replace(self, asked_at_ms=now_ms)

    def renewed(self, keys: KeySet, now_ms: int) -> Self:
        return replace(self, keys=keys, fetched_at_ms=now_ms)


def _is_within(at_ms: int | None, span_ms: int, now_ms: int) -> bool:
    return at_ms is not None and 0 <= now_ms - at_ms < span_ms


def _members(document: str | bytes) -> list[Any]:
    if len(document) > MOST_BYTES:
        raise InvalidKeySet(f"a key set has at most {MOST_BYTES} bytes")
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        raise InvalidKeySet("a key set must be JSON") from None
    members = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(members, list):
        raise InvalidKeySet("a key set must be an object with a list of keys")
    if len(members) > MOST_KEYS:
        raise InvalidKeySet(f"a key set has at most {MOST_KEYS} keys")
    return members


def _public_key(member: Any) -> PublicKey | None:
    """None for a key of another use. Raises `InvalidKeySet` for a secret."""
    if not isinstance(member, dict):
        return None
    if member.get("kty") == SYMMETRIC or not PRIVATE_MEMBERS.isdisjoint(member):
        raise InvalidKeySet("a key set must not hold secret or private keys")
    kid: Any = member.get("kid")
    modulus: Any = member.get("n")
    exponent: Any = member.get("e")
    if not isinstance(kid, str) or not 1 <= len(kid) <= KID_MAX_LENGTH:
        return None
    if not (_verifies(member) and _is_modulus(modulus) and _is_exponent(exponent)):
        return None
    return PublicKey(kid, modulus, exponent)


def _verifies(member: Mapping[str, Any]) -> bool:
    operations = member.get("key_ops", [VERIFY])
    return (
        member.get("kty") == KEY_TYPE
        and member.get("use", SIGNATURE) == SIGNATURE
        and member.get("alg", ALGORITHM) == ALGORITHM
        and isinstance(operations, list)
        and VERIFY in operations
    )


def _is_modulus(value: Any) -> bool:
    number = _number(value)
    return MIN_BITS <= number.bit_length() <= MAX_BITS and number % 2 == 1


def _is_exponent(value: Any) -> bool:
    number = _number(value)
    return 3 <= number < MAX_EXPONENT and number % 2 == 1


def _number(value: Any) -> int:
    """Base64urlUInt (RFC 7518 section 2); 0 for what is none."""
    is_text = isinstance(value, str) and len(value) <= MAX_BITS // 4
    if not is_text or not BASE64URL.match(value) or len(value) % 4 == 1:
        return 0
    return int.from_bytes(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
