"""The server's side of a call, where a media server of the application's carries it.

The track is there from the invite on, and ends once: with the call, or when the server
has closed its socket or cannot be had. The call goes on without it.
"""

from dataclasses import dataclass, field

from chalicelib.protocol.session.events import Metrics, TrackEnded, TrackStarted
from chalicelib.protocol.session.options import MediaPassOption
from mediaworker.audio.resampling import can_resample
from mediaworker.session.attention import Activity, Attention
from mediaworker.session.effects import ClearMedia, MuteMedia, PassMedia
from mediaworker.session.outbox import Outbox
from mediaworker.session.refusals import Complaint, Unfitting

SENDER = "media_pass"
RESUMED = "media_pass.resumed"
RATES = (8_000, 16_000)
"""Of sessions."""
MOST_PACKETS = 400
"""A second, to the server."""
MOST_PTIME_MS = 5_000
SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class PassEnded:
    """The server has closed its socket for good; or why it is there no more."""

    sentence: str | None = None
    code: int = 0


@dataclass(frozen=True, slots=True)
class PassResumed:
    """The socket was lost, and is there again."""

    tries: int
    lost_ms: int


@dataclass(frozen=True, slots=True)
class PassTrouble:
    """Something about the server's audio is not as it should be; it goes on."""

    sentence: str
    code: int


@dataclass(frozen=True, slots=True)
class PassHeard:
    """The server is heard from now on, or not any more."""

    is_heard: bool


PassEvent = PassEnded | PassResumed | PassTrouble | PassHeard


@dataclass(slots=True)
class Passing:
    """Of one session."""

    outbox: Outbox
    attention: Attention
    ssrc: int
    is_muted: bool = False
    _began_at_ms: int | None = field(default=None, init=False)
    """None: there is no such track, or no more."""
    _is_heard: bool = field(default=False, init=False)

    def begin(self, option: MediaPassOption | None, now: float) -> list[Complaint]:
        """Begin the track, if one is wanted; else what is wrong with the wish."""
        if option is None or self._began_at_ms is not None:
            return []
        sentence = fault_of(option)
        if sentence is not None:
            return [Complaint(SENDER, sentence, Unfitting.code)]
        at_ms = self._began_at_ms = self.outbox.at_ms(now)
        self.outbox.tell(TrackStarted(self.outbox.server_side_track, at_ms))
        self.outbox.ask(PassMedia(option))
        self._tell_muted()
        return []

    def mute(self, is_muted: bool) -> None:
        if is_muted != self.is_muted:
            self.is_muted = is_muted
            if self._began_at_ms is not None:
                self.outbox.ask(MuteMedia(is_muted))

    def clear(self) -> None:
        """What the server has sent so far is not heard."""
        if self._began_at_ms is not None:
            self.outbox.ask(ClearMedia())

    def hear(
        self, event: PassEvent, now: float, *, is_answered: bool
    ) -> list[Complaint]:
        """What is to be told of it after the answer, where there was none yet."""
        if self._began_at_ms is None:
            return []
        match event:
            case PassResumed(tries, lost_ms):
                at_ms = self.outbox.at_ms(now)
                data = {"tries": tries}
                self.outbox.tell(Metrics(at_ms, RESUMED, lost_ms, data))
                return []
            case PassHeard(is_heard):
                self._attend(is_heard, now)
                return []
            case PassEnded(None):
                self.end(now)
                return []
        complaint = Complaint(SENDER, event.sentence or "", event.code)
        if is_answered:
            track = self.outbox.server_side_track
            sentence, code = complaint.sentence, complaint.code
            self.outbox.fail(SENDER, sentence, code, now, track)
        if isinstance(event, PassEnded):
            self.end(now)
        return [] if is_answered else [complaint]

    def end(self, now: float) -> None:
        """Once; again, or where there was none: nothing."""
        began_at_ms, self._began_at_ms = self._began_at_ms, None
        if began_at_ms is not None:
            self._attend(False, now)
            at_ms, track = self.outbox.at_ms(now), self.outbox.server_side_track
            ended = TrackEnded(track, at_ms, at_ms - began_at_ms, self.ssrc)
            self.outbox.tell(ended)

    def _attend(self, is_heard: bool, now: float) -> None:
        """Who listens to the server is not inactive."""
        was_heard, self._is_heard = self._is_heard, is_heard
        if is_heard:
            self.attention.begin(Activity.PASS)
        elif was_heard:
            self.attention.end(Activity.PASS, now)

    def _tell_muted(self) -> None:
        if self.is_muted:
            self.outbox.ask(MuteMedia(True))


def fault_of(option: MediaPassOption) -> str | None:
    """Why its audio cannot be carried."""
    for rate in (option.input_sample_rate, option.output_sample_rate):
        if not all(can_resample(rate, session_rate) for session_rate in RATES):
            return f"audio is not converted from or to {rate} samples a second"
    if option.packet_size * MOST_PACKETS < option.output_sample_rate * SAMPLE_BYTES:
        return f"packetSize makes more than {MOST_PACKETS} packets a second"
    if (option.ptime or 0) > MOST_PTIME_MS:
        return f"ptime is at most {MOST_PTIME_MS} ms"
    return None
