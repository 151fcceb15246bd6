"""What an application plays: a file, or texts that follow each other as one."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from chalicelib.protocol.session.commands import Tts, wait_input_ms
from chalicelib.protocol.session.speech import DEFAULTS, SynthesisOption
from mediaworker.session.fading import Fade
from mediaworker.session.samples import Samples
from mediaworker.session.texts import (
    is_sayable,
    sentences,
    spoken,
    word_at,
    word_from,
)

LEAST_REPEATED_BYTES = 16_000
"""A second at 8 kHz, half a one at 16 kHz."""
REMEMBERED = 32


@dataclass(slots=True)
class Passage:
    """One text, file or piece of given audio."""

    sequence: int
    """Of its command in the playback."""
    samples: Samples = field(default_factory=Samples)
    text: str = ""
    url: str | None = None
    offset_ms: int = 0
    option: SynthesisOption = DEFAULTS
    cache_key: str | None = None
    job: int = 0
    """0 until it is asked for; given audio never is."""
    is_whole: bool = False
    """No more audio comes."""
    is_flowing: bool = False
    """A frame can be taken whenever there is one."""
    needed_bytes: int = 0
    """Audio to be had before it flows again."""
    got_bytes: int = 0
    taken_bytes: int = 0
    """Since audio was given back last."""
    marks: list[tuple[int, int]] = field(default_factory=list)
    """When words begin, and at which character, where the provider says it."""
    credit_bytes: float = inf
    """Taken audio that is worth giving back."""

    @property
    def is_waiting(self) -> bool:
        """It has not been asked for yet."""
        return not self.job and not self.is_whole

    @property
    def played_bytes(self) -> int:
        return max(0, self.got_bytes - self.samples.left)

    def position(self, bytes_a_ms: int) -> int:
        """The word of the text at which it stands."""
        played_ms = self.played_bytes // bytes_a_ms
        if self.marks:
            begun = [at for from_ms, at in self.marks if from_ms <= played_ms]
            return word_from(self.text, begun[-1] if begun else 0)
        total_ms = self.got_bytes // bytes_a_ms if self.is_whole else None
        return word_at(self.text, played_ms, total_ms)

    def add(self, audio: bytes) -> None:
        """More of it has come."""
        self.samples.push(audio)
        self.got_bytes += len(audio)

    def can_flow(self, needed: int) -> bool:
        """Whether it may be heard now; after a gap it waits for more than a frame."""
        has_enough = self.samples.size >= max(needed, self.needed_bytes)
        self.is_flowing = self.is_whole or has_enough
        if self.is_flowing:
            self.needed_bytes = 0
        return self.is_flowing

    def finish(self) -> None:
        """No more audio comes."""
        self.is_whole = True
        self.credit_bytes = inf


@dataclass(slots=True)
class Playback:
    """One track of the server's side, under one ``playId``."""

    play_id: str | None
    is_speech: bool
    passages: deque[Passage] = field(default_factory=deque)
    """The first is being played."""
    last: Passage | None = None
    """The one that was played before it."""
    done_bytes: int = 0
    """Of passages that were played to their end."""
    commands: int = 0
    draft: str = ""
    """Of a stream: text that is no sentence yet."""
    draft_option: SynthesisOption = DEFAULTS
    is_stream: bool = False
    is_open: bool = False
    """More fragments of a stream may come."""
    was_closed: bool = False
    """The stream's end was seen."""
    is_paused: bool = False
    is_ending: bool = False
    """It was interrupted, and comes to the end of its passage."""
    fade: Fade | None = None
    """Until then it becomes softer."""
    has_started: bool = False
    started_at: float = 0.0
    auto_hangup: bool = False
    wait_input_ms: int = 0
    is_repeated: bool = False
    """Again and again, until it is stopped."""

    @property
    def is_heard(self) -> bool:
        return self.has_started and not self.is_paused

    @property
    def can_end_gracefully(self) -> bool:
        """A text that has begun to be heard; a stream stops at once."""
        return self.is_speech and self.is_heard and not self.is_stream

    @property
    def current(self) -> Passage | None:
        return self.passages[0] if self.passages else None

    @property
    def played_bytes(self) -> int:
        current = self.current
        return self.done_bytes + (current.played_bytes if current else 0)

    @property
    def got_bytes(self) -> int:
        return self.done_bytes + sum(passage.got_bytes for passage in self.passages)

    @property
    def given_bytes(self) -> int:
        """Audio of the application's own that waits."""
        return sum(p.samples.left for p in self.passages if not p.job)

    @property
    def subtitle(self) -> Passage | None:
        """What is being said, or was said last."""
        return self.current or self.last

    def take_command(self, command: Tts) -> int:
        """Note what a further command says of the whole; its number."""
        self.auto_hangup |= command.auto_hangup
        if command.wait_input_timeout is not None:
            self.wait_input_ms = wait_input_ms(command.wait_input_timeout)
        self.is_stream |= command.streaming
        self.was_closed |= command.end_of_stream
        self.is_open = self.is_stream and not self.was_closed
        self.commands += 1
        return self.commands - 1

    def is_continued_by(self, command: Tts) -> bool:
        """Whether the command adds to it; else it takes its place."""
        is_same = self.play_id == command.play_id
        return self.is_speech and is_same and not self.is_ending

    def take(self, size: int, left: "Callable[[Playback], None]") -> bytes:
        """At most so many bytes: one passage leads into the next unheard.

        ``left`` is told of each that was played to its end.
        """
        taken = b""
        while (passage := self.current) and len(taken) < size:
            needed = size - len(taken)
            if not passage.can_flow(needed):
                break
            piece = passage.samples.take(needed)
            passage.taken_bytes += len(piece)
            taken += piece
            if passage.is_whole and not passage.samples.size:
                self._leave_current()
                left(self)
        return taken

    def _leave_current(self) -> None:
        self.last = self.passages.popleft()
        self.done_bytes += self.last.got_bytes

    def repeat(self) -> None:
        """Have it once more while it plays, if it is long enough to be worth it."""
        if self.is_repeated and len(self.passages) == 1:
            passage = self.passages[0]
            if passage.is_whole and passage.got_bytes >= LEAST_REPEATED_BYTES:
                self.passages.append(Passage(0, url=passage.url))

    def keep_current(self) -> list[Passage]:
        """Nothing comes after it; what is not wanted any more."""
        self.is_ending, self.auto_hangup, self.wait_input_ms = True, False, 0
        self.is_open, self.is_repeated, self.draft = False, False, ""
        unwanted = list(self.passages)[1:]
        self.passages = deque(list(self.passages)[:1])
        return unwanted

    def add_fragment(self, text: str) -> list[str]:
        """Of a stream; the sentences that it finishes."""
        whole, self.draft = sentences(self.draft + text)
        return [sentence for sentence in whole if is_sayable(sentence)]

    def take_draft(self) -> list[str]:
        """What is left of a stream's text."""
        draft, self.draft = self.draft, ""
        return [draft] if is_sayable(draft) else []


class Past:
    """Each ``playId`` that ended lately, and whether it was stopped."""

    def __init__(self) -> None:
        self._ended: dict[str | None, bool] = {}

    def add(self, playback: Playback, *, was_stopped: bool) -> None:
        self._ended[playback.play_id] = was_stopped
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def remove(self, playback: Playback) -> None:
        """It has begun again."""
        self._ended.pop(playback.play_id, None)

    def has_no_use_for(self, command: Tts, *, is_playing: bool) -> bool:
        """A mere end of what was stopped, or has ended, or has another after it."""
        is_end = command.end_of_stream and not command.base64
        if not is_end or is_sayable(spoken(command.text)):
            return False
        was_stopped = self._ended.get(command.play_id)
        is_after_all = was_stopped is False and not command.auto_hangup
        return is_playing or bool(was_stopped) or is_after_all
