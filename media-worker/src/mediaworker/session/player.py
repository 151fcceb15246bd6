"""The server's side of a session: one playback at a time, frame by frame."""

from chalicelib.protocol.session.commands import Play, Tts, wait_input_ms
from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.attention import Activity, Attention
from mediaworker.session.effects import CreditJob
from mediaworker.session.jobs import Jobs
from mediaworker.session.outbox import Outbox
from mediaworker.session.playback import Passage, Past, Playback
from mediaworker.session.queueing import Queue
from mediaworker.session.refusals import NotThere
from mediaworker.session.rules import Rules
from mediaworker.session.samples import SAMPLE_BYTES
from mediaworker.session.texts import looks_ended
from mediaworker.session.track import Track
from mediaworker.speech.messages import Made

FRAMES_A_SECOND = 50
UNAVAILABLE = 503
TOO_LATE = 504
STREAM_TIMEOUT = 408


class Player:
    """Says texts and plays files; whatever is new takes the place of what is old.

    Only a further text of the same ``playId`` is queued.
    """

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
        self._queue = Queue(rules, rate)
        self._track = Track(outbox, ssrc, bytes_a_ms)
        self._playback: Playback | None = None
        self._past = Past()

    @property
    def is_playing(self) -> bool:
        """Something plays, is paused, or waits for its audio."""
        return self._playback is not None

    @property
    def is_repeating(self) -> bool:
        """What plays does not end by itself."""
        return self._playback is not None and self._playback.is_repeated

    # What is asked for

    def say(self, command: Tts, option: SynthesisOption, now: float) -> None:
        """Raises `Refusal`."""
        playback = self._playback
        if playback is None or not playback.is_continued_by(command):
            if self._past.has_no_use_for(command, is_playing=playback is not None):
                return
            playback = Playback(command.play_id, is_speech=True)
        self._queue.check(playback, command)
        self._replace(playback, now)
        self._queue.put(playback, command, option)
        self._await_sentence(playback, now)
        self._advance(playback)

    def play(self, command: Play, now: float, *, is_repeated: bool = False) -> None:
        playback = Playback(command.playback_id, is_speech=False)
        playback.is_repeated = is_repeated
        playback.auto_hangup = command.auto_hangup
        playback.wait_input_ms = wait_input_ms(command.wait_input_timeout)
        self._replace(playback, now)
        offset_ms = command.offset_ms or 0
        playback.passages.append(Passage(0, url=command.url, offset_ms=offset_ms))
        self._advance(playback)

    def interrupt(self, now: float, *, is_graceful: bool) -> None:
        """Nothing, when nothing plays."""
        playback = self._playback
        if playback is None:
            return
        if not (is_graceful and playback.can_end_gracefully):
            self.stop(now)
        elif not playback.is_ending:
            self._track.tell_interrupted(playback, now)
            for passage in playback.keep_current():
                self._jobs.drop(passage)

    def pause(self, now: float) -> None:
        """Raises `NotThere`."""
        self._expect_playback().is_paused = True
        self._alarms.clear(Alarm.STARVED)
        self._alarms.clear(Alarm.IDLE)
        self._attention.end(Activity.PLAYBACK, now)

    def resume(self, now: float) -> None:
        """Raises `NotThere`."""
        playback = self._expect_playback()
        playback.is_paused = False
        if playback.has_started:
            self._attention.begin(Activity.PLAYBACK)

    def stop(self, now: float) -> None:
        """At once, whatever it is."""
        playback = self._playback
        if playback is not None:
            if playback.is_speech and not playback.is_ending:
                self._track.tell_interrupted(playback, now)
            self._end(playback, now, was_stopped=True)

    # What is played

    def take_frame(self, now: float) -> bytes | None:
        """The next 20 ms; None when there is nothing, or not yet."""
        playback = self._playback
        if playback is None or playback.is_paused:
            return None
        size, passages = self._frame_bytes, playback.passages
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
        frame = b""
        while (passage := playback.current) and len(frame) < self._frame_bytes:
            needed = self._frame_bytes - len(frame)
            if not passage.can_flow(needed):
                break
            piece = passage.samples.take(needed)
            passage.taken_bytes += len(piece)
            frame += piece
            if passage.is_whole and not passage.samples.size:
                playback.leave_current()
                self._advance(playback)
        if frame:
            return self._started(playback, frame, now)
        if passage is None:
            self._run_dry(playback, now)
        else:
            self._starve(playback, passage, now)
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

    # What the speech process answers

    def chunk(self, job: int, samples: bytes) -> None:
        passage = self._jobs.find(job)
        if passage is not None:
            passage.add(samples)
            self._alarms.clear(Alarm.STARVED)

    def made(self, reply: Made, now: float) -> None:
        passage = self._jobs.finish(reply.job)
        if passage is not None:
            playback = self._now_playing()
            if playback.is_speech:
                self._track.tell_made(playback, passage, reply, now)
            self._advance(playback)

    def broken(self, job: int, sentence: str, code: int, now: float) -> None:
        if self._jobs.finish(job) is not None:
            playback = self._now_playing()
            self._track.fail(playback, sentence, code, now)
            self._advance(playback)

    def lose(self, now: float) -> None:
        """The speech process answers nothing that was asked of it."""
        for job in self._jobs.running():
            self.broken(job, "the speech process was lost", UNAVAILABLE, now)

    # When it took too long

    def give_up_audio(self, now: float) -> None:
        """The passage's audio did not come."""
        playback = self._now_playing()
        self._jobs.drop(playback.passages[0])
        self._track.fail(playback, "no audio came in time", TOO_LATE, now)
        self._advance(playback)

    def close_stream(self, now: float) -> None:
        """Nothing was added to the stream for long."""
        playback = self._now_playing()
        playback.is_open, playback.was_closed = False, True
        sentence = "the stream was not ended, and nothing was added to it"
        self._track.fail(playback, sentence, STREAM_TIMEOUT, now)

    def flush(self, now: float) -> None:
        """The unfinished sentence has waited; it goes on while others are heard."""
        playback = self._now_playing()
        if playback.passages and not looks_ended(playback.draft):
            self._await_sentence(playback, now)
        else:
            self._queue.flush(playback)
            self._advance(playback)

    def _await_sentence(self, playback: Playback, now: float) -> None:
        rules = self._rules
        if not playback.draft.strip():
            self._alarms.clear(Alarm.FLUSH)
        elif looks_ended(playback.draft):
            self._alarms.set(Alarm.FLUSH, now + rules.flush_ended_seconds)
        else:
            self._alarms.set(Alarm.FLUSH, now + rules.flush_seconds)

    # Within

    def _replace(self, playback: Playback, now: float) -> None:
        if playback is not self._playback:
            self.stop(now)
            self._attention.stop_waiting()
            self._playback = playback
            self._past.remove(playback)

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

    def _expect_playback(self) -> Playback:
        if self._playback is None:
            raise NotThere("nothing is being played")
        return self._playback
