"""The SIP endpoint, driven: messages and verbs in, events to whoever has the call."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from mediaworker.sip.endpoint import Endpoint
from mediaworker.sip.events import (
    CallKey,
    Cancelled,
    Ended,
    Event,
    InviteReceived,
    NotAcknowledged,
    Rejected,
)
from mediaworker.sip.routing import Hop, Transmission

logger = logging.getLogger(__name__)

LAST = (Cancelled, Rejected, NotAcknowledged, Ended)

T = TypeVar("T")


class Party(Protocol):
    """Whoever has a call."""

    def hear(self, event: Event) -> None: ...

    def fail(self, error: Exception) -> None:
        """Hearing it raised."""


class Exchange:
    """Feeds, drains, flushes, and sets one timer. All on the loop's thread."""

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Callable[[], float],
        send: Callable[[Transmission], None],
        came: Callable[[InviteReceived], None],
    ) -> None:
        """``came`` is told of calls that nobody has yet."""
        self._endpoint = endpoint
        self._clock = clock
        self._send = send
        self._came = came
        self._parties: dict[CallKey, Party] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_settling = False
        self.events = 0

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    def receive(self, message: bytes, source: Hop) -> None:
        """Raises nothing."""
        try:
            self._endpoint.receive(message, source, self._clock())
        except Exception:
            # It may be of any call, or of none.
            logger.exception("message not understood")
        self.settle()

    def failed(self, hop: Hop) -> None:
        """What was to go there could not."""
        self._endpoint.transport_failed(hop, self._clock())
        self.settle()

    def do(self, verb: Callable[[Endpoint, float], T]) -> T:
        """Have the endpoint do something; raises what it does."""
        try:
            return verb(self._endpoint, self._clock())
        finally:
            self.settle()

    def assign(self, call: CallKey, party: Party) -> None:
        """Who hears of the call, until it is over."""
        self._parties[call] = party

    def release(self, call: CallKey) -> None:
        """Nobody hears of it any more."""
        self._parties.pop(call, None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def settle(self) -> None:
        """Send what is to be sent, and tell what has happened."""
        if self._is_settling:
            return
        self._is_settling = True
        try:
            self._flush()
            while (event := self._endpoint.next_event()) is not None:
                self.events += 1
                self._tell(event)
                self._flush()
        finally:
            self._is_settling = False
        self._set_timer()

    def _flush(self) -> None:
        for transmission in self._endpoint.transmissions():
            self._send(transmission)

    def _tell(self, event: Event) -> None:
        if isinstance(event, InviteReceived):
            self._receive_call(event)
            return
        party = self._parties.get(event.call)
        if isinstance(event, LAST):
            self.release(event.call)
        if party is None:
            return
        try:
            party.hear(event)
        except Exception as error:
            party.fail(error)

    def _receive_call(self, event: InviteReceived) -> None:
        try:
            self._came(event)
        except Exception:
            logger.exception("call not received")
            self.release(event.call)
            self._endpoint.hang_up(event.call, self._clock())

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._endpoint.timer()
        if at is not None:
            delay = max(0.0, at - self._clock())
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(delay, self._ring)

    def _ring(self) -> None:
        self._timer = None
        try:
            self._endpoint.handle_timer(self._clock())
        except Exception:
            logger.exception("timer not handled")
        self.settle()
