"""What a session wants done in the world."""

from dataclasses import dataclass, field

from chalicelib.protocol.lease import Fact
from chalicelib.protocol.session.speech import SynthesisOption
from chalicelib.protocol.session.vocabulary import Codec, VadType
from mediaworker.session.legs import LegEffect

NORMAL_CLOSE = 1_000


@dataclass(frozen=True, slots=True)
class Connect:
    """Carry the caller's audio from now on, and feed the session with what is heard."""

    codec: Codec
    """Of the socket, or as the leg agreed upon it; the leg knows its wire."""
    vad: VadType | None
    """Which detector's windows `Session.hear` is to be called with; None: no window."""
    transcribes: bool
    """The audio goes to the speech process too."""
    language: str | None = None
    detects_keys: bool = False
    """The far end's digits come as tones in its audio: `Session.press` is told them."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Hear more of a call than was asked for by `Connect`, or by another of these.

    What runs already goes on.
    """

    vad: VadType | None
    """Never another than the one that runs."""
    transcribes: bool
    language: str | None = None


@dataclass(frozen=True, slots=True)
class JoinSession:
    """Let this session and another one hear each other.

    Answered by `Session.joined`, told to both, or by `Session.notice`. Only a session
    that `is_connected` can be joined.
    """

    target_session_id: str


@dataclass(frozen=True, slots=True)
class PartSession:
    """End that: `Session.parted` is told to both, or `Session.notice` to this one.

    It is told to the other as well when one of them ends.
    """

    target_session_id: str


@dataclass(frozen=True, slots=True)
class MuteCaller:
    """Whether the caller's audio is replaced by silence, for all who listen.

    It may be asked before `Connect`.
    """

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
class PassMessage:
    """To the session that this one is bridged with; it is told if there is none."""

    body: str = field(repr=False)
    content_type: str | None = None


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
    | Listen
    | MuteCaller
    | SayText
    | FetchFile
    | DropJob
    | CreditJob
    | AskText
    | JoinSession
    | PartSession
    | PassMessage
    | Report
    | LegEffect
    | Close
)
