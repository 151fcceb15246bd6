"""Devices and tickets in DynamoDB: a user's devices stand under one key."""

import json
from dataclasses import replace
from typing import Any

from pynamodb.connection import Connection

from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.protocol.lease import Stamped
from chalicelib.services import ports
from chalicelib.services.devices.devices import MOST_DEVICES, Device
from chalicelib.services.devices.tickets import Admission

CONNECTION_SORT_KEY = "CLIENT"
TICKET_SORT_KEY = "TICKET"
MOST_ROWS = 256
"""Of a user's devices that are read, those included that have gone lately."""


class DynamoDBDevices:
    """A `DeviceRepository`.

    The attribute ``holder`` of a device's row is the connection that it has, so that a
    row without a socket has none.
    """

    def __init__(self, table: type[Row], connection: Connection) -> None:
        self._table = table
        self._connection = connection

    def connect(self, device: Device) -> str | None:
        # First, so that nobody is pushed to whose answer would not be understood.
        row = self._table(
            *_connection_keys(device.connection_id),
            body=_dump(device),
            ttl=_ttl(device),
        )
        with failures_typed():
            row.save()
            former = self._put(self._row(device))
        if former is None or former == device.connection_id:
            return None
        self._forget(former)
        return former

    def find(self, connection_id: str) -> Device | None:
        return self._get(*_connection_keys(connection_id))

    def present(self, device: Device) -> Device | None:
        row = self._get(*_keys(device))
        if row is None or not row.is_connected:
            return None
        return row if row.connection_id == device.connection_id else None

    def of_user(
        self, tenant: str, uid: str, is_consistent: bool = False
    ) -> tuple[Device, ...]:
        rows = self._of_user(tenant, uid, is_consistent)
        connected = [row for row in rows if row.holder is not None]
        return tuple(map(_parse, connected[:MOST_DEVICES]))

    def seen_of_user(self, tenant: str, uid: str) -> tuple[Device, ...]:
        return tuple(map(_parse, self._of_user(tenant, uid, True)))

    def see(self, device: Device) -> bool:
        try:
            with failures_typed():
                self._row(device).save(self._table.holder == device.connection_id)
        except ports.Conflict:
            return False
        return True

    def drop(self, device: Device) -> None:
        self._forget(device.connection_id)
        gone = self._row(replace(device, is_connected=False))
        try:
            with failures_typed():
                gone.save(self._table.holder == device.connection_id)
        except ports.Conflict:
            return

    def _of_user(self, tenant: str, uid: str, is_consistent: bool) -> list[Row]:
        with failures_typed():
            return list(
                self._table.query(
                    device_key(tenant, uid),
                    consistent_read=is_consistent,
                    limit=MOST_ROWS,
                )
            )

    def _row(self, device: Device) -> Row:
        return self._table(
            *_keys(device),
            body=_dump(device),
            ttl=_ttl(device),
            holder=device.connection_id if device.is_connected else None,
        )

    def _put(self, row: Row) -> str | None:
        """The holder of the row that stood there."""
        answer = self._connection.put_item(
            self._table.Meta.table_name,
            row.pk,
            row.sk,
            attributes=row.serialize(),
            return_values="ALL_OLD",
        )
        holder: str | None = answer.get("Attributes", {}).get("holder", {}).get("S")
        return holder

    def _get(self, pk: str, sk: str) -> Device | None:
        try:
            with failures_typed():
                return _parse(self._table.get(pk, sk, consistent_read=True))
        except self._table.DoesNotExist:
            return None

    def _forget(self, connection_id: str) -> None:
        with failures_typed():
            self._table(*_connection_keys(connection_id)).delete()


class DynamoDBTickets:
    """A `TicketRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def keep(self, digest: str, admission: Admission) -> None:
        row = self._table(
            *_ticket_keys(digest),
            body=_dump(admission),
            ttl=-(-admission.expires_at_ms // 1000),
        )
        with failures_typed():
            row.save()

    def spend(self, digest: str) -> Admission | None:
        try:
            with failures_typed():
                row = self._table.get(*_ticket_keys(digest), consistent_read=True)
                row.delete(self._table.pk.exists())
        except (self._table.DoesNotExist, ports.Conflict):
            return None
        return Admission.parse(json.loads(row.body or ""))


def device_key(tenant: str, uid: str) -> str:
    return f"DEVICE#{tenant}#{uid}"


def _keys(device: Device) -> tuple[str, str]:
    return device_key(device.tenant, device.uid), device.device


def _connection_keys(connection_id: str) -> tuple[str, str]:
    return f"CONN#{connection_id}", CONNECTION_SORT_KEY


def _ticket_keys(digest: str) -> tuple[str, str]:
    return f"TICKET#{digest}", TICKET_SORT_KEY


def _ttl(device: Device) -> int:
    return device.expires_at_ms // 1000


def _parse(row: Row) -> Device:
    return Device.parse(json.loads(row.body or ""))


def _dump(value: Stamped) -> str:
    fields: dict[str, Any] = value.render()
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
