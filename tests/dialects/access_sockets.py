"""Who may open which socket: one row a WebSocket API of the wiring."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.protocol.claims import Principal
from tests.dialects.gates import ANY_PRINCIPAL, Gate
from tests.dialects.scenes import KEYS


@dataclass
class Door:
    """What is behind a socket's handler: hears who came in, and what was said."""

    came: list[Principal] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def connect(self, arrival: Any) -> None:
        principal = getattr(arrival, "principal", None)
        self.came.append(principal or Principal(arrival.tenant, arrival.uid))

    def hear(self, connection_id: str, text: str) -> None:
        self.said.append(text)

    forward = hear


@dataclass(frozen=True)
class SocketRow:
    """A WebSocket API, and who is let in by a token of the address or the header."""

    name: str
    gate: Gate
    query: tuple[tuple[str, str], ...]
    """What its address must say besides."""
    services: tuple[str, ...]
    """Names in `bootstrap` of what is behind its handler."""

    def install(self, patch: pytest.MonkeyPatch) -> Door:
        door = Door()
        for name in self.services:
            patch.setattr(bootstrap, name, lambda: door)
        return door


USERS = ANY_PRINCIPAL - set(KEYS)
"""API keys open no sockets: they stay at home, in servers."""
SOCKET_ROWS = (
    SocketRow("applications", USERS, (("type", "webrtc"),), ("relay",)),
    SocketRow("clients", USERS, (("device", "d1"),), ("client_devices", "clients")),
)
