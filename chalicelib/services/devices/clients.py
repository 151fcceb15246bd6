"""What a device says on its socket, and what it gets for it."""

import logging
from collections.abc import Mapping

from chalicelib.protocol.client_events import Beat, Error, Reply, render
from chalicelib.protocol.client_fields import Code, as_text
from chalicelib.protocol.clients import (
    Command,
    Heartbeat,
    Hello,
    Refused,
    Signal,
    parse_command,
)
from chalicelib.services.devices.devices import (
    Device,
    DeviceService,
    SocketError,
    Sockets,
)
from chalicelib.services.devices.resuming import ResumeService
from chalicelib.services.devices.signalling import (
    NobodyThere,
    NotYours,
    SignalRefused,
    SignalService,
    TooMany,
)
from chalicelib.services.ports import Clock
from chalicelib.services.retries import Unavailable

log = logging.getLogger(__name__)

CODES: Mapping[type[SignalRefused], Code] = {
    NotYours: Code.FORBIDDEN,
    NobodyThere: Code.NOT_FOUND,
    TooMany: Code.RATE_LIMITED,
}
LATER = "try again later"


class ClientService:
    """Does what devices ask; whatever is wrong is told, and the socket stays."""

    def __init__(
        self,
        devices: DeviceService,
        resuming: ResumeService,
        signals: SignalService,
        sockets: Sockets,
        clock: Clock,
    ) -> None:
        self._devices = devices
        self._resuming = resuming
        self._signals = signals
        self._sockets = sockets
        self._clock = clock

    def hear(self, connection_id: str, text: str) -> None:
        """A text frame; a socket that no device has any more is closed."""
        try:
            command = parse_command(text)
        except Refused as refusal:
            self._tell(connection_id, refusal.error)
            return
        try:
            self._obey(connection_id, command)
        except SignalRefused as refused:
            code = CODES[type(refused)]
            self._tell(connection_id, _error(command, code, str(refused)))
        except Unavailable:
            self._tell(connection_id, _error(command, Code.UNAVAILABLE, LATER))
        except Exception:
            # What the command said is not logged: it may be a conversation's key.
            log.exception("a command failed", extra={"command": command.command})
            self._tell(connection_id, _error(command, Code.UNAVAILABLE, LATER))

    def _obey(self, connection_id: str, command: Command) -> None:
        device = self._devices.find(connection_id)
        if device is None:
            self._sockets.close(connection_id)
            return
        match command:
            case Hello():
                self._greet(device, command)
            case Heartbeat():
                self._beat(device, command)
            case _:
                assert isinstance(command, Signal)
                self._signals.signal(device, command)

    def _greet(self, device: Device, hello: Hello) -> None:
        welcome, missed = self._resuming.resume(device, hello)
        if self._tell(device.connection_id, welcome):
            for push in missed:
                if not self._tell(device.connection_id, push):
                    break

    def _beat(self, device: Device, heartbeat: Heartbeat) -> None:
        if not self._devices.see(device, heartbeat.call_id or ""):
            self._sockets.close(device.connection_id)
            return
        self._tell(device.connection_id, Beat(self._clock.now_ms(), heartbeat.id))

    def _tell(self, connection_id: str, reply: Reply) -> bool:
        """Whether it was taken; who did not will say hello again."""
        try:
            self._sockets.post(connection_id, as_text(render(reply)))
        except SocketError as error:
            log.info("not told", extra={"error": type(error).__name__})
            return False
        return True


def _error(command: Command, code: Code, sentence: str) -> Error:
    return Error(code, sentence, command.command, command.id)
