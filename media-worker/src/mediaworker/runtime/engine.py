"""One tick for all sessions: what they play goes out, what they hear comes in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.protocol.session.vocabulary import VadType
from mediaworker.runtime.batches import Batch, Batches, batch_of
from mediaworker.runtime.carriers import Carriers
from mediaworker.runtime.detectors import Detector, KeyDetector
from mediaworker.runtime.ears import Ears
from mediaworker.runtime.isolation import by_halves
from mediaworker.runtime.occupant import Occupant
from mediaworker.runtime.recorders import Recorders
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.runtime.subscribers import Subscribers, Track
from mediaworker.runtime.wires import Samples, Wire
from mediaworker.session.effects import Connect, Listen


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


class WrongRate(Exception):
    """A leg's wire is not what the session plays and hears."""


class Engine:
    """All connected sessions; `play` and `hear` are called once each in a slot."""

    def __init__(
        self,
        detector_of: Callable[[int, VadType], Detector],
        keys_of: Callable[[int], KeyDetector],
        speech: SpeechDesk,
        recorders: Recorders,
        carriers: Carriers | None = None,
    ) -> None:
        """Without ``carriers`` there is no codec that needs a library."""
        self._subscribers = Subscribers(self._count_dropped)
        self._ears = Ears(detector_of, keys_of, speech, recorders, self._subscribers)
        self._carriers = carriers or Carriers()
        self._recorders = recorders
        self._wires: dict[Occupant, Wire] = {}
        self._seats: tuple[Occupant, ...] = ()
        self._owed: tuple[Occupant, ...] = ()
        """Those whose far end has something in every slot, be it silence."""
        self._others: tuple[Occupant, ...] = ()
        self.counts = Counts()

    def connect(self, seat: Occupant, effect: Connect) -> None:
        wire = self._wires[seat] = self._take_wire(seat, effect)
        self._attend(seat, wire.rate, effect)
        if effect.detects_keys:
            self._ears.detect_keys(seat, wire.rate)
        self.rearrange()

    def listen(self, seat: Occupant, effect: Listen) -> None:
        wire = self._wires.get(seat)
        if wire is not None:
            self._attend(seat, wire.rate, effect)

    def disconnect(self, seat: Occupant) -> None:
        carrier, seat.carrier = seat.carrier, None
        if carrier is not None:
            carrier.close()
        wire = self._wires.pop(seat, None)
        if wire is not None:
            self._ears.leave(seat, wire.rate)
            self.rearrange()

    def rearrange(self) -> None:
        seats = self._seats = tuple(self._wires)
        self._ears.are_crossed = any(_is_wanted(seat) for seat in seats)
        self._owed = tuple(seat for seat in seats if _is_owed(seat))
        self._others = tuple(seat for seat in seats if not _is_owed(seat))

    def play(self, now: float, slot: int) -> None:
        """Send what each session plays in this slot."""
        self._recorders.begin_slot(slot)
        batches: Batches = {}
        for seat in self._others:
            if seat.is_playing and (wire := seat.wire) is not None:
                frame = seat.take_frame(now)
                if frame is not None:
                    batch_of(batches, wire).add(seat, frame)
                else:
                    self.counts.frames_missing += seat.count_missing()
        for seat in self._owed:
            try:
                self._play_owed(seat, batches, now, slot)
            except Exception as error:
                seat.fail(error)
        for batch in batches.values():
            self._send(batch, slot)

    def _play_owed(
        self, seat: Occupant, batches: Batches, now: float, slot: int
    ) -> None:
        frame, leg = None, seat.leg
        if seat.is_playing and (leg is None or leg.is_open):
            frame = seat.take_frame(now)
            if frame is None:
                self.counts.frames_missing += seat.count_missing()
        over = seat.take_beside()
        if frame is None:
            frame, over = over, None
        wire = seat.wire
        if wire is not None and frame is not None:
            batch_of(batches, wire).add(seat, frame, over)
        else:
            seat.send_silence(slot)

    def _send(self, batch: Batch, slot: int) -> None:
        for members, samples, frames in by_halves(
            range(len(batch.seats)),
            lambda members: _encoded(batch, members),
            batch.fail,
        ):
            seats = [batch.seats[member] for member in members]
            sent = [
                place
                for place, frame in enumerate(frames)
                if seats[place].send_audio(frame, slot)
            ]
            self.counts.frames_played += len(sent)
            self.counts.frames_dropped += len(frames) - len(sent)
            if self._recorders.is_busy:
                self._recorders.sent(seats, sent, samples)
            if self._subscribers.is_busy:
                self._subscribers.show(Track.SERVER_SIDE, seats, samples)

    def hear(self, now: float) -> None:
        """Take what each session was sent, a frame of it."""
        first: Batches = {}
        second: Batches = {}
        for seat in self._seats:
            source, wire = seat.source, seat.wire
            if source is None or wire is None:
                continue
            try:
                frame = source.take()
                if frame is None:
                    continue
                self._gather(first, seat, wire, frame)
                if source.is_silent:
                    self.counts.frames_of_silence += 1
                elif (frame := source.take_more()) is not None:
                    self._gather(second, seat, wire, frame)
            except Exception as error:
                seat.fail(error)
        for batch in (*first.values(), *second.values()):
            self._ears.hear(batch, now)
        self._recorders.end_slot()

    def _take_wire(self, seat: Occupant, effect: Connect) -> Wire:
        """Raises `WrongRate`."""
        leg = seat.leg
        if leg is None:
            seat.carrier = self._carriers.make(effect.codec, seat.flawed)
        carried = seat.carrier if leg is None else leg
        assert carried is not None
        wire = carried.wire
        if wire.rate != seat.rate:
            raise WrongRate(f"{wire.rate} samples a second are not {seat.rate}")
        seat.wire, seat.source = wire, carried.source
        return wire

    def _attend(self, seat: Occupant, rate: int, effect: Connect | Listen) -> None:
        """Have as much of it heard as is wanted by now."""
        if effect.vad is not None:
            self._ears.detect_voice(seat, rate, effect.vad)
        self._ears.treat(seat, rate, effect.treatment)
        if effect.subscribes:
            seat.subscribes = True
            self._subscribers.join(seat, rate)

    def _count_dropped(self) -> None:
        self.counts.frames_dropped += 1

    def _gather(
        self, batches: Batches, seat: Occupant, wire: Wire, frame: bytes
    ) -> None:
        self.counts.frames_heard += 1
        is_heard = seat.row is not None or seat.transcribes or seat.recording
        if is_heard or _is_wanted(seat):
            batch = batch_of(batches, wire)
            batch.add(seat, wire.silence if seat.is_muted else frame)


def _encoded(
    batch: Batch, members: Sequence[int]
) -> tuple[Sequence[int], Samples, list[bytes]]:
    """The members with what each is sent, in samples and in the codec."""
    samples = batch.samples(members)
    return members, samples, batch.in_codec(samples)


def _is_owed(seat: Occupant) -> bool:
    is_crossed = seat.side is not None or seat.media_pass is not None
    return seat.leg is not None or is_crossed


def _is_wanted(seat: Occupant) -> bool:
    """By somebody beside the detector and the speech process."""
    is_crossed = seat.side is not None or seat.media_pass is not None
    return is_crossed or seat.key_row is not None or seat.subscribes
