"""API keys and windows in dictionaries: the twins of DynamoDB's."""

import threading
from collections.abc import Mapping

from chalicelib.services import pseudonyms
from chalicelib.services.identity.keys import ApiKey
from chalicelib.services.ports import Conflict
from chalicelib.services.pseudonyms import Subject


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

    def erase(self, subject: Subject) -> Mapping[str, int]:
        """See `chalicelib.services.erasure.Erasure`."""
        made = [
            key
            for (tenant, _), key in self._keys.items()
            if (tenant, key.created_by) == (subject.tenant, subject.uid)
        ]
        for key in made:
            self.revoke(pseudonyms.key(subject, key))
        return {"keys": len(made)} if made else {}


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

    def erase(self, subject: Subject) -> Mapping[str, int]:
        """See `chalicelib.services.erasure.Erasure`."""
        owner = (subject.tenant, subject.uid)
        with self._lock:
            own = [key for key in self._used if key[:2] == owner]
            for key in own:
                del self._used[key]
        return {"limits": len(own)} if own else {}
