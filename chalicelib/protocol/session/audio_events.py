"""What a session tells of its audio: what is heard, said and played."""

from dataclasses import dataclass, field
from typing import ClassVar

from chalicelib.protocol.session.call_events import OfTrack
from chalicelib.protocol.session.fields import (
    Audio,
    Count,
    Digit,
    Millis,
    Name,
    PlayId,
    Prose,
    Share,
    Timestamp,
)


@dataclass(frozen=True, slots=True)
class Speaking(OfTrack):
    """Fired when speech has lasted for the padding."""

    event: ClassVar[str] = "speaking"
    start_time: Timestamp
    is_filler: bool | None = None
    confidence: Share | None = None
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class Silence(OfTrack):
    """Fired when silence has lasted for the padding, a timeout, or a wait for input."""

    event: ClassVar[str] = "silence"
    start_time: Timestamp
    """When the silence began."""
    duration: Millis
    """How long it has lasted."""
    speech_start_time: Timestamp | None = None
    """When the speech before it began."""
    speech_end_time: Timestamp | None = None
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class EndOfUtterance(OfTrack):
    """Fired when it is clear whether the speaker has finished."""

    event: ClassVar[str] = "eou"
    completed: bool
    interrupt_point: Prose | None = None
    text: Prose | None = None
    """What was heard of the turn so far."""
    refer: bool | None = None
    complete: bool | None = None
    """The same as ``completed``, which some clients call so."""


@dataclass(frozen=True, slots=True)
class Inactivity(OfTrack):
    """Fired when nobody has been heard for so long that the call ends."""

    event: ClassVar[str] = "inactivity"


@dataclass(frozen=True, slots=True)
class Transcript(OfTrack):
    """What was heard, as text."""

    index: Count
    text: Prose
    start_time: Timestamp | None = None
    end_time: Timestamp | None = None
    is_filler: bool | None = None
    confidence: Share | None = None
    task_id: Name | None = None
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class AsrFinal(Transcript):
    """Fired when the text of an utterance is settled."""

    event: ClassVar[str] = "asrFinal"


@dataclass(frozen=True, slots=True)
class AsrDelta(Transcript):
    """Fired when the text of an utterance begins or changes."""

    event: ClassVar[str] = "asrDelta"


@dataclass(frozen=True, slots=True)
class TrackStarted(OfTrack):
    """Fired when a track begins to carry audio."""

    event: ClassVar[str] = "trackStart"
    play_id: PlayId | None = None


@dataclass(frozen=True, slots=True)
class TrackEnded(OfTrack):
    """Fired when a track carries no more audio."""

    event: ClassVar[str] = "trackEnd"
    duration: Millis
    ssrc: Count
    play_id: PlayId | None = None


@dataclass(frozen=True, slots=True)
class Interrupted(OfTrack):
    """Fired when a text was stopped before its end."""

    event: ClassVar[str] = "interruption"
    total_duration: Millis
    """Of the audio that the text had become."""
    current: Millis
    """How much of it was played."""
    play_id: PlayId | None = None
    subtitle: Prose | None = None
    position: Count | None = None
    """The word of the subtitle at which it stopped."""


@dataclass(frozen=True, slots=True)
class Dtmf(OfTrack):
    """Fired when a key is pressed."""

    event: ClassVar[str] = "dtmf"
    digit: Digit = field(repr=False)
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class AudioSent(OfTrack):
    """Fired for audio, where the socket cannot carry it as bytes."""

    event: ClassVar[str] = "binary"
    data: Audio = field(repr=False)
