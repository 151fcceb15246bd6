"""Workers in DynamoDB: all leases and witnesses under one key, orders by worker.

A worker writes once in three seconds, so one key carries some thousands of them.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.failures import typed
from chalicelib.adapters.dynamodb.rows import DAY_SECONDS, Row
from chalicelib.protocol.envelope import UnknownVersion
from chalicelib.protocol.lease import (
    Drain,
    EndSession,
    Lease,
    MalformedMessage,
    Order,
    Witness,
    parse_message,
)
from chalicelib.services import ports
from chalicelib.services.roster import Enrolment, Fenced, Roster, place_of

log = logging.getLogger(__name__)

_T = TypeVar("_T")

FLEET_KEY = "FLEET"
LEASE_PREFIX = "LEASE#"
WITNESS_PREFIX = "WITNESS#"
ORDER_PREFIX = "ORDER#"


def lease_keys(worker_id: str) -> tuple[str, str]:
    return FLEET_KEY, LEASE_PREFIX + worker_id


def worker_key(worker_id: str) -> str:
    return f"WORKER#{worker_id}"


def order_keys(worker_id: str, command_id: str) -> tuple[str, str]:
    return worker_key(worker_id), ORDER_PREFIX + command_id


@contextmanager
def failures_typed() -> Iterator[None]:
    """Within the block pynamodb's failures are the ports'."""
    try:
        yield
    except DoesNotExist:
        raise
    except PynamoDBException as error:
        raise typed(error) or error from error


class DynamoDBFleet:
    """A `FleetRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def renew(self, lease: Lease) -> Enrolment:
        table, row = self._table, self._table(*lease_keys(lease.worker_id))
        actions: list[Action] = [
            *self._lease_actions(lease),
            table.cleared_epoch.set(table.cleared_epoch | lease.epoch),
            table.is_dead.remove(),
            table.ttl.remove(),
        ]
        may_renew = table.pk.does_not_exist() | (table.epoch <= lease.epoch)
        try:
            with failures_typed():
                row.update(actions, condition=may_renew)
        except ports.Conflict as fenced:
            raise Fenced(lease.worker_id) from fenced
        return Enrolment(lease, int(row.cleared_epoch or lease.epoch))

    def enrolment(self, worker_id: str) -> Enrolment | None:
        try:
            with failures_typed():
                row = self._table.get(*lease_keys(worker_id), consistent_read=True)
        except self._table.DoesNotExist:
            return None
        return _enrolment(row)

    def roster(self) -> Roster:
        with failures_typed():
            found = list(self._table.query(FLEET_KEY, consistent_read=True))
        return Roster(
            tuple(_read(_enrolment, found, LEASE_PREFIX)),
            tuple(_read(_witness, found, WITNESS_PREFIX)),
        )

    def testify(self, witness: Witness) -> None:
        parts = (witness.worker_id, witness.epoch, witness.sight, witness.by or "")
        row = self._table(
            FLEET_KEY,
            WITNESS_PREFIX + "#".join(map(str, parts)),
            body=_dump(witness.render()),
            ttl=witness.seen_at_ms // 1000 + DAY_SECONDS,
        )
        with failures_typed():
            row.save()

    def fence(self, lease: Lease) -> None:
        table, row = self._table, self._table(*lease_keys(lease.worker_id))
        is_same = (table.epoch == lease.epoch) & (
            table.renewed_at_ms == lease.renewed_at_ms
        )
        actions = [*self._lease_actions(lease.taken_over()), table.is_dead.set(True)]
        with failures_typed():
            row.update(actions, condition=is_same)

    def clear(self, enrolment: Enrolment, now_ms: int) -> None:
        table, lease = self._table, enrolment.lease
        actions: list[Action] = [table.cleared_epoch.set(lease.epoch)]
        if enrolment.is_dead:
            actions.append(table.ttl.set(now_ms // 1000 + DAY_SECONDS))
        is_same = (table.epoch == lease.epoch) & (
            table.is_dead.exists() if enrolment.is_dead else table.pk.exists()
        )
        try:
            with failures_typed():
                table(*lease_keys(lease.worker_id)).update(actions, condition=is_same)
        except ports.Conflict:
            # It lives again, in an epoch of its own to be cleared.
            return

    def keep_order(
        self, worker_id: str, epoch: int, order: Order, until_ms: int | None = None
    ) -> None:
        row = self._table(
            *order_keys(worker_id, place_of(order)),
            body=_dump(order.render()),
            epoch=epoch,
            ttl=until_ms and until_ms // 1000,
        )
        with failures_typed():
            row.save()

    def orders(self, worker_id: str, epoch: int) -> tuple[Order, ...]:
        with failures_typed():
            found = list(
                self._table.query(
                    worker_key(worker_id),
                    self._table.sk.startswith(ORDER_PREFIX),
                    consistent_read=True,
                )
            )
        kept = [row for row in found if row.epoch == epoch]
        return tuple(_read(_order, kept, ORDER_PREFIX))

    def drop_order(self, worker_id: str, command_id: str) -> None:
        with failures_typed():
            self._table(*order_keys(worker_id, command_id)).delete()

    def _lease_actions(self, lease: Lease) -> list[Action]:
        table = self._table
        return [
            table.body.set(_dump(lease.render())),
            table.epoch.set(lease.epoch),
            table.renewed_at_ms.set(lease.renewed_at_ms),
        ]


def _enrolment(row: Row) -> Enrolment:
    lease = Lease.parse(json.loads(row.body or ""))
    return Enrolment(lease, int(row.cleared_epoch or 0), bool(row.is_dead))


def _witness(row: Row) -> Witness:
    return Witness.parse(json.loads(row.body or ""))


def _read(
    parse: Callable[[Row], _T], found: Iterable[Row], prefix: str
) -> Iterator[_T]:
    """One worker of a release that we do not understand holds back no other."""
    for row in found:
        if row.sk.startswith(prefix):
            try:
                yield parse(row)
            except (UnknownVersion, MalformedMessage) as error:
                log.warning("not understood", extra={"sk": row.sk, "error": str(error)})


def _order(row: Row) -> Order:
    order = parse_message(json.loads(row.body or ""))
    if isinstance(order, EndSession | Drain):
        return order
    raise MalformedMessage("an order is kept, and no fact")


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
