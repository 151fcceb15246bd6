"""What a session wants done in the world."""

from dataclasses import dataclass

from chalicelib.protocol.lease import Fact
from chalicelib.protocol.session.speech import SynthesisOption
from chalicelib.protocol.session.vocabulary import Codec, VadType

NORMAL_CLOSE = 1_000


@dataclass(frozen=True, slots=True)
class Connect:
    """Carry the caller's audio from now on, and feed the session with what is heard."""

    codec: Codec
    vad: VadType | None
    """Which detector's windows `Session.hear` is to be called with; None: no window."""
    transcribes: bool
    """The audio goes to the speech process too."""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class MuteCaller:
    """Whether the caller's audio is replaced by silence, for all who listen."""

    is_muted: bool


@dataclass(frozen=True, slots=True)
class SayText:
    """Have a text synthesized, as job ``job`` of this session."""

    job: int
    text: str
    option: SynthesisOption
    cache_key: str | None = None


@dataclass(frozen=True, slots=True)
class FetchFile:
    """Have a file downloaded and decoded, as job ``job`` of this session."""

    job: int
    url: str
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class DropJob:
    """Nothing more of the job is wanted."""

    job: int


@dataclass(frozen=True, slots=True)
class CreditJob:
    """So much of the job has been played."""

    job: int
    ms: int


@dataclass(frozen=True, slots=True)
class AskText:
    """Have a part of what was heard made into text.

    Instants are milliseconds of the caller's audio since `Connect`.
    """

    utterance: int
    from_ms: int
    to_ms: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the control plane of the session."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Close:
    """The session is over: close its socket, and forget it."""

    code: int = NORMAL_CLOSE
    reason: str = ""


Effect = (
    Connect
    | MuteCaller
    | SayText
    | FetchFile
    | DropJob
    | CreditJob
    | AskText
    | Report
    | Close
)
