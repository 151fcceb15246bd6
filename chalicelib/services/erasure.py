"""A user erased: all that names one in a tenant goes, or bears a pseudonym.

It is done in pieces, each bounded, so that a request does some and tells where the
next one is to go on; the same piece again changes nothing. What names nobody by a key
is found by reading all that is stored: the one place where Parley does so.

ErasureRefused
├── UserInCall       a live call, or a live session, has the user in it
└── InvalidCursor    it does not say where this erasure is to go on
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from chalicelib.domain.commands import Wake
from chalicelib.protocol.mobile_push import PushToken
from chalicelib.services.calls import CallService
from chalicelib.services.devices.devices import DeviceRepository, Sockets
from chalicelib.services.devices.push_tokens import PushTokenRepository
from chalicelib.services.ports import CallRepository, Clock, Draws
from chalicelib.services.pseudonyms import Subject
from chalicelib.services.retries import Retries
from chalicelib.services.sessions import SessionService
from chalicelib.services.vault import SealBroken, Vault

log = logging.getLogger(__name__)

_T = TypeVar("_T")

BUDGET_MS = 5_000
"""How long a request begins further pieces."""


class ErasureRefused(Exception):
    """Nothing was erased by this request; the sentence says why."""


class UserInCall(ErasureRefused):
    """A live call, or a live session, has the user in it."""


class InvalidCursor(ErasureRefused):
    """It does not say where this erasure is to go on."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What became of a part of what is stored."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """By kind, what was changed or deleted."""
    following: str = ""
    """Where the next piece begins; empty when there is none."""


class Erasure(Protocol):
    """All that is stored of a tenant's users, whatever its kind."""

    def erase(self, subject: Subject, after: str) -> Piece:
        """One piece, from ``after`` on; empty for the first.

        Bounded in work. Again, it changes nothing more. Raises `RepositoryError`.
        """


class Phones(Protocol):
    """Who carries pushes, and may know tokens itself."""

    def delist(self, token: PushToken) -> None:
        """Have it forgotten there. Raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What of a user reaches beyond the table."""

    devices: DeviceRepository
    sockets: Sockets | None
    """None where there is no gateway of sockets."""
    tokens: PushTokenRepository
    phones: Phones


class ErasureService:
    """Erases users, as far as a request's time goes."""

    def __init__(
        self,
        erasure: Erasure,
        calls: CallService,
        repository: CallRepository,
        sessions: SessionService,
        belongings: Belongings,
        vault: Vault,
        secret: str,
        clock: Clock,
        draws: Draws,
    ) -> None:
        """``secret`` is the pseudonyms'."""
        self._erasure = erasure
        self._calls = calls
        self._repository = repository
        self._sessions = sessions
        self._belongings = belongings
        self._vault = vault
        self._secret = secret
        self._clock = clock
        self._draws = draws

    def erase(self, tenant: str, uid: str, cursor: str, by: str) -> Piece:
        """Raises `ErasureRefused`, `Unavailable` or `VaultFailed`.

        ``cursor`` is what an earlier request gave as `Piece.following`, empty for the
        first; ``by`` is who asks.
        """
        subject = Subject.of(tenant, uid, self._secret)
        after = self._opened(subject, cursor)
        self._check_is_free(subject)
        counts = Counter[str]()
        if not cursor:
            counts.update(self._cut_off(subject))
        following = self._erase(subject, after, counts)
        if not following:
            # What began meanwhile has its name in it.
            self._check_is_free(subject)
        self._note(subject, counts, following, by)
        return Piece(dict(counts), following and self._sealed(subject, following))

    def _erase(self, subject: Subject, after: str, counts: Counter[str]) -> str:
        until_ms = self._clock.now_ms() + BUDGET_MS
        while True:
            piece = self._repeat(partial(self._erasure.erase, subject, after))
            counts.update(piece.counts)
            after = piece.following
            if not after or self._clock.now_ms() >= until_ms:
                return after

    def _check_is_free(self, subject: Subject) -> None:
        tenant, uid = subject.tenant, subject.uid
        call_id = self._repeat(lambda: self._repository.call_id_of(tenant, uid))
        if call_id is not None:
            self._free(subject, call_id)
        live = self._sessions.of_user(tenant, uid)
        if live:
            raise UserInCall(
                f"a session of this user is live: end {live[0].key.session_id} first"
            )

    def _free(self, subject: Subject, call_id: str) -> None:
        """Of the lock of a call that is over and does not know it yet."""
        tenant, uid = subject.tenant, subject.uid
        call = self._calls.view(tenant, call_id)
        if call is not None and uid in call.locked_uids:
            raise UserInCall(f"this user is in a call: end {call_id} first")
        if call is not None:
            self._calls.act(tenant, call_id, Wake())
        self._repeat(lambda: self._repository.drop_lock(tenant, uid, call_id))

    def _cut_off(self, subject: Subject) -> Counter[str]:
        """First what reaches the user, and lets it come back by itself."""
        mine, counts = self._belongings, Counter[str]()
        tenant, uid = subject.tenant, subject.uid
        for device in self._repeat(lambda: mine.devices.seen_of_user(tenant, uid)):
            if device.is_connected and mine.sockets is not None:
                mine.sockets.close(device.connection_id)
                counts["sockets"] += 1
        for token in self._repeat(lambda: mine.tokens.of_user(tenant, uid)):
            mine.phones.delist(token)
            self._repeat(partial(mine.tokens.forget, token))
            counts["push_tokens"] += 1
        return counts

    def _opened(self, subject: Subject, cursor: str) -> str:
        try:
            return self._vault.open(cursor, _context(subject)) if cursor else ""
        except SealBroken:
            raise InvalidCursor(
                "cursor is what the last answer of this erasure gave as next"
            ) from None

    def _sealed(self, subject: Subject, following: str) -> str:
        """Where it goes on may be a key that names somebody else."""
        return self._vault.seal(following, _context(subject))

    def _note(
        self, subject: Subject, counts: Counter[str], following: str, by: str
    ) -> None:
        """Who knows a name can find its line, and nobody finds a name."""
        administrator = Subject.of(subject.tenant, by, self._secret)
        log.info(
            "user - present -> %s",
            "erasing" if following else "erased",
            extra={
                "tenant": subject.tenant,
                "pseudonym": subject.pseudonym,
                "by": administrator.pseudonym,
                "changed": counts.total(),
            },
        )

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)


def _context(subject: Subject) -> dict[str, str]:
    """Contexts stand in AWS's own logs, so by the pseudonym."""
    return {"tenant": subject.tenant, "erasure": subject.pseudonym}
