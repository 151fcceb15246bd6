"""What the speech process answers to the requests of the media process.

Samples and numbers are as in the requests.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ready:
    """The process is up, and can do this; sent once, first."""

    voices: tuple[str, ...]
    """Names of the engines that speak, best first; empty: it cannot."""
    hears: bool
    judges: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next samples of a job, of any length."""

    job: int
    samples: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """The job's last samples have been sent."""

    job: int
    provider: str
    """``embedded``, or whose voice it was; ``file`` for a download."""
    total_ms: int
    first_chunk_ms: int
    """From the request to the first chunk."""
    took_ms: int
    is_cached: bool = False
    speaker: str | None = None
    cache_key: str | None = field(default=None, compare=False)
    """By which it can be asked for again, where it is a text's."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The speech is kept, at all rates that calls have."""

    job: int
    cache_key: str
    """By which a later command may ask for it, whatever its text."""
    size: int
    """Bytes, at all rates together."""
    was_there: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """The job failed; what was sent of it may be played."""

    job: int
    provider: str
    sentence: str
    """For the application's eyes: no secret, no address of ours."""
    code: int
    """As HTTP has it."""


@dataclass(frozen=True, slots=True)
class Text:
    """What was heard; empty when it was no speech."""

    stream: int
    request: int
    utterance: int
    text: str
    provider: str
    is_final: bool
    took_ms: int
    """From the request."""


@dataclass(frozen=True, slots=True)
class Misheard:
    """What was asked of a stream failed."""

    stream: int
    request: int
    utterance: int
    provider: str
    sentence: str
    code: int
    is_final: bool = True
    """Nobody waits for the others."""


@dataclass(frozen=True, slots=True)
class Marks:
    """When words of a job begin to be heard, as its provider says."""

    job: int
    words: tuple[tuple[int, int], ...]
    """Milliseconds of the job's audio, and the word's first character in the text."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What a provider has heard of a stream by itself."""

    stream: int
    text: str = field(repr=False)
    is_final: bool
    provider: str
    from_ms: int | None = None
    """Of audio since the stream began; None where the provider does not say."""
    to_ms: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Unheard:
    """A provider failed to hear a stream; perhaps it is asked again."""

    stream: int
    provider: str
    sentence: str
    code: int


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether who fell silent has finished."""

    stream: int
    number: int
    probability: float | None
    """None: it could not be judged, or not in time."""
    took_ms: int
    """From the request."""
    sentence: str | None = None
    """Why nothing can ever be judged, if it is so."""


@dataclass(frozen=True, slots=True)
class Beep:
    """A steady tone that was heard in a stream; each is told once, while it lasts."""

    stream: int
    from_ms: int
    """Of audio since the stream began; so the next."""
    to_ms: int


OfStream = Text | Misheard | Remark | Unheard | Judged | Beep
"""About what was heard."""
Answer = Chunk | Made | Prepared | Broken | Marks | OfStream
"""To one who asked."""
Reply = Ready | Answer
