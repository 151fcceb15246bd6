"""What can be asked of a call besides hearing and speaking."""

from dataclasses import dataclass, field
from typing import Annotated

from chalicelib.protocol.session.fields import (
    Count,
    Decibels,
    Extra,
    Handshake,
    HeaderNames,
    Level,
    Name,
    Party,
    Path,
    PrivateHeaders,
    SampleRate,
    Sdp,
    Seconds,
    Secret,
    SessionId,
    Share,
    ShortMillis,
    Size,
    Url,
)
from chalicelib.protocol.session.records import Keys, Record
from chalicelib.protocol.session.speech import (
    EouOption,
    RealtimeOption,
    SynthesisOption,
    TranscriptionOption,
    VadOption,
)
from chalicelib.protocol.session.vocabulary import Codec


@dataclass(frozen=True, slots=True)
class RecorderOption(Record):
    """Where and how a call is recorded."""

    recorder_file: Path
    """Within the recordings folder; empty for the session's id."""
    samplerate: SampleRate = 16_000
    ptime: ShortMillis = 200
    format: Name | None = None


@dataclass(frozen=True, slots=True)
class MediaPassOption(Record):
    """A WebSocket service that takes over all audio."""

    url: Url
    input_sample_rate: SampleRate
    """Of the audio that the service sends."""
    output_sample_rate: SampleRate
    """Of the audio that the service is sent."""
    packet_size: Size = 2_560
    """In bytes."""
    ptime: ShortMillis | None = None
    """Play what the service sends in frames of this length."""


@dataclass(frozen=True, slots=True)
class SipOption(Record):
    """The account and the headers of a SIP call."""

    username: Name | None = None
    password: Secret | None = field(default=None, repr=False)
    realm: Name | None = None
    contact: Party | None = None
    headers: PrivateHeaders | None = field(default=None, repr=False)
    hangup_headers: Annotated[
        PrivateHeaders | None, Keys("hangupHeaders", "hangup_headers")
    ] = field(default=None, repr=False)
    """Sent with the BYE."""
    extract_headers: Annotated[
        HeaderNames | None, Keys("extractHeaders", "extract_headers")
    ] = None
    """Whose values the application wants to be told."""
    enable_srtp: Annotated[bool | None, Keys("enableSrtp", "enable_srtp")] = None


@dataclass(frozen=True, slots=True)
class AgcOption(Record):
    """How loudness is evened out; None leaves it to the processor."""

    headroom_db: Decibels | None = None
    max_gain_db: Decibels | None = None
    initial_gain_db: Decibels | None = None
    max_gain_change_db_per_second: Decibels | None = None
    max_output_noise_level_dbfs: Decibels | None = None
    adjacent_speech_frames_threshold: Count | None = None
    enable_limiter: bool = True


@dataclass(frozen=True, slots=True)
class AmbianceOption(Record):
    """A sound in the background of what the application says."""

    path: Path | None = None
    duck_level: Level | None = None
    """How loud it is while there is speech."""
    normal_level: Level | None = None
    transition_speed: Level | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class RingbackDetectionOption(Record):
    """How the far end's tones and voices are told apart before the answer."""

    enabled: bool | None = None
    min_buffer_secs: Seconds | None = None
    detection_interval_secs: Seconds | None = None
    confidence_threshold: Share | None = None
    on_state_change_only: bool | None = None


@dataclass(frozen=True, slots=True)
class ReferOption(Record):
    """How a call is transferred."""

    denoise: bool = False
    timeout: Seconds | None = None
    moh: Url | None = None
    """Music on hold."""
    asr: TranscriptionOption | None = None
    auto_hangup: bool = False
    sip: SipOption | None = None
    agc: AgcOption | None = None
    vad: VadOption | None = None
    call_id: SessionId | None = None
    """The Call-ID of the transferred leg."""
    pause_parent_asr: bool = False
    forward_dtmf: bool = True


@dataclass(frozen=True, slots=True)
class CallOption(Record):
    """All that an invite or an accept can ask for."""

    denoise: bool = False
    offer: Sdp | None = field(default=None, repr=False)
    callee: Party | None = None
    caller: Party | None = None
    codec: Codec | None = None
    """Of a WebSocket call; None for `DEFAULT_CODEC`."""
    recorder: RecorderOption | None = None
    vad: VadOption | None = None
    asr: TranscriptionOption | None = None
    tts: SynthesisOption | None = None
    media_pass: MediaPassOption | None = None
    handshake_timeout_ms: Annotated[Handshake | None, Keys("handshakeTimeout")] = None
    enable_ipv6: bool = False
    sip: SipOption | None = None
    extra: Extra | None = None
    agc: AgcOption | None = None
    inactivity_timeout: Seconds | None = None
    ambiance: AmbianceOption | None = None
    eou: EouOption | None = None
    realtime: RealtimeOption | None = None
    subscribe: bool = False
    """Send the audio of both sides to the application's socket."""
    enable_ice_lite: bool | None = None
    ringback_detection: RingbackDetectionOption | None = None
