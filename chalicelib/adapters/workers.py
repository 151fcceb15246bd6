"""Media workers' own ports, where the control plane is in the same network."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import urllib3

from chalicelib.protocol.lease import Lease, Order
from chalicelib.protocol.relay import RELAY_PATH, RelayMessages
from chalicelib.protocol.tokens import worker_token
from chalicelib.services.ports import Clock
from chalicelib.services.relay import DoorAnswer

log = logging.getLogger(__name__)

PATH = "/internal/orders"
CONTROL_PLANE = "controlplane"
"""Who sends orders, among those whom a worker believes."""
FAILURES = (urllib3.exceptions.HTTPError, ValueError)
TIMEOUT_SECONDS = 1.0
"""An order that comes to nothing is carried by the next heartbeat."""
RELAY_TIMEOUT_SECONDS = 4.0
"""A worker may have to ask the gateway for a former socket first."""


class WorkerPorts:
    """A `WorkerDoor`, and a `RelayDoor`."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._pools = urllib3.PoolManager(retries=False)

    def post(self, lease: Lease, order: Order) -> bool:
        try:
            body = order.render(lease.protocol_version)
            answer = self._send(lease.address, PATH, body)
        except FAILURES as error:
            log.info(
                "order left to the heartbeat", extra={"error": type(error).__name__}
            )
            return False
        return 200 <= answer.status < 300

    def relay(self, address: str, message: RelayMessages) -> DoorAnswer:
        try:
            answer = self._send(
                address, RELAY_PATH, message.render(), RELAY_TIMEOUT_SECONDS
            )
        except FAILURES as error:
            log.warning("worker not reached", extra={"error": type(error).__name__})
            return DoorAnswer(None)
        after = answer.headers.get("Retry-After", "")
        return DoorAnswer(
            answer.status,
            _sentence(answer.data),
            int(after) if after.isdecimal() else None,
        )

    def _send(
        self,
        address: str,
        path: str,
        value: Mapping[str, Any],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> urllib3.BaseHTTPResponse:
        token = worker_token(self._secret, CONTROL_PLANE, self._clock.now_ms() // 1000)
        return self._pools.request(
            "POST",
            f"http://{address}{path}",
            body=json.dumps(value, ensure_ascii=False).encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
            },
            timeout=urllib3.Timeout(total=timeout_seconds),
            redirect=False,
        )


def _sentence(body: bytes) -> str:
    """Of a refusal of the worker's port."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return ""
