"""How endpoints fare, in DynamoDB: an item each, and ten for who may post to one."""

import json

from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.domain.endpoints import Disabled, Health
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.services import ports

KIND = "health"
HEALTH_PREFIX = "HEALTH#"
SLOT_PREFIX = "SLOT#"
SLOT_KEPT_SECONDS = 24 * 3600


class DynamoDBHealth:
    """A `HealthRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def keep(
        self, tenant: str, endpoint_id: str, before: Health, after: Health
    ) -> bool:
        table = self._table
        is_same = (
            table.version == before.version
            if before.version
            else table.pk.does_not_exist()
        )
        row = table(
            *health_keys(tenant, endpoint_id),
            version=before.version + 1,
            body=_dump(after),
        )
        try:
            with failures_typed():
                row.save(condition=is_same)
        except ports.Conflict:
            return False
        return True

    def take_slot(
        self,
        tenant: str,
        endpoint_id: str,
        slot: int,
        holder: str,
        now_ms: int,
        until_ms: int,
    ) -> bool:
        table = self._table
        is_free = table.lease_until_ms.does_not_exist() | (
            table.lease_until_ms <= now_ms
        )
        try:
            with failures_typed():
                table(*_slot_keys(tenant, endpoint_id, slot)).update(
                    [
                        table.lease.set(holder),
                        table.lease_until_ms.set(until_ms),
                        table.ttl.set(until_ms // 1000 + SLOT_KEPT_SECONDS),
                    ],
                    condition=is_free,
                )
        except ports.Conflict:
            return False
        return True

    def free_slot(self, tenant: str, endpoint_id: str, slot: int, holder: str) -> None:
        table = self._table
        try:
            with failures_typed():
                table(*_slot_keys(tenant, endpoint_id, slot)).update(
                    [table.lease_until_ms.set(0)], condition=table.lease == holder
                )
        except ports.Conflict:
            return


def health_keys(tenant: str, endpoint_id: str) -> tuple[str, str]:
    return f"WEBHOOKS#{tenant}", HEALTH_PREFIX + endpoint_id


def health_of(row: Row) -> Health:
    """Raises `UnknownVersion`."""
    fields = upcast(KIND, json.loads(row.body or ""))
    disabled = fields["disabled"]
    return Health(
        failures=fields["failures"],
        failing_since_ms=fields["failing_since_ms"],
        open_until_ms=fields["open_until_ms"],
        slow_until_ms=fields["slow_until_ms"],
        disabled=disabled and Disabled(disabled),
        disabled_at_ms=fields["disabled_at_ms"],
        version=int(row.version or 0),
    )


def _dump(health: Health) -> str:
    fields = {
        "failures": health.failures,
        "failing_since_ms": health.failing_since_ms,
        "open_until_ms": health.open_until_ms,
        "slow_until_ms": health.slow_until_ms,
        "disabled": health.disabled and health.disabled.value,
        "disabled_at_ms": health.disabled_at_ms,
    }
    return json.dumps(stamped(fields, KIND), separators=(",", ":"))


def _slot_keys(tenant: str, endpoint_id: str, slot: int) -> tuple[str, str]:
    return f"WEBHOOKS#{tenant}", f"{SLOT_PREFIX}{endpoint_id}#{slot}"
