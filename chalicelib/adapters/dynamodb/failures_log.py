"""Failed attempts in DynamoDB: an item each, by time, under their endpoint's key."""

import json

from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import DAY_SECONDS, Row
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.services.webhooks.lanes import Attempt
from chalicelib.services.webhooks.ports import Failure

KIND = "failure"
KEPT_SECONDS = 30 * DAY_SECONDS


class DynamoDBFailures:
    """A `FailureLog`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def add(
        self,
        tenant: str,
        endpoint_id: str,
        call_id: str,
        attempts: tuple[Attempt, ...],
        is_given_up: bool,
    ) -> None:
        failures = [
            Failure(call_id, one, is_given_up and one is attempts[-1])
            for one in attempts
        ]
        with failures_typed(), self._table.batch_write() as batch:
            for failure in failures:
                batch.save(self._row(tenant, endpoint_id, failure))

    def page(
        self, tenant: str, endpoint_id: str, before: str, limit: int
    ) -> tuple[Failure, ...]:
        is_before = self._table.sk < before if before else None
        with failures_typed():
            found = self._table.query(
                _key(tenant, endpoint_id),
                is_before,
                scan_index_forward=False,
                limit=limit,
                consistent_read=True,
            )
            return tuple(map(_parse, found))

    def forget_before(self, tenant: str, endpoint_id: str, at_ms: int) -> None:
        pk, is_old = _key(tenant, endpoint_id), self._table.sk < f"{at_ms:013d}"
        with failures_typed(), self._table.batch_write() as batch:
            for row in self._table.query(pk, is_old, consistent_read=True):
                batch.delete(row)

    def _row(self, tenant: str, endpoint_id: str, failure: Failure) -> Row:
        fields = {
            "call_id": failure.call_id,
            "attempt": failure.attempt.render(),
            "is_given_up": failure.is_given_up,
        }
        return self._table(
            _key(tenant, endpoint_id),
            failure.mark,
            body=json.dumps(
                stamped(fields, KIND), ensure_ascii=False, separators=(",", ":")
            ),
            ttl=failure.attempt.at_ms // 1000 + KEPT_SECONDS,
        )


def _key(tenant: str, endpoint_id: str) -> str:
    return f"FAILED#{tenant}#{endpoint_id}"


def _parse(row: Row) -> Failure:
    fields = upcast(KIND, json.loads(row.body or ""))
    attempt = Attempt.parse(fields["attempt"])
    return Failure(fields["call_id"], attempt, fields["is_given_up"])
