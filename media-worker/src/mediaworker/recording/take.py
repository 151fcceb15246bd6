"""One recording while it is made: frames in, a file out."""

from mediaworker.audio.arrays import Samples
from mediaworker.recording.formats import Track
from mediaworker.recording.messages import Begin
from mediaworker.recording.ring import Side
from mediaworker.recording.shelves import Draft
from mediaworker.recording.timeline import Timeline

SLOT_MS = 20


class Take:
    """What it raises ends it: an OSError, a `WrongRate` or an `OpusError`."""

    def __init__(self, begin: Begin, draft: Draft, track: Track) -> None:
        self.begin = begin
        self.draft = draft
        self._track = track
        self._timeline = Timeline(begin.slot, begin.rate)
        self._slots = max(1, begin.flush_ms // SLOT_MS)
        self._flush_at = begin.slot + self._slots - 1

    @property
    def form(self) -> str:
        return self._track.form

    @property
    def size(self) -> int:
        return self._track.size

    @property
    def duration_ms(self) -> int:
        return self._timeline.duration_ms

    def put(self, side: Side, slot: int, frame: Samples) -> None:
        self._timeline.put(side is Side.CALLER, slot, frame)

    def turn(self, slot: int) -> None:
        """Nothing more comes of the slot."""
        if slot >= self._flush_at:
            self._flush_at = slot + self._slots
            self._track.write(self._timeline.take(slot))
            self._track.flush()
            self.draft.grow(self._track.size)

    def finish(self, slot: int) -> None:
        """The slot was the last."""
        self._track.write(self._timeline.finish(slot))
        self._track.finish()
