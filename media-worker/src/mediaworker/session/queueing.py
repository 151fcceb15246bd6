"""How a command to say something becomes passages of a playback."""

from chalicelib.protocol.session.commands import Tts
from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.playback import Passage, Playback
from mediaworker.session.refusals import TooMuch, WrongTime
from mediaworker.session.rules import Rules
from mediaworker.session.samples import Given
from mediaworker.session.texts import is_sayable, looks_ended, spoken

BASE64_CHARACTERS = 4
BASE64_BYTES = 3
"""That so many characters stand for."""


class Queue:
    """Texts in their order: whole ones as they come, streams sentence by sentence."""

    def __init__(self, rules: Rules, rate: int, alarms: Alarms) -> None:
        self._rules = rules
        self._rate = rate
        self._alarms = alarms

    def check(self, playback: Playback, command: Tts) -> None:
        """Raises `Refusal` for what cannot be queued; nothing has changed then."""
        if command.streaming and playback.was_closed:
            raise WrongTime("the stream of this playId has been ended")
        if len(playback.passages) >= self._rules.most_passages:
            most = self._rules.most_passages
            raise TooMuch(f"{most} texts of this playId are waiting already", "tts")
        if command.base64:
            given_bytes = len(command.text) // BASE64_CHARACTERS * BASE64_BYTES
            if playback.given_bytes + given_bytes > self._rules.most_given_bytes:
                most = self._rules.most_given_bytes
                raise TooMuch(f"at most {most} bytes of audio may wait", "tts")

    def put(self, playback: Playback, command: Tts, option: SynthesisOption) -> None:
        sequence = playback.take_command(command)
        audio, text = command.audio(), spoken(command.text)
        if audio is not None:
            self.flush(playback)
            playback.passages.append(self._given(sequence, audio, option))
        elif command.streaming:
            self._stream(playback, text, option)
        else:
            self.flush(playback)
            self._append(playback, sequence, text, option, command.cache_key)
        if command.end_of_stream:
            self.flush(playback)

    def flush(self, playback: Playback) -> None:
        """Say what is left of a stream's text as it stands."""
        for draft in playback.take_draft():
            self._append_draft(playback, draft)

    def await_sentence(self, playback: Playback, now: float) -> None:
        """The stream's unfinished one may find its end."""
        rules = self._rules
        if not playback.draft.strip():
            self._alarms.clear(Alarm.FLUSH)
        elif looks_ended(playback.draft):
            self._alarms.set(Alarm.FLUSH, now + rules.flush_ended_seconds)
        else:
            self._alarms.set(Alarm.FLUSH, now + rules.flush_seconds)

    def has_flushed(self, playback: Playback, now: float) -> bool:
        """It has waited: whether it is said now, or goes on while others are heard."""
        if playback.passages and not looks_ended(playback.draft):
            self.await_sentence(playback, now)
            return False
        self.flush(playback)
        return True

    def _stream(self, playback: Playback, text: str, option: SynthesisOption) -> None:
        if option != playback.draft_option:
            self.flush(playback)
            playback.draft_option = option
        for sentence in playback.add_fragment(text):
            self._append_draft(playback, sentence)

    def _append_draft(self, playback: Playback, text: str) -> None:
        sequence = playback.commands - 1
        self._append(playback, sequence, text, playback.draft_option, None)

    def _append(
        self,
        playback: Playback,
        sequence: int,
        text: str,
        option: SynthesisOption,
        cache_key: str | None,
    ) -> None:
        if is_sayable(text):
            passage = Passage(sequence, text=text.strip(), option=option)
            passage.cache_key = cache_key
            playback.passages.append(passage)

    def _given(self, sequence: int, audio: bytes, option: SynthesisOption) -> Passage:
        from_rate = option.samplerate or self._rate
        samples = Given(audio, from_rate, self._rate)
        passage = Passage(sequence, samples=samples, is_whole=True)
        passage.got_bytes = samples.left
        return passage
