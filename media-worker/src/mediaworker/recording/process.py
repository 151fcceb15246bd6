"""The media process's end: the ring, and the process at the other end of it."""

import logging
from collections.abc import Callable, Mapping, Sequence

from mediaworker.audio.arrays import Samples
from mediaworker.children import Child, Children, Patience, run_module
from mediaworker.recording.messages import (
    Advanced,
    Consumed,
    Dump,
    Ready,
    Reply,
    Request,
)
from mediaworker.recording.ring import Side, Writer, new_memory

logger = logging.getLogger(__name__)

COMMAND = run_module("mediaworker.recording")
BYTES_A_CALL = 2 * 2 * 2 * 16_000
"""Of the ring: two seconds of both sides."""
LEAST_BYTES = 1 << 20
MOST_DUMPED_BYTES = 4 << 20
"""Of the socket's queue; above it lines of dumps are lost."""
HOPELESS_BYTES = 4 * MOST_DUMPED_BYTES
"""A process that lets so much wait is not there any more."""
PATIENCE = Patience(stop_seconds=3.0)
"""For what is to be made whole when it ends."""


class RecordingProcessClient:
    """A `RecordingProcess` of the runtime's ports."""

    def __init__(
        self,
        environment: Mapping[str, str],
        capacity: int,
        patience: Patience = PATIENCE,
    ) -> None:
        """``capacity`` is of sessions at once."""
        size = max(LEAST_BYTES, capacity * BYTES_A_CALL)
        descriptor, memory = new_memory(size)
        self._ring = Writer(memory)
        child = Child("recording process", COMMAND, environment, (descriptor,))
        self._children = Children(
            child, self._receive, self._lost, lambda: self.ready is not None, patience
        )
        self._hear: Callable[[Reply], None] = lambda reply: None
        self._died: Callable[[], None] = lambda: None
        self._advanced = 0
        self.ready: Ready | None = None
        self.lines_lost = 0
        """Of dumps."""
        self.stop = self._children.stop

    @property
    def pid(self) -> int | None:
        return self._children.pid

    @property
    def starts(self) -> int:
        return self._children.starts

    def listen(self, hear: Callable[[Reply], None], died: Callable[[], None]) -> None:
        self._hear = hear
        self._died = died

    def send(self, request: Request) -> bool:
        if self.ready is None:
            return False
        queued = self._children.queued
        if isinstance(request, Dump) and queued > MOST_DUMPED_BYTES:
            self.lines_lost += 1
            return False
        if queued > HOPELESS_BYTES:
            logger.error("recording process takes nothing", extra={"queued": queued})
            self._children.abort()
            return False
        self.advance()
        return self._children.send(request)

    def put(
        self, side: Side, slot: int, recordings: Sequence[int], samples: Samples
    ) -> bool:
        return self._ring.put(side, slot, recordings, samples)

    def turn(self, slot: int) -> None:
        self._ring.put(Side.SLOT, slot)

    def advance(self) -> None:
        if self._ring.position != self._advanced and self.ready is not None:
            self._advanced = self._ring.position
            self._children.send(Advanced(self._advanced))

    async def run(self) -> None:
        await self._children.run()

    def _receive(self, reply: Reply) -> None:
        match reply:
            case Consumed(position):
                self._ring.consumed(position)
            case Ready():
                self._ring.restart()
                self._advanced = 0
                self.ready = reply
                logger.info("recording - DOWN -> UP")
            case _:
                self._hear(reply)

    def _lost(self) -> None:
        was_ready, self.ready = self.ready, None
        if was_ready is not None and not self._children.is_stopping:
            logger.error("recording - UP -> DOWN")
            self._died()
