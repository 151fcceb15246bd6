"""API keys and windows in dictionaries: the twins of DynamoDB's."""

import threading

from chalicelib.services.identity.keys import ApiKey
from chalicelib.services.ports import Conflict


class MemoryKeys:
    """A `KeyRepository`."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], ApiKey] = {}
        self._lock = threading.Lock()

    def add(self, key: ApiKey) -> None:
        with self._lock:
            if (key.tenant, key.id) in self._keys:
                raise Conflict("an API key")
            self._keys[key.tenant, key.id] = key

    def find(self, tenant: str, key_id: str) -> ApiKey | None:
        return self._keys.get((tenant, key_id))

    def of_tenant(self, tenant: str, most: int) -> tuple[ApiKey, ...]:
        with self._lock:
            found = sorted(self._keys.items())
        return tuple(key for (owner, _), key in found if owner == tenant)[:most]

    def revoke(self, key: ApiKey) -> None:
        with self._lock:
            if (key.tenant, key.id) not in self._keys:
                raise Conflict("an API key")
            self._keys[key.tenant, key.id] = key


class MemoryWindows:
    """A `WindowRepository`, for as long as the process lives."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str, int], int] = {}
        self._lock = threading.Lock()

    def take(self, tenant: str, uid: str, window: int, block: int, limit: int) -> int:
        key = (tenant, uid, window)
        with self._lock:
            used = self._used.get(key, 0)
            granted = max(0, min(block, limit - used))
            self._used[key] = used + granted
        return granted
