"""An application's WebSocket, as its session sees it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from picows.picows import WSMsgType, WSTransport

from chalicelib.protocol.session.codec import as_text, render_event
from chalicelib.protocol.session.events import AudioSent

FRAMES_QUEUED_MAX = 10
"""200 ms of audio: what is queued behind it would be heard too late."""
FRAME_HEAD_BYTES = 4
TEXT_QUEUED_MAX = 1_048_576
PONG_QUEUED_MAX = 65_536
REASON_MAX_BYTES = 123
"""RFC 6455 section 5.5: a control frame has 125 bytes, the code two of them."""
CLOSE_SECONDS = 2.0
"""How long the peer has to answer a Close frame."""
TRY_AGAIN_LATER = 1_013

AudioText = Callable[[bytes], str]


class ReadingGate(Protocol):
    """What lets the peer's bytes in."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


def audio_as_events(track_id: str, epoch_ms: Callable[[], int]) -> AudioText:
    """For who asked for ``binary=json``: a frame of audio as the text of an event."""

    def render(payload: bytes) -> str:
        return as_text(render_event(AudioSent(track_id, epoch_ms(), payload)))

    return render


class SocketPeer:
    """Looks at what waits to be written before it writes.

    Lives before its socket does: what is sent, or closed, meanwhile follows the
    answer to the upgrade.
    """

    def __init__(
        self, audio_text: AudioText | None = None, most_queued: int | None = None
    ) -> None:
        """``most_queued`` is so much audio, in bytes, as the frames do not tell."""
        self._most_queued = most_queued
        self._audio_text = audio_text
        self._socket: WSTransport | None = None
        self._transport: asyncio.Transport | None = None
        self._gate: ReadingGate | None = None
        self._is_paused = False
        self._early: list[str] = []
        self._early_close: tuple[int, str] | None = None
        self._told_slow: Callable[[], None] | None = None
        self.is_closed = False
        """Nothing more is sent: the session, or we, have closed it."""
        self.frames_dropped = 0

    def attach(
        self, socket: WSTransport, gate: ReadingGate, told_slow: Callable[[], None]
    ) -> None:
        """The upgrade was answered; ``told_slow`` hears that the reader was cut."""
        self._socket, self._gate, self._told_slow = socket, gate, told_slow
        self._transport = socket.underlying_transport
        if self._is_paused:
            gate.pause()
        for text in self._early:
            socket.send(WSMsgType.TEXT, text.encode())
        self._early.clear()
        if self._early_close is not None:
            self._end(socket, *self._early_close)

    def send_text(self, text: str) -> None:
        if self.is_closed:
            return
        if self._socket is None or self._transport is None:
            self._early.append(text)
        elif self._transport.is_closing():
            return
        elif self._transport.get_write_buffer_size() > TEXT_QUEUED_MAX:
            self.close(TRY_AGAIN_LATER, "events were not read in time")
            if self._told_slow is not None:
                self._told_slow()
        else:
            self._socket.send(WSMsgType.TEXT, text.encode(errors="replace"))

    def send_audio(self, payload: bytes) -> bool:
        if self._audio_text is None:
            return self._send_frame(WSMsgType.BINARY, payload)
        return self._send_frame(WSMsgType.TEXT, self._audio_text(payload).encode())

    def _send_frame(self, kind: WSMsgType, payload: bytes) -> bool:
        socket, transport = self._socket, self._transport
        # A closed socket's number may be another's by now, and picows writes to it.
        if socket is None or transport is None or transport.is_closing():
            return False
        most = self._most_queued
        if most is None:
            most = FRAMES_QUEUED_MAX * (len(payload) + FRAME_HEAD_BYTES)
        if self.is_closed or transport.get_write_buffer_size() > most:
            self.frames_dropped += 1
            return False
        socket.send(kind, payload)
        return True

    def send_ping(self) -> None:
        if self._may_control():
            self._socket.send_ping()  # type: ignore[union-attr]

    def send_pong(self, payload: bytes) -> None:
        """Not to who asks without ever reading the answers."""
        if self._may_control():
            self._socket.send_pong(payload)  # type: ignore[union-attr]

    def _may_control(self) -> bool:
        transport = self._transport
        if transport is None or self.is_closed or transport.is_closing():
            return False
        return transport.get_write_buffer_size() <= PONG_QUEUED_MAX

    def pause_reading(self) -> None:
        self._is_paused = True
        if self._gate is not None:
            self._gate.pause()

    def resume_reading(self) -> None:
        self._is_paused = False
        if self._gate is not None:
            self._gate.resume()

    @property
    def is_reading(self) -> bool:
        return not self._is_paused

    def close(self, code: int, reason: str) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        if self._socket is None:
            self._early_close = (code, reason)
        else:
            self._end(self._socket, code, reason)

    def abort(self) -> None:
        """At once, without a word: nobody is there to hear it."""
        self.is_closed = True
        if self._transport is not None:
            self._transport.abort()

    def _end(self, socket: WSTransport, code: int, reason: str) -> None:
        self.resume_reading()
        transport = socket.underlying_transport
        if transport.is_closing():
            return
        cut = reason.encode(errors="replace")[:REASON_MAX_BYTES]
        # The stub wants a member of the enumeration; applications' codes are none.
        socket.send_close(code, cut.decode(errors="ignore"))  # type: ignore[arg-type]
        loop = asyncio.get_running_loop()
        loop.call_later(CLOSE_SECONDS, transport.abort)
