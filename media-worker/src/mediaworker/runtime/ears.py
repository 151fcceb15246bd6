"""Who listens to what sessions hear: detectors, recordings, speech, other sessions."""

from collections.abc import Callable, Sequence

from chalicelib.protocol.session.vocabulary import VadType
from mediaworker.runtime.batches import Batch
from mediaworker.runtime.detectors import Detector, KeyDetector
from mediaworker.runtime.enhancers import Enhancers
from mediaworker.runtime.isolation import by_halves
from mediaworker.runtime.occupant import Occupant
from mediaworker.runtime.recorders import Recorders
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.runtime.subscribers import Subscribers, Track
from mediaworker.runtime.wires import Samples
from mediaworker.session.effects import Treatment

FRAME_MS = 20

Place = tuple[int, VadType]
"""Rate and kind: which detector."""


class Ears:
    """Of all connected sessions."""

    def __init__(
        self,
        detector_of: Callable[[int, VadType], Detector],
        keys_of: Callable[[int], KeyDetector],
        speech: SpeechDesk,
        recorders: Recorders,
        subscribers: Subscribers,
    ) -> None:
        self._detector_of = detector_of
        self._keys_of = keys_of
        self._speech = speech
        self._recorders = recorders
        self._subscribers = subscribers
        self._enhancers = Enhancers()
        self._detectors: dict[Place, Detector] = {}
        self._places: dict[Occupant, Place] = {}
        self._rows: dict[Place, dict[int, Occupant]] = {}
        self.are_crossed = False
        """Some session is bridged, has a media server, or its keys are to be heard."""
        self._key_detectors: dict[int, KeyDetector] = {}
        self._key_rows: dict[int, dict[int, Occupant]] = {}

    def detect_voice(self, seat: Occupant, rate: int, kind: VadType) -> None:
        """From now on, unless it is done already."""
        if seat in self._places:
            return
        seat.heard_ms = 0
        place = self._places[seat] = (rate, kind)
        seat.row = self._detector(place).take_row()
        self._rows[place][seat.row] = seat

    def detect_keys(self, seat: Occupant, rate: int) -> None:
        """From now on."""
        if rate not in self._key_detectors:
            self._key_detectors[rate] = self._keys_of(rate)
            self._key_rows[rate] = {}
        seat.key_row = self._key_detectors[rate].take_row()
        self._key_rows[rate][seat.key_row] = seat

    def treat(self, seat: Occupant, rate: int, treatment: Treatment) -> None:
        """From now on, beside what is done already."""
        self._enhancers.join(seat, rate, treatment)

    def leave(self, seat: Occupant, rate: int) -> None:
        """Keep nothing of a session that is over."""
        self._enhancers.leave(seat, rate)
        self._subscribers.leave(seat)
        seat.subscribes = False
        place = self._places.pop(seat, None)
        if place is not None and seat.row is not None:
            del self._rows[place][seat.row]
            self._detectors[place].free_row(seat.row)
            seat.row = None
        if seat.key_row is not None:
            del self._key_rows[rate][seat.key_row]
            self._key_detectors[rate].free_row(seat.key_row)
            seat.key_row = None

    def hear(self, batch: Batch, now: float) -> None:
        """A frame of each; who fails at it is ended, and no other."""
        for members, samples in by_halves(
            range(len(batch.seats)),
            lambda members: (members, batch.decoded(members)),
            batch.fail,
        ):
            seats = [batch.seats[member] for member in members]
            for seat in seats:
                seat.heard_ms += FRAME_MS
            self._hear(batch.wire.rate, seats, samples, now)

    def _hear(
        self, rate: int, seats: Sequence[Occupant], samples: Samples, now: float
    ) -> None:
        """Keys from the audio as it came; voices before they are made louder."""
        if self.are_crossed:
            self._detect_keys(rate, seats, samples)
        clean = self._enhancers.denoise(rate, seats, samples)
        heard = self._enhancers.level(rate, seats, clean)
        if self._recorders.is_busy:
            self._recorders.heard(seats, heard)
        if self.are_crossed:
            _cross(seats, heard)
        if self._subscribers.is_busy:
            self._subscribers.show(Track.CALLER, seats, heard)
        self._transcribe(rate, seats, heard)
        self._detect(seats, clean, now)

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

    def _detect_keys(
        self, rate: int, seats: Sequence[Occupant], samples: Samples
    ) -> None:
        rows = {m: row for m, s in enumerate(seats) if (row := s.key_row) is not None}
        members = list(rows)
        by_row = self._key_rows.get(rate, {})
        for pressed in by_halves(
            members,
            lambda chosen: self._key_detectors[rate].hear(
                samples[list(chosen)], [rows[member] for member in chosen]
            ),
            lambda member, error: seats[member].fail(error),
        ):
            for row, digit in pressed:
                if row in by_row:
                    by_row[row].press(digit)

    def _detector(self, place: Place) -> Detector:
        if place not in self._detectors:
            self._detectors[place] = self._detector_of(*place)
            self._rows[place] = {}
        return self._detectors[place]


def _cross(seats: Sequence[Occupant], samples: Samples) -> None:
    """Let those who are bridged hear each other, and media servers their callers."""
    for seat, said in zip(seats, samples, strict=True):
        try:
            if seat.side is not None:
                seat.side.says.put(said)
            if seat.media_pass is not None:
                seat.media_pass.say(said)
        except Exception as error:
            seat.fail(error)
