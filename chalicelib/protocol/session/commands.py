"""What an application can ask of a session."""

import base64
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from chalicelib.protocol.session.fields import (
    SPOKEN_MAX,
    Anything,
    Count,
    Digits,
    Framed,
    Headers,
    InputTimeout,
    KeyMillis,
    Millis,
    Name,
    Party,
    PauseMillis,
    PlayId,
    Prose,
    Reason,
    SessionId,
    SipCode,
    Url,
)
from chalicelib.protocol.session.kinds import Unfit
from chalicelib.protocol.session.options import (
    CallOption,
    RecorderOption,
    ReferOption,
)
from chalicelib.protocol.session.records import Keys, Record
from chalicelib.protocol.session.speech import SynthesisOption

MILLISECONDS_FROM = 1_000


def wait_input_ms(timeout: float | None) -> int:
    """What a ``waitInputTimeout`` means; 0 is off.

    The contract counts seconds and real clients count milliseconds, so a number
    below `MILLISECONDS_FROM` is taken for seconds.
    """
    timeout = timeout or 0
    return round(timeout if timeout >= MILLISECONDS_FROM else timeout * 1_000)


@dataclass(frozen=True, slots=True)
class Invite(Record):
    """Call somebody, or answer the offer of a browser."""

    command: ClassVar[str] = "invite"
    option: CallOption


@dataclass(frozen=True, slots=True)
class Accept(Record):
    """Answer an incoming call."""

    command: ClassVar[str] = "accept"
    option: CallOption


@dataclass(frozen=True, slots=True)
class Reject(Record):
    """Decline an incoming call."""

    command: ClassVar[str] = "reject"
    reason: Reason
    code: SipCode | None = None


@dataclass(frozen=True, slots=True)
class Ring(Record):
    """Tell an incoming call's caller that it rings."""

    command: ClassVar[str] = "ringing"
    recorder: RecorderOption | None = None
    """Stays as it is when a later accept names another."""
    early_media: bool = False
    ringtone: Url | None = None


@dataclass(frozen=True, slots=True)
class Tts(Record):
    """Say a text."""

    command: ClassVar[str] = "tts"
    text: Framed
    """At most `SPOKEN_MAX` characters, unless it is audio in base64."""
    speaker: Name | None = None
    play_id: PlayId | None = None
    auto_hangup: bool = False
    streaming: bool = False
    end_of_stream: bool = False
    wait_input_timeout: InputTimeout | None = None
    option: SynthesisOption | None = None
    """Laid over the call's."""
    base64: bool = False
    """The text is audio: 16-bit samples, one channel, at the voice's rate."""
    cache_key: Name | None = None

    def check_whole(self) -> None:
        if not self.base64 and len(self.text) > SPOKEN_MAX:
            raise Unfit(f"must have at most {SPOKEN_MAX} characters", ("text",))
        try:
            self.audio()
        except ValueError:
            raise Unfit("must be base64", ("text",)) from None

    def audio(self) -> bytes | None:
        """The samples that ``text`` carries; None when it is to be spoken."""
        return base64.b64decode(self.text, validate=True) if self.base64 else None


@dataclass(frozen=True, slots=True)
class Play(Record):
    """Play a file."""

    command: ClassVar[str] = "play"
    url: Url
    play_id: PlayId | None = None
    auto_hangup: bool = False
    wait_input_timeout: InputTimeout | None = None
    offset_ms: Millis | None = None

    @property
    def playback_id(self) -> str:
        """The ``playId`` that its events carry."""
        return self.play_id or self.url


@dataclass(frozen=True, slots=True)
class Interrupt(Record):
    """Stop what is being played."""

    command: ClassVar[str] = "interrupt"
    graceful: bool = False
    """Let the text that is being said come to its end."""
    fade_out_ms: Millis | None = None


@dataclass(frozen=True, slots=True)
class Pause(Record):
    """Hold what is being played."""

    command: ClassVar[str] = "pause"


@dataclass(frozen=True, slots=True)
class Resume(Record):
    """Go on with what was paused."""

    command: ClassVar[str] = "resume"


@dataclass(frozen=True, slots=True)
class Hangup(Record):
    """End the call."""

    command: ClassVar[str] = "hangup"
    reason: Reason | None = None
    initiator: Reason | None = None
    headers: Headers | None = None
    """Sent with the BYE."""
    refer: bool = False
    """End the transferred leg alone."""


@dataclass(frozen=True, slots=True)
class Refer(Record):
    """Connect the call with another party."""

    command: ClassVar[str] = "refer"
    caller: Party
    callee: Party
    options: ReferOption | None = None


@dataclass(frozen=True, slots=True)
class Mute(Record):
    """Silence a track; all of them when none is named."""

    command: ClassVar[str] = "mute"
    track_id: Name | None = None


@dataclass(frozen=True, slots=True)
class Unmute(Record):
    """Let a muted track be heard; all of them when none is named."""

    command: ClassVar[str] = "unmute"
    track_id: Name | None = None


@dataclass(frozen=True, slots=True)
class AddIceCandidate(Record):
    """Tell of another address of the browser."""

    command: ClassVar[str] = "addIceCandidate"
    candidate: Prose
    """Empty when there are no more."""
    sdp_mid: Name | None = None
    sdp_m_line_index: Annotated[
        Count | None, Keys("sdpMLineIndex", "sdpMlineIndex", "sdpmLineIndex")
    ] = None


@dataclass(frozen=True, slots=True)
class SendDigits(Record):
    """Press keys, so that the far end hears them: an extension of the protocol.

    ``{"command":"dtmf","digits":"12#","durationMs":100,"gapMs":60}``
    """

    command: ClassVar[str] = "dtmf"
    digits: Digits = field(repr=False)
    """One after the other."""
    duration_ms: KeyMillis = 100
    """How long each is held down."""
    gap_ms: PauseMillis = 60
    """Between two."""


@dataclass(frozen=True, slots=True)
class Message(Record):
    """Say something in writing to the other session of a bridge."""

    command: ClassVar[str] = "message"
    body: Prose
    content_type: Name | None = None
    headers: Headers | None = None
    refer: bool = False


@dataclass(frozen=True, slots=True)
class History(Record):
    """Add a line to the conversation; it comes back as an event."""

    command: ClassVar[str] = "history"
    speaker: Name
    text: Prose


@dataclass(frozen=True, slots=True)
class Custom(Record):
    """Tell all who listen to the session something of the application's own."""

    command: ClassVar[str] = "custom"
    data: Anything
    sender: Name | None = None


@dataclass(frozen=True, slots=True)
class Bridge(Record):
    """Let two sessions hear each other."""

    command: ClassVar[str] = "bridge"
    target_session_id: SessionId


@dataclass(frozen=True, slots=True)
class Unbridge(Record):
    """Part two bridged sessions."""

    command: ClassVar[str] = "unbridge"
    target_session_id: SessionId


Command = (
    Invite
    | Accept
    | Reject
    | Ring
    | Tts
    | Play
    | Interrupt
    | Pause
    | Resume
    | Hangup
    | Refer
    | Mute
    | Unmute
    | AddIceCandidate
    | SendDigits
    | Message
    | History
    | Custom
    | Bridge
    | Unbridge
)
