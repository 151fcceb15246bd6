"""The composition root: the only place that names adapters.

Nothing is built at import; each handler builds what it needs on first use.
"""

from chalicelib.bootstrap.parts import (
    deliveries,
    effects,
    event_bus,
    fleet,
    relay,
    wakes,
)
from chalicelib.bootstrap.plane import ControlPlane, control_plane, providers
from chalicelib.bootstrap.world import settings

__all__ = [
    "ControlPlane",
    "control_plane",
    "deliveries",
    "effects",
    "event_bus",
    "fleet",
    "providers",
    "relay",
    "settings",
    "wakes",
]
