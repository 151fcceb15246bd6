"""The media process's end of the speech process."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from mediaworker.children import Child, Children, Patience, run_module
from mediaworker.speech.replies import Ready, Reply
from mediaworker.speech.requests import Heard, Request

logger = logging.getLogger(__name__)

COMMAND = run_module("mediaworker.speech")
QUEUE_BYTES = 4 << 20
"""What waits for the process; above it, audio that is heard is lost."""
PATIENCE = Patience()
HOPELESS_BYTES = 4 * QUEUE_BYTES
"""A process that lets so much wait is not there any more."""


class SpeechProcessClient:
    """A `SpeechProcess` of the runtime's ports."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        command: tuple[str, ...] = COMMAND,
        patience: Patience = PATIENCE,
    ) -> None:
        child = Child("speech process", command, environment)
        self._children = Children(
            child, self._receive, self._lost, lambda: self.ready is not None, patience
        )
        self._hear: Callable[[Reply], None] = lambda reply: None
        self._died: Callable[[], None] = lambda: None
        self.ready: Ready | None = None
        """What the process can do; None while it is not up."""
        self.stop = self._children.stop

    @property
    def pid(self) -> int | None:
        return self._children.pid

    @property
    def starts(self) -> int:
        return self._children.starts

    def listen(self, hear: Callable[[Reply], None], died: Callable[[], None]) -> None:
        """Who hears replies, `Ready` among them, and of its death."""
        self._hear = hear
        self._died = died

    def send(self, request: Request) -> bool:
        """False for audio that is lost: then silence is sent for it."""
        if self.ready is None:
            return False
        queued = self._children.queued
        if queued > HOPELESS_BYTES:
            logger.error("speech process takes nothing", extra={"queued": queued})
            self._children.abort()
            return False
        if isinstance(request, Heard) and queued > QUEUE_BYTES:
            self._children.send(replace(request, samples=b""))
            return False
        return self._children.send(request)

    async def run(self) -> None:
        """Until it is stopped or cancelled; the process is gone then."""
        await self._children.run()

    def _receive(self, reply: Reply) -> None:
        if isinstance(reply, Ready):
            self.ready = reply
        self._hear(reply)

    def _lost(self) -> None:
        was_ready, self.ready = self.ready, None
        if was_ready is not None and not self._children.is_stopping:
            self._died()
