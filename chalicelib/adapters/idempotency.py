"""Answers in DynamoDB, by aws-lambda-powertools' Idempotency.

Powertools decides what becomes of a request; here is where that is written down: one
item a key, by our own clock, the answer sealed. Whoever took too long has lost the
item to another, and writes no more.
"""

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    BasePersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import (
    DataRecord,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.repetitions import StoredRepetitions
from chalicelib.services.calls import CommandReused
from chalicelib.services.ports import Conflict
from chalicelib.services.repetition import KEPT_MS, RUNNING_MS, Reply, StillRunning
from chalicelib.services.retries import Retries, Unavailable

log = logging.getLogger(__name__)

VERSION = 1
PREFIX = "REPEAT"
"""Of the items' keys; powertools puts a hash behind it."""
SORT_KEY = "ANSWER"
RUNNING, DONE = "INPROGRESS", "COMPLETED"
"""Powertools' words."""
NONCE = bytes(12)
"""A key of a text's own needs no other."""


class _Passing(Exception):
    """The answer is not one to keep."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class _Invocation:
    """What powertools asks of a Lambda context."""

    def get_remaining_time_in_millis(self) -> int:
        return RUNNING_MS


def once(
    kept: StoredRepetitions, key: str, fingerprint: str, act: Callable[[], Reply]
) -> Reply:
    """`chalicelib.services.repetition.Repetitions.once`."""
    repeated: list[DataRecord] = []

    def perform(*, request: dict[str, str]) -> dict[str, Any]:
        reply = act()
        if not reply.is_final:
            raise _Passing(reply)
        return {"status": reply.status, "body": reply.body}

    def note(answer: Any, record: DataRecord) -> Any:
        repeated.append(record)
        return answer

    guarded = idempotent_function(
        perform,
        data_keyword_argument="request",
        persistence_store=_Answers(kept),
        config=IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="fingerprint",
            hash_function="sha256",
            lambda_context=_Invocation(),  # type: ignore[arg-type]
            response_hook=note,  # type: ignore[arg-type]
        ),
        key_prefix=PREFIX,
    )
    try:
        answer = guarded(request={"key": key, "fingerprint": fingerprint})
    except _Passing as passing:
        return passing.reply
    except IdempotencyValidationError:
        raise CommandReused(key) from None
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError):
        raise StillRunning(key) from None
    except IdempotencyPersistenceLayerError as failed:
        raise Unavailable(type(failed.__cause__).__name__) from failed
    return Reply(answer["status"], answer["body"], is_repeated=bool(repeated))


class _Answers(BasePersistenceLayer):
    """Powertools' store, for one request.

    It gives no times: powertools would hold them against a clock of its own. An answer
    may be longer than a vault takes, so the vault seals a key, and that the answer.
    """

    def __init__(self, kept: StoredRepetitions) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._table, self._vault = kept.table, kept.vault
        self._clock, self._draws = kept.clock, kept.draws
        self._lease = kept.draws.token()
        self._secret = kept.draws.token() + kept.draws.token()
        self._sealed = ""

    def _put_record(self, data_record: DataRecord) -> None:
        """What may fail fails here, before anything is done."""
        key, now_ms = data_record.idempotency_key, self._clock.now_ms()
        self._sealed = self._vault.seal(self._secret, _context(key))
        is_free = (
            self._table.pk.does_not_exist()
            | (self._table.lease_until_ms <= now_ms)
            | (self._table.lease == self._lease)
        )
        row = self._row(data_record, now_ms + RUNNING_MS)
        if not self._write(lambda: row.save(is_free)):
            raise IdempotencyItemAlreadyExistsError

    def _get_record(self, idempotency_key: str) -> DataRecord:
        row = Retries(self._clock, self._draws).repeat(
            lambda: self._find(idempotency_key)
        )
        if row is None or (row.lease_until_ms or 0) <= self._clock.now_ms():
            raise IdempotencyItemNotFoundError
        body = json.loads(row.body or "")
        answer = body.get("answer")
        return DataRecord(
            idempotency_key,
            status=RUNNING if answer is None else DONE,
            payload_hash=body["request"],
            response_data=answer and self._opened(idempotency_key, body),
        )

    def _update_record(self, data_record: DataRecord) -> None:
        """The request is done, so that its answer goes out even if it is not kept."""
        row = self._row(data_record, self._clock.now_ms() + KEPT_MS)
        self._settle(lambda: row.save(self._table.lease == self._lease))

    def _delete_record(self, data_record: DataRecord) -> None:
        row = self._table(data_record.idempotency_key, SORT_KEY)
        self._settle(lambda: row.delete(self._table.lease == self._lease))

    def _settle(self, write: Callable[[], Any]) -> None:
        try:
            is_ours = self._write(write)
        except Unavailable as failed:
            log.warning("an answer was not kept", extra={"reason": str(failed)})
        else:
            if not is_ours:
                log.warning("an answer came after its time")

    def _write(self, write: Callable[[], Any]) -> bool:
        """False when the item is another's. Raises `Unavailable`."""

        def attempt() -> bool:
            try:
                with failures_typed():
                    write()
            except Conflict:
                return False
            return True

        return Retries(self._clock, self._draws).repeat(attempt)

    def _find(self, key: str) -> Row | None:
        try:
            with failures_typed():
                return self._table.get(key, SORT_KEY, consistent_read=True)
        except self._table.DoesNotExist:
            return None

    def _row(self, record: DataRecord, until_ms: int) -> Row:
        key = record.idempotency_key
        body = {"v": VERSION, "request": record.payload_hash, "secret": self._sealed}
        if record.response_data:
            text = record.response_data.encode()
            sealed = _cipher(self._secret).encrypt(NONCE, text, key.encode())
            body["answer"] = base64.b64encode(sealed).decode()
        return self._table(
            key,
            SORT_KEY,
            body=json.dumps(body, separators=(",", ":")),
            lease=self._lease,
            lease_until_ms=until_ms,
            ttl=-(-until_ms // 1000),
        )

    def _opened(self, key: str, body: dict[str, Any]) -> str:
        secret = self._vault.open(body["secret"], _context(key))
        sealed = base64.b64decode(body["answer"])
        return _cipher(secret).decrypt(NONCE, sealed, key.encode()).decode()


def _context(key: str) -> dict[str, str]:
    return {"answer": key}


def _cipher(secret: str) -> AESGCM:
    return AESGCM(bytes.fromhex(secret))
