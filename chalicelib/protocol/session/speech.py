"""What can be asked of hearing and of speaking."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Self

from chalicelib.protocol.session.fields import (
    Anything,
    Millis,
    Name,
    PrivateExtra,
    SampleRate,
    Seconds,
    Secret,
    Share,
    ShortMillis,
    Size,
    Speed,
    Tasks,
    Things,
    Url,
    Volume,
)
from chalicelib.protocol.session.records import Keys, Record, entries_of
from chalicelib.protocol.session.vocabulary import VadType

SecretKey = Annotated[Secret | None, Keys("secretKey", "apiKey")]


@dataclass(frozen=True, slots=True)
class VadOption(Record):
    """How speech is told from silence."""

    type: Name = VadType.SILERO.value
    """Any word: one that nobody knows is an error event, not a bad command."""
    samplerate: SampleRate = 16_000
    speech_padding: ShortMillis = 250
    """Speech is told once it has lasted this long."""
    silence_padding: ShortMillis = 100
    """Silence is told once it has lasted this long."""
    ratio: Share = 0.5
    """The share of voiced windows within the speech padding."""
    voice_threshold: Share = 0.5
    max_buffer_duration_secs: Seconds = 50
    silence_timeout: ShortMillis | None = None
    """Silence is told again each time that it has lasted this much longer."""
    endpoint: Url | None = None
    secret_key: SecretKey = field(default=None, repr=False)
    secret_id: Secret | None = field(default=None, repr=False)

    @property
    def known_type(self) -> VadType | None:
        """None for a type that nobody knows."""
        return next((known for known in VadType if known == self.type.lower()), None)


@dataclass(frozen=True, slots=True)
class TranscriptionOption(Record):
    """How speech becomes text."""

    provider: Name | None = None
    language: Name | None = None
    app_id: Secret | None = field(default=None, repr=False)
    secret_id: Secret | None = field(default=None, repr=False)
    secret_key: SecretKey = field(default=None, repr=False)
    model_type: Annotated[Name | None, Keys("modelType", "model")] = None
    buffer_size: Size | None = None
    samplerate: SampleRate = 16_000
    endpoint: Url | None = None
    extra: PrivateExtra | None = field(default=None, repr=False)
    start_when_answer: bool = False
    """Hear nothing until the call is answered."""


@dataclass(frozen=True, slots=True)
class SynthesisOption(Record):
    """How text becomes speech; what is None is left to the call, then `DEFAULTS`."""

    provider: Name | None = None
    speaker: Name | None = None
    volume: Volume | None = None
    speed: Speed | None = None
    samplerate: SampleRate | None = None
    app_id: Secret | None = field(default=None, repr=False)
    secret_id: Secret | None = field(default=None, repr=False)
    secret_key: SecretKey = field(default=None, repr=False)
    codec: Name | None = None
    subtitle: bool | None = None
    endpoint: Url | None = None
    extra: PrivateExtra | None = field(default=None, repr=False)
    max_concurrent_tasks: Tasks | None = None
    emotion: Name | None = None
    language: Name | None = None
    model: Annotated[Name | None, Keys("model", "voice")] = None

    def over(self, base: "SynthesisOption") -> Self:
        """This option, with what it leaves open taken from ``base``."""
        names = [entry.attribute for entry in entries_of(SynthesisOption)]
        missing = [name for name in names if getattr(self, name) is None]
        return replace(self, **{name: getattr(base, name) for name in missing})


DEFAULTS = SynthesisOption(
    volume=5, speed=1.0, samplerate=16_000, subtitle=False, max_concurrent_tasks=1
)


@dataclass(frozen=True, slots=True)
class EouOption(Record):
    """How the end of an utterance is told from a pause."""

    type: Name | None = None
    endpoint: Url | None = None
    secret_key: SecretKey = field(default=None, repr=False)
    secret_id: Secret | None = field(default=None, repr=False)
    timeout: Millis | None = None
    """After which a pause is an end whatever was said."""
    extra: PrivateExtra | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RealtimeOption(Record):
    """A model that hears and speaks by itself."""

    provider: Name | None = None
    model: Name | None = None
    secret_key: SecretKey = field(default=None, repr=False)
    secret_id: Secret | None = field(default=None, repr=False)
    endpoint: Url | None = None
    turn_detection: Anything | None = None
    tools: Things | None = None
    extra: PrivateExtra | None = field(default=None, repr=False)
