"""Where a session's playbacks run: one at a time, frame by frame."""

from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.attention import Activity, Attention
from mediaworker.session.effects import CreditJob
from mediaworker.session.fading import Fade
from mediaworker.session.jobs import Jobs
from mediaworker.session.outbox import Outbox
from mediaworker.session.playback import Passage, Past, Playback
from mediaworker.session.rules import Rules
from mediaworker.session.samples import SAMPLE_BYTES
from mediaworker.session.track import Track

FRAMES_A_SECOND = 50


class Deck:
    """Has passages made in time, hands out their frames, and tells of it."""

    def __init__(
        self,
        outbox: Outbox,
        alarms: Alarms,
        attention: Attention,
        rules: Rules,
        rate: int,
        ssrc: int,
    ) -> None:
        self.is_muted = False
        """Silence goes out in the place of what is played."""
        self.wants_hangup = False
        """What was to be the last has been heard."""
        self.underruns = 0
        """Frames that were not there in time."""
        self._outbox = outbox
        self._alarms = alarms
        self._attention = attention
        self._rules = rules
        self._rate = rate
        self._frame_bytes = rate // FRAMES_A_SECOND * SAMPLE_BYTES
        bytes_a_ms = rate // 1_000 * SAMPLE_BYTES
        self._refill_bytes = rules.refill_ms * bytes_a_ms
        self._silence = bytes(self._frame_bytes)
        self._jobs = Jobs(outbox, rules)
        self._track = Track(outbox, ssrc, bytes_a_ms)
        self._playback: Playback | None = None
        self._past = Past()

    @property
    def is_playing(self) -> bool:
        """Something plays, is paused, or waits for its audio."""
        return self._playback is not None

    def take_frame(self, now: float) -> bytes | None:
        """The next 20 ms; None when there is nothing, or not yet."""
        playback = self._playback
        if playback is None or playback.is_paused:
            return None
        size, passages = self._frame_bytes, playback.passages
        if playback.fade is not None:
            return self._take_softly(playback, playback.fade, now)
        if passages:
            passage = passages[0]
            if passage.is_flowing and passage.samples.size >= size:
                frame = passage.samples.take(size)
                passage.taken_bytes += size
                if passage.taken_bytes >= passage.credit_bytes:
                    self._give_back(passage)
                return self._silence if self.is_muted else frame
        return self._take_slowly(playback, now)

    def _take_slowly(self, playback: Playback, now: float) -> bytes | None:
        """Where a passage begins, ends or waits; one leads into the next unheard."""
        frame = playback.take(self._frame_bytes, self._advance)
        if frame:
            return self._started(playback, frame, now)
        passage = playback.current
        if passage is None:
            self._run_dry(playback, now)
        else:
            self._starve(playback, passage, now)
        return None

    def _take_softly(self, playback: Playback, fade: Fade, now: float) -> bytes | None:
        frame = None if fade.is_over else self._take_slowly(playback, now)
        if frame is not None:
            return fade.soften(frame)
        if self._playback is not None:
            self._end(playback, now, was_stopped=True)
        return None

    def _started(self, playback: Playback, frame: bytes, now: float) -> bytes:
        self._alarms.clear(Alarm.STARVED)
        if not playback.has_started:
            playback.has_started, playback.started_at = True, now
            self._attention.begin(Activity.PLAYBACK)
            self._track.tell_started(playback, now)
        if self.is_muted:
            return self._silence
        return frame.ljust(self._frame_bytes, b"\0")

    def _starve(self, playback: Playback, passage: Passage, now: float) -> None:
        if playback.has_started:
            self.underruns += 1
            passage.needed_bytes = self._refill_bytes
        if not self._alarms.is_set(Alarm.STARVED):
            self._alarms.set(Alarm.STARVED, now + self._rules.starved_seconds)

    def _run_dry(self, playback: Playback, now: float) -> None:
        if not playback.is_open:
            self._end(playback, now, was_stopped=False)
            self._attention.wait(playback.wait_input_ms, now)
            self.wants_hangup = playback.auto_hangup
        elif not self._alarms.is_set(Alarm.IDLE):
            self._alarms.set(Alarm.IDLE, now + self._rules.idle_seconds)

    def _give_back(self, passage: Passage) -> None:
        passage.taken_bytes -= int(passage.credit_bytes)
        self._outbox.ask(CreditJob(passage.job, self._rules.credit_ms))

    def _advance(self, playback: Playback) -> None:
        """Have what is next made."""
        self._alarms.clear(Alarm.STARVED)
        self._alarms.clear(Alarm.IDLE)
        playback.repeat()
        self._jobs.begin(playback.passages, self._rate)

    def _end(self, playback: Playback, now: float, *, was_stopped: bool) -> None:
        self._playback = None
        self._past.add(playback, was_stopped=was_stopped)
        self._jobs.drop_all()
        for alarm in (Alarm.STARVED, Alarm.IDLE, Alarm.FLUSH):
            self._alarms.clear(alarm)
        self._attention.end(Activity.PLAYBACK, now)
        self._track.tell_ended(playback, now)

    def _now_playing(self) -> Playback:
        """What a running job, or an alarm that was set, belongs to."""
        assert self._playback is not None
        return self._playback
