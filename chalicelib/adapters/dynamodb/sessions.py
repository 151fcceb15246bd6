"""Sessions in DynamoDB: an item each; while it lives, one by worker and one by user."""

import hashlib
import json
from collections.abc import Iterable, Sequence

from pynamodb.connection import Connection
from pynamodb.exceptions import CancellationReason, TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.failures import CONDITION_FAILED, THROTTLES, typed
from chalicelib.adapters.dynamodb.fleet import (
    failures_typed,
    lease_keys,
    order_keys,
    worker_key,
)
from chalicelib.adapters.dynamodb.rows import CALL_RETENTION_SECONDS, Row
from chalicelib.domain.sessions import Session, SessionKey
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.protocol.lease import SessionEnded, SessionStarted
from chalicelib.services import ports
from chalicelib.services.ports import OutboxEvent
from chalicelib.services.roster import MOST_LIVE, Fenced
from chalicelib.services.sessions import order_id

KIND = "session"
USER_SHARDS = 16
"""Over how many keys a tenant's live sessions are spread; a user's are together."""
SAME_ID_READ = 10
"""Sessions of one id that are looked at: the last ones, for the others have ended."""


class DynamoDBSessions:
    """A `SessionRepository`."""

    def __init__(self, table: type[Row], connection: Connection) -> None:
        self._table = table
        self._connection = connection

    def load(self, key: SessionKey) -> Session | None:
        try:
            with failures_typed():
                row = self._table.get(*_keys(key), consistent_read=True)
        except self._table.DoesNotExist:
            return None
        return parse(row)

    def store(
        self,
        before: Session | None,
        after: Session,
        events: Sequence[OutboxEvent],
        epoch: int | None,
    ) -> None:
        try:
            with TransactWrite(connection=self._connection) as transaction:
                self._write(transaction, before, after, epoch)
                for event in events:
                    transaction.save(rows.event_row(self._table, event))
        except TransactWriteError as error:
            reasons = error.cancellation_reasons
            failure = _failure(reasons, epoch is not None) or typed(error)
            raise failure or error from error

    def tell(self, key: SessionKey, event: OutboxEvent, epoch: int) -> None:
        table = self._table
        try:
            with TransactWrite(connection=self._connection) as transaction:
                lease, is_theirs = lease_keys(key.worker_id), table.epoch == epoch
                transaction.condition_check(table, *lease, condition=is_theirs)
                row = rows.event_row(table, event)
                transaction.save(row, table.pk.does_not_exist())
        except TransactWriteError as error:
            failure = _failure(error.cancellation_reasons, True) or typed(error)
            if not isinstance(failure, ports.Conflict):
                raise failure or error from error

    def live_of_worker(
        self, worker_id: str, before_epoch: int
    ) -> tuple[SessionKey, ...]:
        with failures_typed():
            found = self._table.query(
                worker_key(worker_id),
                self._table.sk.between(_live_prefix(0), _live_prefix(before_epoch)),
                consistent_read=True,
                limit=MOST_LIVE,
            )
            return tuple(_live_key(worker_id, row.sk) for row in found)

    def live_of_tenant(self, tenant: str) -> tuple[Session, ...]:
        with failures_typed():
            return tuple(
                parse(row)
                for shard in range(USER_SHARDS)
                for row in self._table.query(
                    _user_shard_key(tenant, shard), consistent_read=True
                )
            )

    def live_of_user(self, tenant: str, uid: str) -> tuple[Session, ...]:
        pk, prefix = _user_keys(tenant, uid)
        with failures_typed():
            found = self._table.query(
                pk, self._table.sk.startswith(prefix), consistent_read=True
            )
            return tuple(map(parse, found))

    def live_of_id(self, tenant: str, session_id: str) -> tuple[Session, ...]:
        with failures_typed():
            found = self._table.query(
                _id_key(tenant, session_id),
                consistent_read=True,
                scan_index_forward=False,
                limit=SAME_ID_READ,
            )
            return tuple(session for session in map(parse, found) if session.is_live)

    def _write(
        self,
        transaction: TransactWrite,
        before: Session | None,
        after: Session,
        epoch: int | None,
    ) -> None:
        table, key = self._table, after.key
        if epoch is not None:
            is_theirs = table.epoch == epoch
            lease = lease_keys(key.worker_id)
            transaction.condition_check(table, *lease, condition=is_theirs)
        stands = table.pk.does_not_exist() if before is None else table.is_live.exists()
        index = (self._by_worker(after), self._by_user(after))
        if after.is_live:
            transaction.save(self._row(after), stands)
            for row in index:
                transaction.save(row)
            return
        order = table(*order_keys(key.worker_id, order_id(key)))
        for row in (*index, order):
            transaction.delete(row)
        transaction.save(self._row(after), stands)

    def _row(self, session: Session) -> Row:
        ended = session.ended
        return self._table(
            *_keys(session.key),
            body=dump(session),
            is_live=True if ended is None else None,
            ttl=ended and ended.ended_at_ms // 1000 + CALL_RETENTION_SECONDS,
        )

    def _by_worker(self, session: Session) -> Row:
        key = session.key
        parts = (key.tenant, key.session_id, str(key.started_at_ms))
        sk = _live_prefix(session.started.epoch) + "#".join(("", *parts))
        version = rows.written_version()
        return self._table(worker_key(key.worker_id), sk, v=version)

    def _by_user(self, session: Session) -> Row:
        key = session.key
        pk, prefix = _user_keys(key.tenant, session.started.uid)
        parts = (f"{key.started_at_ms:016d}", key.session_id, key.worker_id)
        body = dump(session) if session.is_live else None
        return self._table(pk, prefix + "#".join(parts), body=body)


def _failure(
    reasons: Iterable[CancellationReason | None], is_fenced_first: bool
) -> Exception | None:
    """A check of the lease stands first among DynamoDB's reasons."""
    found = list(reasons)
    codes = [reason.code if reason else None for reason in found]
    if any(code in THROTTLES for code in codes):
        return ports.Throttled("a session")
    if is_fenced_first and codes and codes[0] == CONDITION_FAILED:
        return Fenced("a session's worker")
    return ports.Conflict("a session") if any(codes) else None


def _id_key(tenant: str, session_id: str) -> str:
    """Neither has a ``#``, so no two pairs share a key."""
    return f"SESSION#{tenant}#{session_id}"


def _keys(key: SessionKey) -> tuple[str, str]:
    sort_key = f"SESSION#{key.started_at_ms:016d}#{key.worker_id}"
    return _id_key(key.tenant, key.session_id), sort_key


def _live_prefix(epoch: int) -> str:
    return f"LIVE#{epoch:016d}"


def _live_key(worker_id: str, sk: str) -> SessionKey:
    _, _, tenant, session_id, started_at_ms = sk.split("#")
    return SessionKey(tenant, session_id, worker_id, int(started_at_ms))


def _user_shard_key(tenant: str, shard: int) -> str:
    return f"SESSIONS#{tenant}#{shard:02d}"


def _user_keys(tenant: str, uid: str) -> tuple[str, str]:
    """Where a user's live sessions are; a name may be too long for a sort key."""
    digest = hashlib.sha256(uid.encode())
    shard = digest.digest()[0] % USER_SHARDS
    return _user_shard_key(tenant, shard), digest.hexdigest()[:32] + "#"


def dump(session: Session) -> str:
    fields = {
        "started": session.started.render(),
        "ended": session.ended and session.ended.render(),
    }
    return json.dumps(stamped(fields, KIND), ensure_ascii=False, separators=(",", ":"))


def parse(row: Row) -> Session:
    value = upcast(KIND, json.loads(row.body or ""))
    ended = value["ended"]
    return Session(
        SessionStarted.parse(value["started"]), ended and SessionEnded.parse(ended)
    )
