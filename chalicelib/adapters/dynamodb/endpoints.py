"""Webhook endpoints in DynamoDB: a tenant's under one key, beside how they fare.

The operator's own come from the environment; only their health has an item.
"""

import json
import logging
from collections.abc import Mapping

from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.health import (
    HEALTH_PREFIX,
    health_keys,
    health_of,
)
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.domain.endpoints import Endpoint, Health, Standing
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.services import ports
from chalicelib.services.vault import SealBroken, Vault

log = logging.getLogger(__name__)

KIND = "endpoint"
ENDPOINT_PREFIX = "ENDPOINT#"


class DynamoDBEndpoints:
    """An `EndpointRepository`."""

    def __init__(
        self,
        table: type[Row],
        vault: Vault,
        fixed: Mapping[str, tuple[Endpoint, ...]],
    ) -> None:
        """``fixed`` are the operator's own, by tenant."""
        self._table = table
        self._vault = vault
        self._fixed = fixed

    def of_tenant(self, tenant: str) -> tuple[Standing, ...]:
        pk, _ = endpoint_keys(tenant, "")
        healths: dict[str, Health] = {}
        endpoints = list(self._fixed.get(tenant, ()))
        # Sorted, these two kinds are neighbours.
        wanted = self._table.sk.between(ENDPOINT_PREFIX, HEALTH_PREFIX + "~")
        with failures_typed():
            found = list(self._table.query(pk, wanted, consistent_read=True))
        for row in found:
            kind, _, endpoint_id = row.sk.partition("#")
            if f"{kind}#" == HEALTH_PREFIX:
                healths[endpoint_id] = health_of(row)
            elif f"{kind}#" == ENDPOINT_PREFIX:
                endpoints.append(self._parse(tenant, endpoint_id, row))
        return tuple(Standing(e, healths.get(e.id, Health())) for e in endpoints)

    def find(self, tenant: str, endpoint_id: str) -> Standing | None:
        endpoint = next(
            (one for one in self._fixed.get(tenant, ()) if one.id == endpoint_id), None
        )
        if endpoint is None:
            row = self._get(*endpoint_keys(tenant, endpoint_id))
            if row is None:
                return None
            endpoint = self._parse(tenant, endpoint_id, row)
        row = self._get(*health_keys(tenant, endpoint_id))
        return Standing(endpoint, Health() if row is None else health_of(row))

    def create(self, tenant: str, endpoint: Endpoint) -> None:
        with failures_typed():
            self._row(tenant, endpoint).save(condition=self._table.pk.does_not_exist())

    def replace(self, tenant: str, before: Endpoint, after: Endpoint) -> None:
        is_same = self._table.version == before.version
        with failures_typed():
            self._row(tenant, after).save(condition=is_same)

    def delete(self, tenant: str, endpoint_id: str) -> bool:
        table = self._table
        try:
            with failures_typed():
                row = table(*endpoint_keys(tenant, endpoint_id))
                row.delete(condition=table.pk.exists())
                table(*health_keys(tenant, endpoint_id)).delete()
        except ports.Conflict:
            return False
        return True

    def _get(self, pk: str, sk: str) -> Row | None:
        try:
            with failures_typed():
                return self._table.get(pk, sk, consistent_read=True)
        except self._table.DoesNotExist:
            return None

    def _row(self, tenant: str, endpoint: Endpoint) -> Row:
        fields = {
            "url": endpoint.url,
            "secret": self._sealed(tenant, endpoint.id, endpoint.secret),
            "timeout_seconds": endpoint.timeout_seconds,
            "events": endpoint.events,
            "description": endpoint.description,
            "created_at_ms": endpoint.created_at_ms,
            "updated_at_ms": endpoint.updated_at_ms,
        }
        if endpoint.previous_secret:
            fields["previous_secret"] = self._sealed(
                tenant, endpoint.id, endpoint.previous_secret
            )
            fields["previous_until_ms"] = endpoint.previous_until_ms
        return self._table(
            *endpoint_keys(tenant, endpoint.id),
            version=endpoint.version,
            body=json.dumps(
                stamped(fields, KIND), ensure_ascii=False, separators=(",", ":")
            ),
        )

    def _parse(self, tenant: str, endpoint_id: str, row: Row) -> Endpoint:
        fields = upcast(KIND, json.loads(row.body or ""))
        return Endpoint(
            id=endpoint_id,
            url=fields["url"],
            secret=self._opened(tenant, endpoint_id, fields["secret"]),
            timeout_seconds=fields["timeout_seconds"],
            events=tuple(fields["events"]),
            description=fields["description"],
            previous_secret=self._opened(
                tenant, endpoint_id, fields.get("previous_secret", "")
            ),
            previous_until_ms=fields.get("previous_until_ms", 0),
            created_at_ms=fields["created_at_ms"],
            updated_at_ms=fields["updated_at_ms"],
            version=int(row.version or 0),
        )

    def _sealed(self, tenant: str, endpoint_id: str, secret: str) -> str:
        """Empty stays empty: KMS seals no such thing."""
        context = _context(tenant, endpoint_id)
        return self._vault.seal(secret, context) if secret else ""

    def _opened(self, tenant: str, endpoint_id: str, sealed: str) -> str:
        """Empty for what nobody can open any more: it is not to hold up the other
        endpoints, its receiver takes nothing unsigned, and it can be rotated."""
        try:
            context = _context(tenant, endpoint_id)
            return self._vault.open(sealed, context) if sealed else ""
        except SealBroken:
            log.error("a secret cannot be opened", extra={"endpoint_id": endpoint_id})
            return ""


def endpoint_keys(tenant: str, endpoint_id: str) -> tuple[str, str]:
    return f"WEBHOOKS#{tenant}", ENDPOINT_PREFIX + endpoint_id


def _context(tenant: str, endpoint_id: str) -> dict[str, str]:
    return {"tenant": tenant, "endpoint": endpoint_id}
