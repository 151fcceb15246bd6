"""The words of the session protocol, with their wire spelling."""

from enum import StrEnum


class CallType(StrEnum):
    """What carries a session's audio."""

    WEBRTC = "webrtc"
    WEBSOCKET = "websocket"
    SIP = "sip"


class Codec(StrEnum):
    """How audio is encoded on a WebSocket call; elsewhere SDP negotiates it."""

    PCMU = "pcmu"
    PCMA = "pcma"
    G722 = "g722"
    PCM = "pcm"
    """16-bit little-endian samples at 16 kHz."""
    OPUS = "opus"


DEFAULT_CODEC = Codec.PCMU


class VadType(StrEnum):
    """The ways of telling speech from silence."""

    SILERO = "silero"
    WEBRTC = "webrtc"
    TEN = "ten"
    """Taken, and run by Silero."""


class HangupReason(StrEnum):
    """Why a session ended, where no command gave its own reason."""

    BY_CALLER = "byCaller"
    BY_CALLEE = "byCallee"
    BY_REFER = "byRefer"
    BY_SYSTEM = "bySystem"
    AUTOHANGUP = "autohangup"
    INACTIVITY_TIMEOUT = "inactivityTimeout"
    NO_ANSWER = "noAnswer"
    NO_BALANCE = "noBalance"
    ANSWER_MACHINE = "answerMachine"
    SERVER_UNAVAILABLE = "serverUnavailable"
    CANCELED = "canceled"
    REJECTED = "rejected"
    FAILED = "failed"
