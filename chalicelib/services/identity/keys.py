"""API keys: what a business's servers prove themselves with.

A key is ``parley.<tenant>.<key id>.<secret>``. The secret is shown once, when the key
is made; what is kept is its hash.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, Self, TypeVar

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity.recollection import Recollection
from chalicelib.services.ports import Clock, Conflict, Draws, RepositoryError
from chalicelib.services.retries import Unavailable

PREFIX = "parley"
TEXT = re.compile(
    r"parley\.(?P<tenant>[A-Za-z0-9_-]{1,64})"
    r"\.(?P<id>key_[0-9a-f]{16})\.(?P<secret>[A-Za-z0-9_-]{43})\Z"
)
KEY_ID = re.compile(r"key_[0-9a-f]{16}\Z")
ID_DIGITS = 16
ROLES = (Role.SERVER, Role.ADMIN)
MOST_LIVE = 100
MOST_KEPT = 1_000
"""Of a tenant, those that were revoked or have expired among them."""
DAY_MS = 24 * 3600 * 1000
KEPT_MS = 90 * DAY_MS
"""How long a key is shown after its end."""
TRUSTED_MS = 30_000
"""How long what was read of a key is believed: a revoked one opens doors no longer
than that."""
MOST_REMEMBERED = 2_000


class InvalidKey(Exception):
    """It is no key, or one that is not good, or no longer."""


class KeyNotFound(Exception):
    """The tenant has no such key."""


class KeyExists(Exception):
    """The same request has made its key before; the message is that key's id."""


class TooManyKeys(Exception):
    """The tenant has as many as it may."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """All that is known of a key: not the key."""

    tenant: str
    id: str
    name: str
    role: Role
    digest: str = field(repr=False)
    """SHA-256 of the secret, in hex."""
    created_at_ms: int
    created_by: str
    """The uid of who made it."""
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None

    @property
    def ends_at_ms(self) -> int | None:
        """When it was revoked or expires, whichever comes first; None for never."""
        ends = (self.expires_at_ms, self.revoked_at_ms)
        return min((end for end in ends if end is not None), default=None)

    @property
    def principal(self) -> Principal:
        """As whom it acts."""
        return Principal(self.tenant, self.id, self.role)

    def is_live(self, now_ms: int) -> bool:
        ends_at_ms = self.ends_at_ms
        return ends_at_ms is None or now_ms < ends_at_ms

    def is_shown(self, now_ms: int) -> bool:
        ends_at_ms = self.ends_at_ms
        return ends_at_ms is None or now_ms < ends_at_ms + KEPT_MS

    def is_of(self, secret: str) -> bool:
        """Takes the same time whatever is asked."""
        return hmac.compare_digest(self.digest, digest_of(secret))

    def revoked(self, now_ms: int) -> Self:
        """The first time counts."""
        if self.revoked_at_ms is not None:
            return self
        return replace(self, revoked_at_ms=now_ms)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key to be made."""

    name: str
    role: Role = Role.SERVER
    seconds: int | None = None
    """How long it is good; None for ever."""
    repetition: str | None = None
    """The same for the same request sent again, if its sender says so."""


class KeyRepository(Protocol):
    """The keys of every tenant; any of it raises `RepositoryError`."""

    def add(self, key: ApiKey) -> None:
        """Raises `Conflict` if there is one of its id."""

    def find(self, tenant: str, key_id: str) -> ApiKey | None:
        """As last stored; never a stale one."""

    def of_tenant(self, tenant: str, most: int) -> tuple[ApiKey, ...]:
        """By their ids; so many at most."""

    def revoke(self, key: ApiKey) -> None:
        """Store when a key was revoked. Raises `Conflict` if it is gone."""


class KeyService:
    """Makes keys, knows them again, and revokes them."""

    def __init__(self, repository: KeyRepository, clock: Clock, draws: Draws) -> None:
        self._repository = repository
        self._clock = clock
        self._draws = draws
        self._read: Recollection[tuple[str, str], tuple[ApiKey, int]] = Recollection(
            MOST_REMEMBERED
        )

    def verify(self, text: str) -> Principal:
        """Who holds this key. At most one read; none within `TRUSTED_MS` of the last.

        Raises `InvalidKey`, with one sentence for all that can be wrong, or
        `Unavailable`.
        """
        found = TEXT.match(text)
        key = self._known(found["tenant"], found["id"]) if found else None
        if found is None or key is None or not key.is_of(found["secret"]):
            raise InvalidKey("the API key is not valid")
        if not key.is_live(self._clock.now_ms()):
            raise InvalidKey("the API key is not valid")
        return key.principal

    def create(self, creator: Principal, wanted: Wanted) -> tuple[ApiKey, str]:
        """The key, and its text, which nobody can be told again.

        Raises `TooManyKeys`, `KeyExists` or `Unavailable`.
        """
        now_ms = self._clock.now_ms()
        shown = self.of_tenant(creator.tenant)
        live = sum(key.is_live(now_ms) for key in shown)
        key_id = self._id(wanted.repetition)
        # Its own repetition is told that it was made, not that there are too many.
        if all(key.id != key_id for key in shown):
            _require_room(live, len(shown))
        secret = self._secret()
        key = ApiKey(
            tenant=creator.tenant,
            id=key_id,
            name=wanted.name,
            role=wanted.role,
            digest=digest_of(secret),
            created_at_ms=now_ms,
            created_by=creator.uid,
            expires_at_ms=wanted.seconds and now_ms + wanted.seconds * 1000,
        )
        try:
            _available(lambda: self._repository.add(key))
        except Conflict:
            raise KeyExists(key_id) from None
        return key, ".".join((PREFIX, key.tenant, key.id, secret))

    def of_tenant(self, tenant: str) -> tuple[ApiKey, ...]:
        """Those that live, and those that ended lately, the newest first.

        Raises `Unavailable`.
        """
        now_ms = self._clock.now_ms()
        kept = _available(lambda: self._repository.of_tenant(tenant, MOST_KEPT))
        shown = (key for key in kept if key.is_shown(now_ms))
        return tuple(sorted(shown, key=lambda key: (-key.created_at_ms, key.id)))

    def revoke(self, tenant: str, key_id: str) -> None:
        """Again, it changes nothing. Raises `KeyNotFound` or `Unavailable`."""
        key = None
        if KEY_ID.match(key_id):
            key = _available(lambda: self._repository.find(tenant, key_id))
        if key is None or not key.is_shown(self._clock.now_ms()):
            raise KeyNotFound(key_id)
        revoked = key.revoked(self._clock.now_ms())
        try:
            _available(lambda: self._repository.revoke(revoked))
        except Conflict:
            raise KeyNotFound(key_id) from None
        self._read.forget((tenant, key_id))

    def _known(self, tenant: str, key_id: str) -> ApiKey | None:
        now_ms = self._clock.now_ms()
        remembered = self._read.find((tenant, key_id))
        if remembered is not None and 0 <= now_ms - remembered[1] < TRUSTED_MS:
            return remembered[0]
        key = _available(lambda: self._repository.find(tenant, key_id))
        if key is None:
            self._read.forget((tenant, key_id))
        else:
            self._read.keep((tenant, key_id), (key, now_ms))
        return key

    def _id(self, repetition: str | None) -> str:
        drawn = self._draws.token() if repetition is None else digest_of(repetition)
        return f"key_{drawn[-ID_DIGITS:]}"

    def _secret(self) -> str:
        drawn = bytes.fromhex(self._draws.token() + self._draws.token())
        return base64.urlsafe_b64encode(drawn).decode().rstrip("=")


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


Found = TypeVar("Found")


def _available(ask: Callable[[], Found]) -> Found:
    """Raises `Conflict` or `Unavailable`."""
    try:
        return ask()
    except Conflict:
        raise
    except RepositoryError as error:
        raise Unavailable(type(error).__name__) from error


def _require_room(live: int, kept: int) -> None:
    if live >= MOST_LIVE:
        raise TooManyKeys(f"a tenant has at most {MOST_LIVE} live keys")
    if kept >= MOST_KEPT:
        raise TooManyKeys(
            f"a tenant has at most {MOST_KEPT} keys, those of the last "
            f"{KEPT_MS // DAY_MS} days among them"
        )
