"""Users' devices on their sockets: who is connected, and since when.

One row per device, whose socket is the last that was opened for it. A socket whose
device has another one by now is closed, and says so by that.

SocketError
├── SocketGone           there is no such socket any more
├── SocketUnreachable    the gateway did not take it; the same again may be taken
└── SocketRefused        the gateway will never take it
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Protocol, TypeVar

from chalicelib.protocol.client_fields import (
    ConnectionName,
    DeviceName,
    DeviceType,
    Moment,
    Uid,
)
from chalicelib.protocol.lease import Stamped
from chalicelib.protocol.session.fields import NAME_MAX, Name
from chalicelib.protocol.session.kinds import Line
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.retries import Retries

log = logging.getLogger(__name__)

_T = TypeVar("_T")

LIFETIME_MS = (2 * 3_600 + 300) * 1000
"""API Gateway ends a socket after two hours."""
SEEN_MS = 25_000
"""Heartbeats closer together than this are not written, unless they say more."""
MOST_DEVICES = 64
"""Of one user, that are pushed to."""


AnyCall = Annotated[str, Line(NAME_MAX)]


class SocketError(Exception):
    """What was to be sent did not get to the client."""


class SocketGone(SocketError):
    """There is no such socket any more."""


class SocketUnreachable(SocketError):
    """The gateway did not take it; the same again may be taken."""


class SocketRefused(SocketError):
    """The gateway will never take it."""


class Sockets(Protocol):
    """The gateway that holds the sockets, as who speaks over them sees it."""

    def post(self, connection_id: str, text: str) -> None:
        """Raises `SocketError`."""

    def close(self, connection_id: str) -> None:
        """Never raises for what the other side does."""


@dataclass(frozen=True, slots=True)
class Device(Stamped):
    """A user's device, and its socket."""

    tenant: Name
    uid: Uid
    device: DeviceName
    device_type: DeviceType
    connection_id: ConnectionName
    connected_at_ms: Moment
    seen_at_ms: Moment
    """When it last said something, as far as that was written."""
    call_id: AnyCall = ""
    """The call that it said it was in; empty for none."""
    since_ms: Moment | None = None
    """When the last push was that it had heard, as its address said."""
    is_connected: bool = True
    """Its socket was not found to be closed. Who was heard, and is no more, still
    proves that it was: nobody is pushed to over such a row."""

    @property
    def expires_at_ms(self) -> int:
        return self.connected_at_ms + LIFETIME_MS


class DeviceRepository(Protocol):
    """Devices by their users and names, and by their connections.

    Rows are forgotten when no socket can be as old as theirs.
    """

    def connect(self, device: Device) -> str | None:
        """Put the device in place of what it was before.

        Returns the connection that it had until then, if that is another one: it
        leads to no device from now on.
        """

    def find(self, connection_id: str) -> Device | None:
        """The device whose connection it is, as it was when it connected."""

    def present(self, device: Device) -> Device | None:
        """The device as it stands now, if its connection is still the same."""

    def of_user(
        self, tenant: str, uid: str, is_consistent: bool = False
    ) -> tuple[Device, ...]:
        """Those that are connected, `MOST_DEVICES` at most."""

    def seen_of_user(self, tenant: str, uid: str) -> tuple[Device, ...]:
        """Those too whose sockets are closed, as long as there is a row of them."""

    def see(self, device: Device) -> bool:
        """Store the device as it is; False if it has another connection now."""

    def drop(self, device: Device) -> None:
        """Its connection is no more; nothing for one that the device has not now."""


class DeviceService:
    """Lets devices in, hears that they are there, and lets them go."""

    def __init__(
        self,
        devices: DeviceRepository,
        sockets: Sockets,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._devices = devices
        self._sockets = sockets
        self._clock = clock
        self._draws = draws

    def connect(self, device: Device) -> None:
        """Close the socket that the device had. Raises `Unavailable`."""
        former = self._repeat(lambda: self._devices.connect(device))
        if former is not None:
            self._sockets.close(former)

    def find(self, connection_id: str) -> Device | None:
        """None where the device has another socket by now. Raises `Unavailable`."""
        return self._repeat(lambda: self._devices.find(connection_id))

    def see(self, device: Device, call_id: str = "") -> bool:
        """The device has said that it is there, and in which call it is.

        False when it has another socket by now. Raises `Unavailable`.
        """
        present = self._repeat(lambda: self._devices.present(device))
        if present is None:
            return False
        now_ms = self._clock.now_ms()
        if now_ms - present.seen_at_ms < SEEN_MS and present.call_id == call_id:
            return True
        seen_at_ms = max(now_ms, present.seen_at_ms)
        seen = replace(present, seen_at_ms=seen_at_ms, call_id=call_id)
        return self._repeat(lambda: self._devices.see(seen))

    def drop(self, connection_id: str) -> None:
        """The socket is closed: a hint. Raises `Unavailable`."""
        device = self.find(connection_id)
        if device is not None:
            gone = replace(device, seen_at_ms=self._clock.now_ms())
            self._repeat(lambda: self._devices.drop(gone))

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)
