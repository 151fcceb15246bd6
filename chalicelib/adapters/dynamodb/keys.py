"""API keys in DynamoDB: an item each, a tenant's together, until they are forgotten."""

import json
from typing import Any

from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity.keys import KEPT_MS, ApiKey

KIND = "key"


class DynamoDBKeys:
    """A `KeyRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def add(self, key: ApiKey) -> None:
        with failures_typed():
            self._row(key).save(condition=self._table.pk.does_not_exist())

    def find(self, tenant: str, key_id: str) -> ApiKey | None:
        try:
            with failures_typed():
                row = self._table.get(*_keys(tenant, key_id), consistent_read=True)
        except self._table.DoesNotExist:
            return None
        return parse(tenant, row)

    def of_tenant(self, tenant: str, most: int) -> tuple[ApiKey, ...]:
        pk, _ = _keys(tenant, "")
        with failures_typed():
            found = list(self._table.query(pk, consistent_read=True, limit=most))
        return tuple(parse(tenant, row) for row in found)

    def revoke(self, key: ApiKey) -> None:
        with failures_typed():
            self._row(key).save(condition=self._table.pk.exists())

    def _row(self, key: ApiKey) -> Row:
        ends_at_ms = key.ends_at_ms
        return self._table(
            *_keys(key.tenant, key.id),
            body=dump(key),
            ttl=None if ends_at_ms is None else -(-(ends_at_ms + KEPT_MS) // 1000),
        )


def _keys(tenant: str, key_id: str) -> tuple[str, str]:
    return f"KEYS#{tenant}", key_id


def dump(key: ApiKey) -> str:
    fields: dict[str, Any] = {
        "name": key.name,
        "role": key.role.value,
        "digest": key.digest,
        "created_at_ms": key.created_at_ms,
        "created_by": key.created_by,
        "expires_at_ms": key.expires_at_ms,
        "revoked_at_ms": key.revoked_at_ms,
    }
    return json.dumps(stamped(fields, KIND), ensure_ascii=False, separators=(",", ":"))


def parse(tenant: str, row: Row) -> ApiKey:
    value = upcast(KIND, json.loads(row.body or ""))
    return ApiKey(
        tenant=tenant,
        id=row.sk,
        name=value["name"],
        role=Role(value["role"]),
        digest=value["digest"],
        created_at_ms=value["created_at_ms"],
        created_by=value["created_by"],
        expires_at_ms=value["expires_at_ms"],
        revoked_at_ms=value["revoked_at_ms"],
    )
