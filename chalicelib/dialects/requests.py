"""A request as every dialect reads it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.device_names import is_device

DEVICE_ID = "x-device-id"
DTALK_DEVICE_ID = "fzm-uuid"
IDEMPOTENCY_KEY = "idempotency-key"
IDEMPOTENCY_KEY_MAX_LENGTH = 255


class MalformedRequest(ValueError):
    """The body is not what it must be, whichever dialect asks; says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, its header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    """The last value of each name."""
    headers: Mapping[str, str]
    body: bytes
    id: str = ""
    """What API Gateway calls it."""
    senders: list[Principal] = field(default_factory=list, repr=False, compare=False)
    """Who sends it, once that has been asked: nobody is asked, or counted, twice."""

    @property
    def device(self) -> str:
        """The sender's device by its own name; empty where it does not say, or says
        what no device can be called."""
        named = self.headers.get(DEVICE_ID) or self.headers.get(DTALK_DEVICE_ID, "")
        return named if is_device(named) else ""

    def json_object(self) -> dict[str, Any]:
        """Raises `MalformedRequest`."""
        try:
            value = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise MalformedRequest("the body must be JSON") from None
        if not isinstance(value, dict):
            raise MalformedRequest("the body must be a JSON object")
        return value

    def fingerprint(self) -> str:
        """Tells this request from any other of the same sender."""
        digest = hashlib.sha256()
        for part in (self.method.encode(), self.path.encode(), self.body):
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()

    def idempotency_key(self) -> str | None:
        """Raises `MalformedRequest` for one that no sender should use."""
        key = self.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            return None
        if not 1 <= len(key) <= IDEMPOTENCY_KEY_MAX_LENGTH or not key.isprintable():
            raise MalformedRequest(
                f"Idempotency-Key must be 1 to {IDEMPOTENCY_KEY_MAX_LENGTH} "
                "printable characters"
            )
        return key


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
