"""Devices and tickets in dictionaries: the twins of DynamoDB's."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from chalicelib.services.devices.devices import MOST_DEVICES, Device
from chalicelib.services.devices.tickets import Admission
from chalicelib.services.pseudonyms import Subject

Key = tuple[str, str]


class MemoryDevices:
    """A `DeviceRepository`."""

    def __init__(self) -> None:
        self._rows: dict[Key, dict[str, Device]] = {}
        self._connections: dict[str, Device] = {}
        self._lock = threading.Lock()

    def connect(self, device: Device) -> str | None:
        with self._lock:
            self._connections[device.connection_id] = device
            rows = self._rows.setdefault((device.tenant, device.uid), {})
            former, rows[device.device] = rows.get(device.device), device
            if former is None or not former.is_connected:
                return None
            if former.connection_id == device.connection_id:
                return None
            self._connections.pop(former.connection_id, None)
            return former.connection_id

    def find(self, connection_id: str) -> Device | None:
        with self._lock:
            return self._connections.get(connection_id)

    def present(self, device: Device) -> Device | None:
        with self._lock:
            return self._present(device)

    def of_user(
        self, tenant: str, uid: str, is_consistent: bool = False
    ) -> tuple[Device, ...]:
        seen = self.seen_of_user(tenant, uid)
        return tuple(one for one in seen if one.is_connected)[:MOST_DEVICES]

    def seen_of_user(self, tenant: str, uid: str) -> tuple[Device, ...]:
        with self._lock:
            rows = self._rows.get((tenant, uid), {})
            return tuple(rows[name] for name in sorted(rows))

    def see(self, device: Device) -> bool:
        with self._lock:
            if self._present(device) is None:
                return False
            self._rows[device.tenant, device.uid][device.device] = device
            return True

    def drop(self, device: Device) -> None:
        with self._lock:
            self._connections.pop(device.connection_id, None)
            if self._present(device) is not None:
                gone = replace(device, is_connected=False)
                self._rows[device.tenant, device.uid][device.device] = gone

    def erase(self, subject: Subject) -> Mapping[str, int]:
        """See `chalicelib.services.erasure.Erasure`."""
        owner = (subject.tenant, subject.uid)
        with self._lock:
            rows = self._rows.pop(owner, {})
            open_ones = [
                connection_id
                for connection_id, one in self._connections.items()
                if (one.tenant, one.uid) == owner
            ]
            for connection_id in open_ones:
                del self._connections[connection_id]
        return +Counter(devices=len(rows), connections=len(open_ones))

    def _present(self, device: Device) -> Device | None:
        rows = self._rows.get((device.tenant, device.uid), {})
        row = rows.get(device.device)
        if row is None or not row.is_connected:
            return None
        return row if row.connection_id == device.connection_id else None


class MemoryTickets:
    """A `TicketRepository`."""

    def __init__(self) -> None:
        self._admissions: dict[str, Admission] = {}

    def keep(self, digest: str, admission: Admission) -> None:
        self._admissions[digest] = admission

    def spend(self, digest: str) -> Admission | None:
        return self._admissions.pop(digest, None)

    def erase(self, subject: Subject) -> Mapping[str, int]:
        """See `chalicelib.services.erasure.Erasure`."""
        owner = (subject.tenant, subject.uid)
        own = [
            digest
            for digest, one in self._admissions.items()
            if (one.tenant, one.uid) == owner
        ]
        for digest in own:
            del self._admissions[digest]
        return {"tickets": len(own)} if own else {}
