"""What the media process and the speech process tell each other.

Samples are signed 16-bit, one channel, little-endian, at the rate that the session
has: 8,000 or 16,000 Hz. Jobs, streams and requests are numbered by the media process,
and a number is never used again.
"""

from dataclasses import dataclass, field

from chalicelib.protocol.session.speech import SynthesisOption

CREDIT_MS = 4_000
"""How much audio of a job may be on its way before any of it is played."""


@dataclass(frozen=True, slots=True)
class Synthesize:
    """Make a text into speech: answered by `Chunk`s, then `Made` or `Broken`."""

    job: int
    text: str
    rate: int
    option: SynthesisOption
    """Whole: the command's, over the call's, over `DEFAULTS`."""
    cache_key: str | None = None
    """The application's own name for the audio; None to make one of what is asked."""
    scope: str = ""
    """Whose audio may be kept together: a tenant."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Download and decode a file: answered by `Chunk`s, then `Made` or `Broken`."""

    job: int
    url: str
    rate: int
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Consumed:
    """So much of a job has been played: as much again may be sent."""

    job: int
    ms: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nothing more of the job is wanted, nor an answer."""

    job: int


@dataclass(frozen=True, slots=True)
class Listen:
    """A stream of audio begins, that will be asked about."""

    stream: int
    rate: int
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Deafen:
    """The stream has ended: forget it, and what was asked about it."""

    stream: int


@dataclass(frozen=True, slots=True)
class Heard:
    """The next 20 ms of many streams, which all have the same rate."""

    rate: int
    streams: tuple[int, ...]
    samples: bytes = field(repr=False)
    """One frame after the other, in the order of ``streams``."""


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Make a part of a stream into text: answered by `Text` or `Misheard`.

    Instants are milliseconds of audio since the stream began. A later request of
    the same utterance takes the place of one that has not begun.
    """

    stream: int
    request: int
    utterance: int
    from_ms: int
    to_ms: int
    is_final: bool
    """Goes before all that are not."""


Request = Synthesize | Fetch | Consumed | Cancel | Listen | Deafen | Heard | Transcribe


@dataclass(frozen=True, slots=True)
class Ready:
    """The process is up, and can do this; sent once, first."""

    voices: tuple[str, ...]
    """Names of the engines that speak, best first; empty: it cannot."""
    hears: bool


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


Reply = Ready | Chunk | Made | Broken | Text | Misheard
