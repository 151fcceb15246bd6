"""What the media process asks of the speech process.

Samples are signed 16-bit, one channel, little-endian, at the rate that the session
has: 8,000 or 16,000 Hz. Jobs, streams and requests are numbered by the media process,
and a number is never used again.
"""

from dataclasses import dataclass, field

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption

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
    scope: str = ""
    """Whose files may be kept together: a tenant."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a text into speech to be kept: answered by `Prepared` or `Broken`."""

    job: int
    text: str
    option: SynthesisOption
    cache_key: str | None = None
    scope: str = ""


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
    remote: TranscriptionOption | None = None
    """Of a provider that hears the stream as it comes, and is not asked: answered by
    `Remark`s and `Unheard`s. None for the recognition of the worker."""
    judges: bool = False
    """`Judge` may be asked about it."""
    seeks_beeps: bool = False
    """Steady tones in it are told as `Beep`s."""


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


@dataclass(frozen=True, slots=True)
class Judge:
    """Tell whether who fell silent has finished: answered by `Judged`.

    A later request of the same stream takes the place of one that has not begun.
    """

    stream: int
    number: int
    to_ms: int
    """Milliseconds of audio since the stream began."""


Request = (
    Synthesize
    | Fetch
    | Prepare
    | Consumed
    | Cancel
    | Listen
    | Deafen
    | Heard
    | Transcribe
    | Judge
)
