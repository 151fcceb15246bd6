"""The server's side of a session: what is to be played, and what becomes of it."""

from chalicelib.protocol.session.commands import Play, Tts, wait_input_ms
from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.attention import Activity, Attention
from mediaworker.session.deck import Deck
from mediaworker.session.fading import Fade
from mediaworker.session.outbox import Outbox
from mediaworker.session.playback import Passage, Playback
from mediaworker.session.queueing import Queue
from mediaworker.session.refusals import NotThere
from mediaworker.session.rules import Rules
from mediaworker.speech.replies import Made

UNAVAILABLE = 503
TOO_LATE = 504
STREAM_TIMEOUT = 408


class Player(Deck):
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
        super().__init__(outbox, alarms, attention, rules, rate, ssrc)
        self._queue = Queue(rules, rate, alarms)

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
        self._queue.await_sentence(playback, now)
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

    def interrupt(self, now: float, *, is_graceful: bool, fade_out_ms: int = 0) -> None:
        """Nothing, when nothing plays."""
        playback = self._playback
        if playback is None:
            return
        if is_graceful and playback.can_end_gracefully:
            self._let_end(playback, now)
        elif fade_out_ms and playback.is_heard:
            most_ms = min(fade_out_ms, self._rules.most_fade_ms)
            playback.fade = playback.fade or Fade(most_ms)
            self._let_end(playback, now)
        else:
            self.stop(now)

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

    # What the speech process answers

    def chunk(self, job: int, samples: bytes) -> None:
        passage = self._jobs.find(job)
        if passage is not None:
            passage.add(samples)
            self._alarms.clear(Alarm.STARVED)

    def marks(self, job: int, words: tuple[tuple[int, int], ...]) -> None:
        """When words of it begin."""
        passage = self._jobs.find(job)
        if passage is not None:
            passage.marks.extend(words)

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
        if self._queue.has_flushed(playback, now):
            self._advance(playback)

    # Within

    def _replace(self, playback: Playback, now: float) -> None:
        if playback is not self._playback:
            self.stop(now)
            self._attention.stop_waiting()
            self._playback = playback
            self._past.remove(playback)

    def _let_end(self, playback: Playback, now: float) -> None:
        """It was interrupted, but is heard for a while."""
        if not playback.is_ending:
            if playback.is_speech:
                self._track.tell_interrupted(playback, now)
            for passage in playback.keep_current():
                self._jobs.drop(passage)
            self._alarms.clear(Alarm.FLUSH)

    def _expect_playback(self) -> Playback:
        if self._playback is None:
            raise NotThere("nothing is being played")
        return self._playback
