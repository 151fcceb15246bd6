"""The bus that everybody hears of calls on."""

import functools
import os

from chalicelib.adapters.aws import EventBridgeBus
from chalicelib.bootstrap import world
from chalicelib.services.ports import EventBus

EVENT_SOURCE = "parley"


@functools.cache
def event_bus() -> EventBus:
    """What the outbox function publishes to; it needs no secret."""
    bus = os.environ.get("PARLEY_BUS", "parley")
    return EventBridgeBus(world.client("events"), bus, EVENT_SOURCE)
