"""A connection from its first byte until it is known whose it is."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Self, cast

from chalicelib.protocol.lease import Neighbour
from mediaworker.gateway.errors import Refused
from mediaworker.gateway.handshake import wants_socket
from mediaworker.gateway.head import END, MAX_HEAD_BYTES, Head, MalformedHead
from mediaworker.gateway.passing import Passing, Search
from mediaworker.gateway.tcp import prepare

logger = logging.getLogger(__name__)

HEAD_SECONDS = 5.0
LINGER_SECONDS = 1.0
"""How long a refused peer has to read why, before it is cut."""
WAITING_MAX = 1_000
"""Connections without a whole head; who comes then is cut."""
HELD_BYTES = 65_536
"""Beyond them no more is read before it is known where the connection belongs."""
TOO_LARGE = f"the head of a request has at most {MAX_HEAD_BYTES} bytes"


@dataclass(slots=True)
class Doors:
    """Where a connection may go, and who still stands before them."""

    http: Callable[[], asyncio.Protocol]
    socket: Callable[[Head], asyncio.Protocol]
    """For an upgrade; raises `Refused`."""
    passing: Passing
    """To other workers."""
    waiting: set["Front"] = field(default_factory=set)

    def close(self) -> None:
        for front in list(self.waiting):
            front.cut()
        self.passing.close()


class Front(asyncio.Protocol):
    """Reads one head, within its bounds, and hands the connection on with all bytes.

    A connection serves one request; aiohttp's and picows' protocols never see one
    that is not theirs.
    """

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_refused = False
        self._is_read = False
        """The head is: it is being found out where the connection belongs."""

    @classmethod
    def factory(cls, doors: Doors) -> Callable[[], Self]:
        return lambda: cls(doors)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not all loops' transports are subclasses of it.
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        if len(self._doors.waiting) >= WAITING_MAX:
            transport.abort()
            return
        self._doors.waiting.add(self)
        prepare(transport.get_extra_info("socket"))
        self._start(HEAD_SECONDS, self._expire)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        searched_from = max(0, len(self._read) - len(END))
        self._read += data
        if not self._is_read:
            end = self._read.find(END, searched_from)
            self._attempt(partial(self._look, end))
        elif len(self._read) > HELD_BYTES and self._transport is not None:
            self._transport.pause_reading()

    def _look(self, end: int) -> None:
        if end >= 0:
            self._is_read = True
            self._decide(Head.parse(self._head(end)))
        elif not self._read[:1].isalpha() or not self._read[:1].isupper():
            raise Refused(400, "this is not HTTP")
        elif len(self._read) > MAX_HEAD_BYTES:
            raise Refused(431, TOO_LARGE)

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except MalformedHead as error:
            self._refuse(Refused(400, str(error)))
        except Refused as refusal:
            self._refuse(refusal)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()
        self._transport = None

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _head(self, end: int) -> bytes:
        if end > MAX_HEAD_BYTES:
            raise Refused(431, TOO_LARGE)
        return bytes(self._read[:end])

    def _decide(self, head: Head) -> None:
        if not wants_socket(head) and "transfer-encoding" in head.fields:
            raise Refused(411, "a body is sent with its Content-Length")
        place = self._doors.passing.place_of(head)
        if isinstance(place, Search):
            self._doors.passing.search(place, partial(self._found, head))
        else:
            self._go_to(head, place)

    def _found(self, head: Head, place: Neighbour | None) -> None:
        """It may be gone meanwhile, or have been told that it took too long."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading()
            if not self._is_refused:
                self._attempt(partial(self._go_to, head, place))

    def _go_to(self, head: Head, place: Neighbour | None) -> None:
        body_at = self._read.index(END) + len(END)
        whole = bytes(self._read[: body_at + head.body_bytes])
        if place is not None:
            # Frames may have come behind the head of an upgrade.
            sent = bytes(self._read) if wants_socket(head) else whole
            self._hand_on(self._doors.passing.enter(place, sent), b"")
        elif wants_socket(head):
            self._hand_on(self._socket(head), bytes(self._read[body_at:]))
        else:
            self._hand_on(self._doors.http(), whole)

    def _socket(self, head: Head) -> asyncio.Protocol:
        try:
            return self._doors.socket(head)
        except Refused:
            raise
        except Exception:
            logger.exception("no session opened")
            raise Refused(500, "Internal Server Error") from None

    def _hand_on(self, protocol: asyncio.Protocol, data: bytes) -> None:
        transport = self._transport
        assert transport is not None
        self._leave()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if data:
            protocol.data_received(data)

    def _expire(self) -> None:
        self._refuse(Refused(408, "the head of the request did not come in time"))

    def _refuse(self, refusal: Refused) -> None:
        """What else the peer sends is read and forgotten, or it would see a reset
        instead of the answer."""
        assert self._transport is not None
        self._is_refused = True
        self._read.clear()
        self._transport.write(refusal.render())
        self._transport.write_eof()
        self._start(LINGER_SECONDS, self.cut)

    def _start(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _leave(self) -> None:
        self._doors.waiting.discard(self)
        if self._timer is not None:
            self._timer.cancel()
