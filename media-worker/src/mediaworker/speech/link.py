"""The child's end of the socket."""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from mediaworker.speech.framing import BrokenFrame, Unpacker, pack
from mediaworker.speech.replies import Reply
from mediaworker.speech.requests import Request

logger = logging.getLogger(__name__)


class Link(asyncio.Protocol):
    """Requests come in order; when the parent's end closes, all is over."""

    def __init__(self, receive: Callable[[Request], None], end: Callable[[], None]):
        self._receive = receive
        self._end = end
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None

    def tell(self, reply: Reply) -> None:
        if self._transport is not None:
            self._transport.write(pack(reply))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            requests = self._unpacker.feed(data)
        except BrokenFrame:
            logger.exception("the parent is not understood")
            self._end()
            return
        for request in requests:
            try:
                self._receive(request)
            except Exception:
                logger.exception("request failed")

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._end()
