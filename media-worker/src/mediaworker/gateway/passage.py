"""A connection that another worker serves: its bytes go to and fro as they are.

What waits for a slow reader is bounded as for a session of our own: late audio is left
out, and a socket that lets 1 MB wait is closed with 1013. Everywhere else neither side
is read while the other cannot write.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from chalicelib.protocol.lease import Neighbour
from mediaworker.gateway.downstream import Downstream, close_frame
from mediaworker.gateway.errors import Refused
from mediaworker.gateway.tcp import prepare
from mediaworker.transports.peer import TEXT_QUEUED_MAX, TRY_AGAIN_LATER

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 12.0
"""How long the head of an answer may take: longer than the other gives itself."""
LINGER_SECONDS = 5.0
"""How long the peer has to read the end."""
WAITING_BYTES = 8_192
"""What may wait to be written before the other side is no more read."""
GOING_AWAY = 1_001
BAD_GATEWAY = 1_014
AFTER_SECONDS = "1"

NOT_REACHED = "the session's worker is not reached"
GONE = "the session's worker is gone"
TOO_SLOW = "events were not read in time"

Gone = Callable[["Passage"], None]


class Passage(asyncio.Protocol):
    """The protocol of the asker's connection, once its head was read."""

    def __init__(
        self,
        neighbour: Neighbour,
        opening: bytes,
        connect: Callable[["Passage"], None],
        gone: Gone,
    ) -> None:
        """``connect`` has `reach` run; ``gone`` is told when all is over."""
        self._neighbour = neighbour
        self._opening = opening
        self._connect = connect
        self._gone = gone
        self._down = Downstream()
        self._near: asyncio.Transport | None = None
        self._far: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    @property
    def frames_dropped(self) -> int:
        return self._down.frames_dropped

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not all loops' transports are subclasses of it.
        self._near = cast(asyncio.Transport, transport)
        self._near.set_write_buffer_limits(high=WAITING_BYTES)
        self._near.pause_reading()
        self._connect(self)

    async def reach(self) -> None:
        """The other worker; the asker is told when that comes to nothing."""
        host, _, port = self._neighbour.address.rpartition(":")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_connection(
                    lambda: FarSide(self), host.strip("[]"), int(port)
                )
        except (OSError, TimeoutError, ValueError) as error:
            extra = {
                "neighbour": self._neighbour.worker_id,
                "reason": type(error).__name__,
            }
            logger.warning("worker not reached", extra=extra)
            self.far_lost()

    def data_received(self, data: bytes) -> None:
        if self._far is not None and not self._is_over:
            self._far.write(data)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """A socket's frames are looked at one by one instead."""
        if not self._down.is_socket:
            _set_reading(self._far, False)

    def resume_writing(self) -> None:
        _set_reading(self._far, True)

    def connection_lost(self, error: Exception | None) -> None:
        self._near = None
        self._is_over = True
        self._cancel()
        if self._far is not None:
            # What the asker said last is still brought there.
            self._far.close()
        self._gone(self)

    def far_made(self, transport: asyncio.Transport) -> None:
        if self._is_over:
            transport.abort()
            return
        self._far = transport
        transport.write(self._opening)
        self._opening = b""
        self._start(ANSWER_SECONDS, self._expire)
        _set_reading(self._near, True)

    def far_received(self, data: bytes) -> None:
        if self._is_over or self._near is None:
            return
        waiting = self._near.get_write_buffer_size()
        if self._down.is_socket and waiting > TEXT_QUEUED_MAX:
            self._cut(TRY_AGAIN_LATER, TOO_SLOW)
            return
        told = self._down.push(data, waiting)
        if told:
            self._cancel()
            self._near.write(told)

    def far_slow(self, is_slow: bool) -> None:
        if not self._is_over:
            _set_reading(self._near, not is_slow)

    def far_lost(self) -> None:
        """It has answered, or never will."""
        self._far = None
        if self._is_over:
            return
        if not self._down.has_begun:
            refusal = Refused(503, NOT_REACHED, {"Retry-After": AFTER_SECONDS})
            self._end(refusal.render())
        else:
            self._end(self._last_words(BAD_GATEWAY, GONE))

    def close(self) -> None:
        """For whoever stops the whole port. The session hears of a cut, and waits for
        the asker to come back by another way."""
        if not self._is_over:
            self._cut(GOING_AWAY, "the worker stops")

    def _cut(self, code: int, reason: str) -> None:
        """On both sides, with a word to the asker alone."""
        if self._far is not None:
            self._far.abort()
        self._end(self._last_words(code, reason))

    def _last_words(self, code: int, reason: str) -> bytes:
        return close_frame(code, reason) if self._down.may_be_closed else b""

    def _end(self, last: bytes) -> None:
        """What the asker still sends is read and forgotten, or it would see a reset
        instead of the end."""
        self._is_over = True
        near = self._near
        if near is None or near.is_closing():
            return
        if last:
            near.write(last)
        near.write_eof()
        _set_reading(near, True)
        self._start(LINGER_SECONDS, near.abort)

    def _expire(self) -> None:
        if self._far is not None:
            self._far.abort()
        self.far_lost()

    def _start(self, seconds: float, then: Callable[[], None]) -> None:
        self._cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class FarSide(asyncio.Protocol):
    """The protocol of the connection to the other worker."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        prepare(transport.get_extra_info("socket"))
        transport.set_write_buffer_limits(high=WAITING_BYTES)
        self._passage.far_made(transport)

    def data_received(self, data: bytes) -> None:
        self._passage.far_received(data)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._passage.far_slow(True)

    def resume_writing(self) -> None:
        self._passage.far_slow(False)

    def connection_lost(self, error: Exception | None) -> None:
        self._passage.far_lost()


def _set_reading(transport: asyncio.Transport | None, is_reading: bool) -> None:
    if transport is None or transport.is_closing():
        return
    if is_reading:
        transport.resume_reading()
    else:
        transport.pause_reading()
