"""Signals between the devices of a call's parties, which Parley carries and forgets.

SignalRefused
├── NotYours     the two are not parties of one live call
├── NobodyThere  the other has no device connected
└── TooMany      more than `MOST_A_SECOND` a second over one socket
"""

from collections.abc import Sequence

from chalicelib.domain.call import Call
from chalicelib.protocol.client_events import Signalled, render
from chalicelib.protocol.client_fields import as_text
from chalicelib.protocol.clients import Signal
from chalicelib.services.calls import CallService
from chalicelib.services.devices.devices import (
    Device,
    DeviceRepository,
    SocketError,
    SocketGone,
    Sockets,
)
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.retries import Retries, Unavailable

MOST_A_SECOND = 50
"""Signals over one socket, as far as one process sees them."""
MOST_METERED = 1_000
"""Sockets whose signals a process counts; with more it begins anew."""
SECOND_MS = 1_000


class SignalRefused(Exception):
    """It was not carried; the sentence is for its sender."""


class NotYours(SignalRefused):
    """The two are not parties of one live call."""


class NobodyThere(SignalRefused):
    """The other has no device connected."""


class TooMany(SignalRefused):
    """More than `MOST_A_SECOND` a second over one socket."""


class Meter:
    """Counts each socket's signals of the present second."""

    def __init__(self, most: int = MOST_A_SECOND) -> None:
        self._most = most
        self._counts: dict[str, tuple[int, int]] = {}
        """Connection -> the second, and how many it has seen."""

    def allows(self, connection_id: str, now_ms: int) -> bool:
        """Count one more."""
        second = now_ms // SECOND_MS
        counted, count = self._counts.get(connection_id, (second, 0))
        count = count + 1 if counted == second else 1
        if connection_id not in self._counts and len(self._counts) >= MOST_METERED:
            self._counts.clear()
        self._counts[connection_id] = (second, count)
        return count <= self._most


class SignalService:
    """Carries signals; in no order."""

    def __init__(
        self,
        calls: CallService,
        devices: DeviceRepository,
        sockets: Sockets,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._calls = calls
        self._devices = devices
        self._sockets = sockets
        self._clock = clock
        self._draws = draws
        self._meter = Meter()

    def signal(self, sender: Device, signal: Signal) -> None:
        """Raises `SignalRefused` or `Unavailable`."""
        now_ms = self._clock.now_ms()
        if not self._meter.allows(sender.connection_id, now_ms):
            raise TooMany(f"at most {MOST_A_SECOND} signals a second")
        call = self._calls.view(sender.tenant, signal.call_id)
        if call is None or not _may_signal(call, sender.uid, signal.to):
            raise NotYours("signals go between the parties of one live call")
        retries = Retries(self._clock, self._draws)
        connected = retries.repeat(
            lambda: self._devices.of_user(sender.tenant, signal.to)
        )
        hearers = _hearers(call, signal, connected)
        if not hearers:
            raise NobodyThere("the other party has no such device connected")
        self._send(hearers, as_text(render(_signalled(sender, signal, now_ms))))

    def _send(self, hearers: Sequence[Device], text: str) -> None:
        """One that takes it is enough."""
        failures = 0
        gone = 0
        for device in hearers:
            try:
                self._sockets.post(device.connection_id, text)
            except SocketGone:
                gone += 1
            except SocketError:
                failures += 1
        if gone == len(hearers):
            raise NobodyThere("the other party has no such device connected")
        if gone + failures == len(hearers):
            raise Unavailable("SocketUnreachable")


def _may_signal(call: Call, uid: str, to: str) -> bool:
    return uid != to and call.locked_uids.issuperset((uid, to))


def _signalled(sender: Device, signal: Signal, now_ms: int) -> Signalled:
    return Signalled(
        signal.call_id,
        sender.uid,
        sender.device,
        signal.type,
        signal.payload,
        now_ms,
    )


def _hearers(
    call: Call, signal: Signal, connected: Sequence[Device]
) -> Sequence[Device]:
    """The device that is named; else the one in the call; else all that there are."""
    if signal.to_device is not None:
        return [one for one in connected if one.device == signal.to_device]
    member = call.participant(signal.to)
    inside = [one for one in connected if member and one.device == member.device]
    return inside or connected
