"""Media workers' own ports, where the control plane is in the same network."""

import json
import logging

import urllib3

from chalicelib.protocol.lease import EndSession, Lease
from chalicelib.protocol.tokens import worker_token
from chalicelib.services.ports import Clock

log = logging.getLogger(__name__)

PATH = "/internal/orders"
CONTROL_PLANE = "controlplane"
"""Who sends orders, among those whom a worker believes."""
TIMEOUT_SECONDS = 1.0
"""An order that comes to nothing is carried by the next heartbeat."""


class WorkerPorts:
    """A `WorkerDoor`."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._pools = urllib3.PoolManager(
            timeout=urllib3.Timeout(total=TIMEOUT_SECONDS), retries=False
        )

    def post(self, lease: Lease, order: EndSession) -> bool:
        token = worker_token(self._secret, CONTROL_PLANE, self._clock.now_ms() // 1000)
        try:
            answer = self._pools.request(
                "POST",
                f"http://{lease.address}{PATH}",
                body=json.dumps(order.render()).encode(),
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                },
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            log.info(
                "order left to the heartbeat", extra={"error": type(error).__name__}
            )
            return False
        return 200 <= answer.status < 300
