"""The composition root: the only place that names adapters.

Nothing is built at import; each handler builds what it needs on first use. A function
imports the modules that it is built by, and starts without the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.bootstrap.bus import event_bus
    from chalicelib.bootstrap.lines import (
        client_devices,
        clients,
        outbox_reader,
        pushes,
        tickets,
    )
    from chalicelib.bootstrap.media import providers
    from chalicelib.bootstrap.meters import meter
    from chalicelib.bootstrap.parts import (
        deliveries,
        effects,
        fleet,
        relay,
        retiring,
        wakes,
    )
    from chalicelib.bootstrap.phones import carriers, history, ring_pushes
    from chalicelib.bootstrap.plane import ControlPlane, control_plane, limits_of
    from chalicelib.bootstrap.trust import trust_of
    from chalicelib.bootstrap.webhooks import webhooks_of
    from chalicelib.bootstrap.world import settings

HOMES = {
    "ControlPlane": "plane",
    "carriers": "phones",
    "client_devices": "lines",
    "clients": "lines",
    "control_plane": "plane",
    "deliveries": "parts",
    "effects": "parts",
    "event_bus": "bus",
    "fleet": "parts",
    "history": "phones",
    "limits_of": "plane",
    "meter": "meters",
    "outbox_reader": "lines",
    "providers": "media",
    "pushes": "lines",
    "relay": "parts",
    "retiring": "parts",
    "ring_pushes": "phones",
    "settings": "world",
    "tickets": "lines",
    "trust_of": "trust",
    "wakes": "parts",
    "webhooks_of": "webhooks",
}
"""What triggers and routes call -> the module here that builds it."""

__all__ = [
    "ControlPlane",
    "carriers",
    "client_devices",
    "clients",
    "control_plane",
    "deliveries",
    "effects",
    "event_bus",
    "fleet",
    "history",
    "limits_of",
    "meter",
    "outbox_reader",
    "prepare",
    "providers",
    "pushes",
    "relay",
    "retiring",
    "ring_pushes",
    "settings",
    "tickets",
    "trust_of",
    "wakes",
    "webhooks_of",
]


def prepare(*homes: str) -> None:
    """Import modules of this package now, while Lambda gives a start more processor
    than the function has afterwards."""
    for home in homes:
        import_module(f"{__name__}.{home}")


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
