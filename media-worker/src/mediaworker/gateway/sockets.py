"""Opens sessions for the sockets that are let in."""

import asyncio
import contextlib
from collections.abc import Callable

from chalicelib.protocol.session.query import BinaryForm
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import refused_by
from mediaworker.gateway.handshake import Admission, admit
from mediaworker.gateway.head import Head
from mediaworker.runtime.ports import Refusal, SessionHandle, Sessions
from mediaworker.transports.inlet import Inlet
from mediaworker.transports.listener import Listener
from mediaworker.transports.peer import SocketPeer, audio_as_events

GOING_AWAY = 1_001
LAST_WORDS_SECONDS = 0.5


class Sockets:
    """The sockets of this worker's sessions."""

    def __init__(
        self,
        sessions: Sessions,
        doorkeeper: Doorkeeper,
        server_side_track: str,
        epoch_ms: Callable[[], int],
    ) -> None:
        self._sessions = sessions
        self._doorkeeper = doorkeeper
        self._server_side_track = server_side_track
        self._epoch_ms = epoch_ms
        self._live: set[Inlet] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def enter(self, head: Head) -> Inlet:
        """The protocol of the upgraded connection; raises `Refused`."""
        admission = admit(head, self._doorkeeper, self._server_side_track)
        query = admission.query
        is_frame = query.binary is BinaryForm.FRAME
        track = query.server_side_track
        peer = SocketPeer(None if is_frame else audio_as_events(track, self._epoch_ms))
        handle = self._open(admission, peer)
        listener = Listener(handle, peer, query.ping_seconds)
        inlet = Inlet(listener, admission.upgrade(), self._forget)
        self._live.add(inlet)
        self._is_empty.clear()
        return inlet

    async def close(self) -> None:
        """Those that are left, after a moment for what is still to be read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._is_empty.wait()
        for inlet in list(self._live):
            inlet.close(GOING_AWAY, "the worker stops")

    def _forget(self, inlet: Inlet) -> None:
        self._live.discard(inlet)
        if not self._live:
            self._is_empty.set()

    def _open(self, admission: Admission, peer: SocketPeer) -> SessionHandle:
        try:
            return self._sessions.open(
                admission.principal, admission.query, admission.call_type, peer
            )
        except Refusal as refusal:
            raise refused_by(refusal) from None
