"""The composition root: the only place that names adapters.

Nothing is built at import; each handler builds what it needs on first use.
"""

from chalicelib.bootstrap.lines import (
    client_devices,
    clients,
    outbox_reader,
    pushes,
    tickets,
)
from chalicelib.bootstrap.media import providers
from chalicelib.bootstrap.parts import (
    deliveries,
    effects,
    event_bus,
    fleet,
    relay,
    wakes,
)
from chalicelib.bootstrap.phones import carriers, history, ring_pushes
from chalicelib.bootstrap.plane import (
    ControlPlane,
    control_plane,
    limits_of,
)
from chalicelib.bootstrap.webhooks import webhooks_of
from chalicelib.bootstrap.world import settings, trust

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
    "outbox_reader",
    "providers",
    "pushes",
    "relay",
    "ring_pushes",
    "settings",
    "tickets",
    "trust",
    "wakes",
    "webhooks_of",
]
