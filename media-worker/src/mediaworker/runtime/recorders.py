"""Recordings of sessions: what each hears and is sent goes into the ring, slot by slot.

A recording is known by a number that is never used again, so that nothing of one can
get into another. Files, and whatever may wait, are the recording process's.
"""

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chalicelib.protocol.lease import RecordingReady
from mediaworker.recording.messages import Begin, End, Failed, Reply, Request, Stored
from mediaworker.recording.ring import Side
from mediaworker.runtime.ports import FactSink
from mediaworker.runtime.wires import Samples
from mediaworker.session.effects import Record

logger = logging.getLogger(__name__)

NOT_UP = "the recording process is not up"
LOST = "the recording process was lost"
FULL = "audio comes faster than it is recorded"
INTERNAL_ERROR = 500
UNAVAILABLE = 503
SLOTS_A_TURN = 5
"""How often the recording process is told that there is more."""
NONE = 0
"""No recording's number."""


class Recorded(Protocol):
    """A session, as its recording knows it."""

    recording: int
    """Its number; `NONE` for who is not recorded, or not any more."""

    def recorder_failed(self, sentence: str, code: int) -> None:
        """There is no recording, or no more of it."""


class RecordingProcess(Protocol):
    """The other process, and the ring between. Nothing here waits."""

    def listen(self, hear: Callable[[Reply], None], died: Callable[[], None]) -> None:
        """Who hears what became of recordings, and of its death; it starts again."""

    def send(self, request: Request) -> bool:
        """False when it is not up, or cannot take more: then it is not sent."""

    def put(
        self, side: Side, slot: int, recordings: Sequence[int], samples: Samples
    ) -> bool:
        """A row for each; False when there is no room in the ring."""

    def turn(self, slot: int) -> None:
        """Nothing more comes of the slot."""

    def advance(self) -> None:
        """Tell it how far the ring is written."""

    async def run(self) -> None:
        """Until cancelled."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One that is not at its end, or that was not kept yet."""

    seat: Recorded
    effect: Record


class Recorders:
    """Of all sessions."""

    def __init__(
        self,
        process: RecordingProcess,
        facts: FactSink,
        epoch_ms: Callable[[], int],
    ) -> None:
        self._process = process
        self._facts = facts
        self._epoch_ms = epoch_ms
        self._numbers = itertools.count(1)
        self._running: dict[int, Recording] = {}
        self._ending: dict[int, Recording] = {}
        self._slot = 0
        self.moved: Callable[[], None] = lambda: None
        """Is told when one was kept, or is lost."""
        self.frames_lost = 0
        """Frames that the ring had no room for."""
        process.listen(self._hear, self._died)

    @property
    def is_busy(self) -> bool:
        """Whether anybody is recorded."""
        return bool(self._running)

    @property
    def unfinished(self) -> int:
        """How many recordings were ended and are not kept yet."""
        return len(self._ending)

    @property
    def running(self) -> int:
        return len(self._running)

    def begin(self, seat: Recorded, effect: Record) -> None:
        """From the slot that is now on."""
        number = next(self._numbers)
        request = Begin(
            number,
            effect.identity.session_id,
            effect.path,
            effect.rate,
            effect.flush_ms,
            self._slot,
        )
        if not self._process.send(request):
            seat.recorder_failed(NOT_UP, UNAVAILABLE)
            return
        seat.recording = number
        self._running[number] = Recording(seat, effect)

    def leave(self, seat: Recorded) -> None:
        """Nothing more of the session is recorded; again, or if none was: nothing."""
        number, seat.recording = seat.recording, NONE
        recording = self._running.pop(number, None)
        if recording is not None and self._process.send(End(number, self._slot)):
            self._ending[number] = recording

    # From the tick

    def heard(self, seats: Sequence[Recorded], samples: Samples) -> None:
        """A row for each, of what its far end says."""
        members = [m for m, seat in enumerate(seats) if seat.recording]
        self._put(Side.CALLER, seats, members, samples)

    def sent(
        self, seats: Sequence[Recorded], members: Sequence[int], samples: Samples
    ) -> None:
        """A row for each seat; those of the members have gone to their far ends."""
        chosen = [member for member in members if seats[member].recording]
        self._put(Side.OTHERS, seats, chosen, samples)

    def begin_slot(self, slot: int) -> None:
        self._slot = slot

    def end_slot(self) -> None:
        """Nothing more comes of the slot."""
        if not self._running:
            return
        self._process.turn(self._slot)
        if self._slot % SLOTS_A_TURN == 0:
            self._process.advance()

    def _put(
        self,
        side: Side,
        seats: Sequence[Recorded],
        members: Sequence[int],
        samples: Samples,
    ) -> None:
        if not members:
            return
        numbers = [seats[member].recording for member in members]
        rows = samples if len(members) == len(samples) else samples[np.array(members)]
        if not self._process.put(side, self._slot, numbers, rows):
            self.frames_lost += len(members)
            for member in members:
                self._stop(seats[member], FULL, UNAVAILABLE)

    def _stop(self, seat: Recorded, sentence: str, code: int) -> None:
        self.leave(seat)
        seat.recorder_failed(sentence, code)

    # From the process

    def _hear(self, reply: Reply) -> None:
        match reply:
            case Stored(number):
                recording = self._ending.pop(number, None)
                if recording is not None:
                    self._facts.tell(_fact(recording, reply, self._epoch_ms()))
            case Failed(number, sentence, code):
                self._ending.pop(number, None)
                failed = self._running.pop(number, None)
                if failed is not None:
                    failed.seat.recording = NONE
                    failed.seat.recorder_failed(sentence, code)
        self.moved()

    def _died(self) -> None:
        """What it had written can be heard; nobody is told that it is whole."""
        lost = list(self._running.values())
        self._running.clear()
        self._ending.clear()
        for recording in lost:
            recording.seat.recording = NONE
        for recording in lost:
            recording.seat.recorder_failed(LOST, INTERNAL_ERROR)
        self.moved()


def _fact(recording: Recording, stored: Stored, now_ms: int) -> RecordingReady:
    effect = recording.effect
    identity = effect.identity
    return RecordingReady(
        tenant=identity.tenant,
        session_id=identity.session_id,
        worker_id=identity.worker_id,
        epoch=identity.epoch,
        uid=identity.uid,
        call_type=identity.call_type,
        started_at_ms=effect.started_at_ms,
        ready_at_ms=max(now_ms, effect.started_at_ms),
        key=stored.key,
        url=stored.url,
        format=stored.form,
        size_bytes=stored.size,
        duration_ms=stored.duration_ms,
    )
