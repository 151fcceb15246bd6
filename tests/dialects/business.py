"""A business that hears of calls as the delivery service tells it."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standardwebhooks.webhooks import Webhook

from chalicelib.domain.endpoints import Endpoint
from chalicelib.services.ports import Answer
from chalicelib.services.webhooks.delivery import DeliveryService
from tests.builders import FakeDraws
from tests.dialects.conftest import Api
from tests.services.deliverers import ports

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1idXNpbmVzcw=="
HOOK = Endpoint("shop", "https://shop.example/hook", SECRET)


@dataclass(frozen=True)
class Told:
    """One webhook whose signature is right."""

    type: str
    body: Mapping[str, Any]

    @property
    def who(self) -> str:
        return str(self.body.get("uid", ""))

    def __str__(self) -> str:
        kind = self.type.removeprefix("participant.")
        return f"{kind} {self.who}".strip()


@dataclass
class Business:
    """Hears of a call when it is asked to, and checks each signature."""

    api: Api
    received: list[Told] = field(default_factory=list)

    def hear(self, call_id: str) -> list[Told]:
        """Everything that is told of the call, in the order it is told."""
        self.received.clear()
        store = self.api.store
        events = store.events["default", call_id]
        service = DeliveryService(
            ports(
                store,
                {"default": (HOOK,)},
                self,
                self.api.clock,
                FakeDraws(),
                tallies=self.api.tallies,
            )
        )
        service.ring(events[max(events)].doorbell)
        return list(self.received)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        """A `Poster`."""
        (kind,) = parse_qs(urlsplit(url).query)["event_type"]
        assert headers["X-Event-Type"] == kind
        digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Signature"] == digest
        # Not `verify`, for here it is long ago.
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        signature = Webhook(SECRET).sign(headers["webhook-id"], at, body.decode())
        assert headers["webhook-signature"] == signature
        self.received.append(Told(kind, json.loads(body)))
        return Answer(200)
