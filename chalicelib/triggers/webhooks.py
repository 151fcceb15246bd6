"""EventBridge and the retry machine -> webhooks."""

from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.protocol.control import Doorbell, Redelivery

bootstrap.prepare("parts")


def deliver(event: dict[str, Any], context: object) -> None:
    """Target of the bus's rule: the detail is a doorbell."""
    logs.configure()
    bootstrap.deliveries().ring(Doorbell.parse(event["detail"]))


def redeliver(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Task of the retry machine: one attempt; the answer is its next state."""
    logs.configure()
    return bootstrap.deliveries().redeliver(Redelivery.parse(event)).render()
