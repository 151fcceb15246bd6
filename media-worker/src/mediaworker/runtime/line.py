"""The application's end of a session: its socket, and what waits on either side."""

from collections import deque

from mediaworker.runtime.ports import Peer

FULL_COMMANDS = 64
"""So many that wait, and the socket is read no further."""
FEW_COMMANDS = 16
MOST_EVENTS_KEPT = 1_000
"""For an application whose socket is lost."""


class Line:
    """Keeps events while there is no socket, and commands until their turn."""

    def __init__(self) -> None:
        self._peer: Peer | None = None
        self._events: deque[str] = deque()
        self._commands: deque[bytes] = deque()

    @property
    def is_attached(self) -> bool:
        """Whether a socket is there."""
        return self._peer is not None

    @property
    def is_overfull(self) -> bool:
        """More events were kept than anybody should come back to."""
        return len(self._events) > MOST_EVENTS_KEPT

    @property
    def commands(self) -> int:
        """How many wait."""
        return len(self._commands)

    def attach(self, peer: Peer) -> None:
        """Send what was kept, and all that comes, to this socket."""
        self._peer = peer
        while self._events:
            peer.send_text(self._events.popleft())

    def detach(self) -> None:
        self._peer = None

    def send(self, event: str) -> None:
        if self._peer is None:
            self._events.append(event)
        else:
            self._peer.send_text(event)

    def send_audio(self, payload: bytes) -> bool:
        """False when it was dropped; it is no loss where there is no socket."""
        return self._peer is None or self._peer.send_audio(payload)

    def put(self, command: bytes) -> None:
        self._commands.append(command)
        if len(self._commands) == FULL_COMMANDS and self._peer is not None:
            self._peer.pause_reading()

    def take(self) -> bytes:
        """The oldest; raises IndexError when there is none."""
        command = self._commands.popleft()
        if len(self._commands) == FEW_COMMANDS and self._peer is not None:
            self._peer.resume_reading()
        return command

    def close(self, code: int, reason: str) -> None:
        self._commands.clear()
        self._events.clear()
        if self._peer is not None:
            self._peer.close(code, reason)
        self._peer = None
