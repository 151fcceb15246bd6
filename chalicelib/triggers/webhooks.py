"""EventBridge and the retry machine -> webhooks."""

from typing import Any

from aws_lambda_powertools import Logger

from chalicelib import bootstrap
from chalicelib.protocol.control import Doorbell, Redelivery

logger = Logger(service="parley")


def deliver(event: dict[str, Any], context: object) -> None:
    """Target of the bus's rule: the detail is a doorbell."""
    bootstrap.deliveries().ring(Doorbell.parse(event["detail"]))


def redeliver(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Task of the retry machine: one attempt; the answer is its next state."""
    return bootstrap.deliveries().redeliver(Redelivery.parse(event)).render()
