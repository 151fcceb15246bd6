"""EventBridge -> a media provider: what commands asked of it."""

from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.protocol.control import Doorbell

bootstrap.prepare("parts", "signing")


def perform(event: dict[str, Any], context: object) -> None:
    """Target of the bus's rule; a failure is for Lambda to invoke it again."""
    logs.configure()
    bootstrap.effects().perform(Doorbell.parse(event["detail"]))
