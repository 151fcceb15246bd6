"""What a session wants done in the world."""

from dataclasses import dataclass, field

from chalicelib.protocol.lease import Fact
from chalicelib.protocol.session.options import AgcOption, MediaPassOption
from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from chalicelib.protocol.session.vocabulary import Codec, VadType
from mediaworker.session.identity import Identity
from mediaworker.session.legs import LegEffect

NORMAL_CLOSE = 1_000


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to the caller's audio before anybody hears it.

    Keys are told from it as it came.
    """

    denoises: bool = False
    gain: AgcOption | None = None
    """None: it stays as loud as it is."""


UNTREATED = Treatment()


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
    treatment: Treatment = UNTREATED
    subscribes: bool = False
    """The application's socket is sent what both sides say."""
    remote: TranscriptionOption | None = None
    """Who hears it, where that is not the worker: it tells `Remark`s."""
    judges: bool = False
    """Whether who speaks has finished may be asked by `JudgeTurn`."""
    seeks_beeps: bool = False
    """Steady tones in it are told as `Beep`s."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Hear more of a call than was asked for by `Connect`, or by another of these.

    What runs already goes on.
    """

    vad: VadType | None
    """Never another than the one that runs."""
    transcribes: bool
    language: str | None = None
    treatment: Treatment = UNTREATED
    subscribes: bool = False
    remote: TranscriptionOption | None = None
    judges: bool = False
    seeks_beeps: bool = False


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
class JudgeTurn:
    """Have it judged whether who fell silent has finished: answered by `Judged`."""

    number: int
    to_ms: int
    """Milliseconds of the caller's audio since `Connect`: up to there."""


@dataclass(frozen=True, slots=True)
class PassMessage:
    """To the session that this one is bridged with; it is told if there is none."""

    body: str = field(repr=False)
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Record both sides of the call from now on, until its `Close`.

    `Session.recorder_failed` tells that there is no recording, or no more of it.
    """

    path: str
    """Relative to where recordings are kept, without a way out of there."""
    rate: int
    """Of the file."""
    flush_ms: int
    """How often what was recorded is made safe."""
    identity: Identity
    started_at_ms: int
    """The session's, as the control plane knows it."""


@dataclass(frozen=True, slots=True)
class PassMedia:
    """Let a media server hear the caller, and be heard, until the session's `Close`.

    `Session.pass_told` is told what becomes of it.
    """

    option: MediaPassOption = field(repr=False)
    """Its URL may hold a secret."""


@dataclass(frozen=True, slots=True)
class ClearMedia:
    """Nothing that the media server has sent so far is heard."""


@dataclass(frozen=True, slots=True)
class MuteMedia:
    """Whether what the media server says is replaced by silence."""

    is_muted: bool


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
    | JudgeTurn
    | JoinSession
    | PartSession
    | PassMessage
    | Record
    | PassMedia
    | ClearMedia
    | MuteMedia
    | Report
    | LegEffect
    | Close
)
