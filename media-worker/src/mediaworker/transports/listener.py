"""What a session's WebSocket receives, brought to the session."""

import asyncio
import logging

from picows.picows import WSFrame, WSListener, WSMsgType, WSTransport

from mediaworker.runtime.ports import SessionHandle
from mediaworker.transports.assembly import (
    PROTOCOL_ERROR,
    Assembler,
    Kind,
    Violation,
)
from mediaworker.transports.peer import ReadingGate, SocketPeer

logger = logging.getLogger(__name__)

KINDS = {WSMsgType.TEXT: Kind.TEXT, WSMsgType.BINARY: Kind.BINARY}


class Listener(WSListener):
    """Hands bytes on, answers pings, and tells once how the socket was lost."""

    gate: ReadingGate
    """Set before the socket is connected."""

    def __init__(
        self, handle: SessionHandle, peer: SocketPeer, ping_seconds: int
    ) -> None:
        self.frames = 0
        """Counted for whoever sets it back to 0."""
        self._handle = handle
        self._peer = peer
        self._assembler = Assembler()
        self._ping_seconds = ping_seconds
        self._next_ping: asyncio.TimerHandle | None = None
        self._is_heard = True
        self._is_told = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._peer.attach(transport, self.gate, self._cut)
        self._await_ping()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.frames += 1
        self._is_heard = True
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self._closed(transport)
        elif self._peer.is_closed:
            return
        elif kind is WSMsgType.PING:
            self._peer.send_pong(frame.get_payload_as_bytes())
        elif kind is not WSMsgType.PONG:
            self._take(frame, KINDS.get(kind, Kind.CONTINUATION))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.disconnected()

    def disconnected(self) -> None:
        """The connection is gone, upgraded or not. Again: nothing."""
        if self._next_ping is not None:
            self._next_ping.cancel()
        self._lose(is_clean=False)

    def pause_writing(self) -> None:
        """Nothing: the peer looks at what is queued before each write."""

    def resume_writing(self) -> None:
        """Nothing: nobody waits."""

    def _take(self, frame: WSFrame, kind: Kind) -> None:
        try:
            if frame.rsv1 or frame.rsv2 or frame.rsv3:
                raise Violation(PROTOCOL_ERROR, "no extension was agreed on")
            whole, payload = self._assembler.take(
                kind, frame.get_payload_as_bytes(), bool(frame.fin)
            )
        except Violation as violation:
            self._peer.close(violation.code, violation.sentence)
            self._cut()
            return
        if whole is Kind.TEXT:
            self._handle.receive_text(payload)
        elif payload:
            self._handle.receive_audio(payload)

    def _closed(self, transport: WSTransport) -> None:
        """The peer's Close frame: to be answered, or the answer to the session's, or to
        one that picows sent for a violation."""
        was_ours = transport.is_close_frame_sent and not self._peer.is_closed
        self._lose(is_clean=not was_ours)
        if not transport.is_close_frame_sent:
            transport.send_close()
        self._peer.is_closed = True
        transport.disconnect()

    def _cut(self) -> None:
        """We have closed it, against the session's will, which hears of it later:
        it may be the one that is writing just now."""
        asyncio.get_running_loop().call_soon(self._lose, False)

    def _lose(self, is_clean: bool) -> None:
        if not self._is_told:
            self._is_told = True
            self._handle.lose(is_clean)

    def _await_ping(self) -> None:
        if self._ping_seconds:
            loop = asyncio.get_running_loop()
            self._next_ping = loop.call_later(self._ping_seconds, self._ping)

    def _ping(self) -> None:
        """Whoever has been silent since the last ping is not there any more."""
        if not self._is_heard and self._peer.is_reading:
            logger.info("socket silent", extra={"session_id": self._handle.session_id})
            self._peer.abort()
            return
        self._is_heard = False
        self._peer.send_ping()
        self._await_ping()
