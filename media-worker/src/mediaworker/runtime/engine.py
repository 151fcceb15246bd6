"""One tick for all sessions: what they play goes out, what they hear comes in."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from chalicelib.protocol.session.vocabulary import VadType
from mediaworker.runtime.detectors import Detector
from mediaworker.runtime.house import Occupant
from mediaworker.runtime.inbound import Inbound
from mediaworker.runtime.isolation import by_halves
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.runtime.wires import WIRES, Samples, Wire
from mediaworker.session.effects import Connect

logger = logging.getLogger(__name__)

FRAME_MS = 20

Place = tuple[int, VadType]
"""Rate and kind: which detector."""


@dataclass(slots=True)
class Counts:
    """What has gone through the tick since the worker began."""

    frames_heard: int = 0
    frames_of_silence: int = 0
    """Of them: fed to sessions that sent nothing."""
    frames_played: int = 0
    frames_missing: int = 0
    """Of what played: they were not there in time."""
    frames_dropped: int = 0
    """For sockets that did not take them in time."""


@dataclass(slots=True)
class Batch:
    """A frame each of many sessions, all in one codec or all in samples."""

    wire: Wire
    seats: list[Occupant] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)

    def add(self, seat: Occupant, frame: bytes) -> None:
        self.seats.append(seat)
        self.frames.append(frame)

    def decoded(self, members: Sequence[int]) -> Samples:
        """Frames in the codec, as a row of samples each."""
        octets = np.frombuffer(self._joined(members), np.uint8)
        return self.wire.decode(octets.reshape(len(members), -1))

    def encoded(self, members: Sequence[int]) -> list[bytes]:
        """Frames of samples, in the codec."""
        samples = np.frombuffer(self._joined(members), np.int16)
        octets = self.wire.encode(samples.reshape(len(members), -1)).tobytes()
        size = self.wire.frame_bytes
        return [octets[at : at + size] for at in range(0, len(octets), size)]

    def _joined(self, members: Sequence[int]) -> bytes:
        return b"".join(self.frames[members[0] : members[-1] + 1])

    def fail(self, member: int, error: Exception) -> None:
        self.seats[member].fail(error)


class Engine:
    """All connected sessions; `play` and `hear` are called once each in a slot."""

    def __init__(
        self, detector_of: Callable[[int, VadType], Detector], speech: SpeechDesk
    ) -> None:
        self._detector_of = detector_of
        self._speech = speech
        self._detectors: dict[Place, Detector] = {}
        self._places: dict[Occupant, Place | None] = {}
        self._rows: dict[Place, dict[int, Occupant]] = {}
        self._seats: tuple[Occupant, ...] = ()
        self.counts = Counts()

    def connect(self, seat: Occupant, effect: Connect) -> None:
        wire = WIRES[effect.codec]
        place = None if effect.vad is None else (wire.rate, effect.vad)
        if place is not None:
            seat.row = self._detector(place).take_row()
            self._rows[place][seat.row] = seat
        seat.wire = wire
        seat.inbound = Inbound(wire.silence)
        self._places[seat] = place
        self._seats = tuple(self._places)

    def disconnect(self, seat: Occupant) -> None:
        if seat not in self._places:
            return
        place = self._places.pop(seat)
        self._seats = tuple(self._places)
        if place is not None and seat.row is not None:
            del self._rows[place][seat.row]
            self._detectors[place].free_row(seat.row)
            seat.row = None

    def play(self, now: float) -> None:
        """Send what each session plays in this slot."""
        batches: dict[Wire, Batch] = {}
        for seat in self._seats:
            if seat.is_playing and (wire := seat.wire) is not None:
                frame = seat.take_frame(now)
                if frame is not None:
                    _batch(batches, wire).add(seat, frame)
                else:
                    self.counts.frames_missing += seat.count_missing()
        for batch in batches.values():
            self._send(batch)

    def _send(self, batch: Batch) -> None:
        for members, frames in by_halves(
            range(len(batch.seats)),
            lambda members: (members, batch.encoded(members)),
            batch.fail,
        ):
            for member, frame in zip(members, frames, strict=True):
                if batch.seats[member].send_audio(frame):
                    self.counts.frames_played += 1
                else:
                    self.counts.frames_dropped += 1

    def hear(self, now: float) -> None:
        """Take what each session was sent, a frame of it."""
        first: dict[Wire, Batch] = {}
        second: dict[Wire, Batch] = {}
        for seat in self._seats:
            inbound, wire = seat.inbound, seat.wire
            if inbound is None or wire is None:
                continue
            frame = inbound.take()
            if frame is None:
                continue
            self._gather(first, seat, wire, frame)
            if inbound.is_silent:
                self.counts.frames_of_silence += 1
            elif (frame := inbound.take_more()) is not None:
                self._gather(second, seat, wire, frame)
        for batch in (*first.values(), *second.values()):
            self._hear_batch(batch, now)

    def _gather(
        self, batches: dict[Wire, Batch], seat: Occupant, wire: Wire, frame: bytes
    ) -> None:
        self.counts.frames_heard += 1
        if seat.row is not None or seat.transcribes:
            batch = _batch(batches, wire)
            batch.add(seat, wire.silence if seat.is_muted else frame)

    def _hear_batch(self, batch: Batch, now: float) -> None:
        for members, samples in by_halves(
            range(len(batch.seats)),
            lambda members: (members, batch.decoded(members)),
            batch.fail,
        ):
            seats = [batch.seats[member] for member in members]
            for seat in seats:
                seat.heard_ms += FRAME_MS
            self._transcribe(batch.wire.rate, seats, samples)
            self._detect(seats, samples, now)

    def _transcribe(
        self, rate: int, seats: Sequence[Occupant], samples: Samples
    ) -> None:
        places = [place for place, seat in enumerate(seats) if seat.transcribes]
        if places:
            chosen = samples if len(places) == len(seats) else samples[places]
            clients = [seats[place] for place in places]
            self._speech.feed(rate, clients, chosen.tobytes())

    def _detect(self, seats: Sequence[Occupant], samples: Samples, now: float) -> None:
        members: dict[Place, list[int]] = {}
        for member, seat in enumerate(seats):
            place = self._places.get(seat)
            if place is not None:
                members.setdefault(place, []).append(member)
        for place, chosen in members.items():
            self._detect_at(place, chosen, seats, samples, now)

    def _detect_at(
        self,
        place: Place,
        members: Sequence[int],
        seats: Sequence[Occupant],
        samples: Samples,
        now: float,
    ) -> None:
        by_row = self._rows[place]
        rows = [row for m in members if (row := seats[m].row) is not None]
        frames = samples if len(members) == len(seats) else samples[members]
        windows = self._detectors[place].hear(
            frames, rows, lambda row, error: by_row[row].fail(error)
        )
        for window in windows:
            # A session may have ended another's call meanwhile.
            seat = by_row.get(window.row)
            if seat is not None:
                seat.hear(window.probability, seat.heard_ms - window.behind_ms, now)

    def _detector(self, place: Place) -> Detector:
        if place not in self._detectors:
            self._detectors[place] = self._detector_of(*place)
            self._rows[place] = {}
        return self._detectors[place]


def _batch(batches: dict[Wire, Batch], wire: Wire) -> Batch:
    if wire not in batches:
        batches[wire] = Batch(wire)
    return batches[wire]
