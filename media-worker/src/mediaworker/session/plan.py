"""What a call will be, given what was asked for and what can be had."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from chalicelib.protocol.session.commands import Tts
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.speech import (
    DEFAULTS,
    SynthesisOption,
    TranscriptionOption,
    VadOption,
)
from chalicelib.protocol.session.vocabulary import DEFAULT_CODEC, Codec, VadType
from mediaworker.session.capabilities import Capabilities, features_asked
from mediaworker.session.effects import UNTREATED, Treatment
from mediaworker.session.refusals import Complaint, Unfitting, Unsupported
from mediaworker.session.rules import Rules
from mediaworker.session.turn_terms import (
    TurnEndTerms,
    seeks_machine,
    turn_end_terms,
)
from mediaworker.speech.providers.names import (
    EMBEDDED,
    HEARING_ENGINES,
    HEARS,
    SPEAKING_ENGINES,
    SPEAKS,
    listener_of,
)

DETECTORS = {
    VadType.SILERO: VadType.SILERO,
    VadType.WEBRTC: VadType.WEBRTC,
    VadType.TEN: VadType.SILERO,
}
"""Which detector does the work of which; the licence of ``ten`` forbids shipping it."""

Option = TypeVar("Option", TranscriptionOption, SynthesisOption)

ENDPOINT = "endpointMs"
"""In ``asr.extra``: the silence that ends an utterance."""

REMOTE = {"asr": HEARS, "tts": SPEAKS}
ENGINES = {"asr": HEARING_ENGINES, "tts": SPEAKING_ENGINES}

NOT_ANOTHERS: Mapping[str, Any] = dict.fromkeys(
    (
        *("speaker", "model", "emotion", "codec", "extra"),
        *("endpoint", "app_id", "secret_id", "secret_key"),
    )
)
"""What a call's option says to its own provider, and to no other."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A call that can be set up; the complaints say what of it could not be had."""

    gate: VadOption | None
    """None: nobody cares whether the caller speaks."""
    tells_turns: bool
    """False: the gate is for the recognizer and the inactivity alone."""
    asr: TranscriptionOption | None
    endpoint_ms: int
    longest_ms: int
    """Of an utterance."""
    tts: SynthesisOption | None
    inactivity_seconds: float | None
    complaints: tuple[Complaint, ...]
    hangup_headers: Mapping[str, str] = field(repr=False)
    """Sent with a BYE that no command has others for."""
    treatment: Treatment = UNTREATED
    subscribes: bool = False
    turn_end: TurnEndTerms | None = None
    """None: nobody wants to know whether the caller has finished."""
    seeks_machine: bool = False
    """A machine that answers a call of ours is to be told."""

    @property
    def detector(self) -> VadType:
        """The one that is used, whatever was asked for, if there is a gate."""
        asked = self.gate.known_type if self.gate else None
        return DETECTORS[asked or VadType.SILERO]


def codec_of(option: CallOption | None, query: SessionQuery) -> Codec:
    """Of a WebSocket call: the invite's, else the address's, else the default."""
    return (option and option.codec) or query.codec or DEFAULT_CODEC


def unbuilt(name: str) -> Complaint:
    """Of an option, as it is called on the wire."""
    return Complaint(name, f"{name} is not supported")


def plan(option: CallOption, can: Capabilities, rules: Rules) -> Plan:
    """What of the option can be had."""
    complaints = [
        unbuilt(name)
        for feature, name in features_asked(option).items()
        if feature not in can.features
    ]
    asr = _provided("asr", option.asr, complaints)
    turn_end = turn_end_terms(option.eou, rules, complaints)
    is_machine_sought = seeks_machine(option, complaints)
    is_heard = bool(asr or turn_end or is_machine_sought)
    hangup_headers = option.sip.hangup_headers if option.sip else None
    return Plan(
        gate=_gate(option, is_heard, rules, complaints),
        tells_turns=option.vad is not None,
        asr=asr,
        endpoint_ms=_endpoint_ms(asr, rules, complaints),
        longest_ms=_longest_ms(option.vad, rules),
        tts=_provided("tts", option.tts, complaints),
        inactivity_seconds=option.inactivity_timeout,
        complaints=tuple(complaints),
        hangup_headers=hangup_headers or {},
        treatment=Treatment(option.denoise, option.agc),
        subscribes=option.subscribe and "subscribe" in can.features,
        turn_end=turn_end,
        seeks_machine=is_machine_sought,
    )


def voice(base: SynthesisOption | None, command: Tts) -> SynthesisOption:
    """How a text is said: the command's option, over the call's, over the defaults.

    Raises `Refusal`.
    """
    given = command.option
    if given is None and base is None and not command.base64:
        raise Unfitting("no tts option available")
    given, base = given or SynthesisOption(), base or DEFAULTS
    if given.provider and _name(given) != _name(base):
        base = replace(base, **NOT_ANOTHERS)
    option = given.over(base).over(DEFAULTS)
    _check_provider("tts", option)
    return replace(option, speaker=command.speaker or option.speaker)


def _provided(
    sender: str, option: Option | None, complaints: list[Complaint]
) -> Option | None:
    if option is None:
        return None
    try:
        _check_provider(sender, option)
    except Unsupported as refusal:
        complaints.append(Complaint(sender, refusal.sentence, refusal.code))
        return None
    return option


def _check_provider(sender: str, option: TranscriptionOption | SynthesisOption) -> None:
    """None is the embedded default."""
    name = _name(option)
    if name in REMOTE[sender]:
        return
    if name not in ENGINES[sender]:
        sentence = f"the {sender} provider {option.provider} is not supported"
        raise Unsupported(sentence, sender)
    if option.endpoint is not None:
        sentence = f"the embedded {sender} has no endpoint of its own"
        raise Unsupported(sentence, sender)


def _name(option: TranscriptionOption | SynthesisOption) -> str:
    return (option.provider or EMBEDDED).lower()


def _gate(
    option: CallOption,
    is_heard: bool,
    rules: Rules,
    complaints: list[Complaint],
) -> VadOption | None:
    vad = option.vad
    if vad is None:
        is_wanted = is_heard or bool(option.inactivity_timeout)
        return VadOption(speech_padding=rules.quiet_padding_ms) if is_wanted else None
    if vad.endpoint is not None:
        sentence = "vad.endpoint is not supported: the voice is detected here"
        complaints.append(Complaint("vad", sentence))
    if vad.known_type is None:
        sentence = f"the vad type {vad.type} is not known: silero is used"
        complaints.append(Complaint("vad", sentence, Unfitting.code))
    return vad


def _endpoint_ms(
    asr: TranscriptionOption | None, rules: Rules, complaints: list[Complaint]
) -> int:
    extra = (asr.extra if asr else None) or {}
    is_ours = asr is None or listener_of(asr.provider) is None
    asked = extra.get(ENDPOINT) if is_ours else None
    if asked is None:
        return rules.endpoint_ms
    is_number = isinstance(asked, int | float) and not isinstance(asked, bool)
    if is_number and 0 <= asked <= rules.most_endpoint_ms:
        return int(asked)
    sentence = f"{ENDPOINT} must be a number from 0 to {rules.most_endpoint_ms}"
    complaints.append(Complaint("asr", sentence, Unfitting.code))
    return rules.endpoint_ms


def _longest_ms(vad: VadOption | None, rules: Rules) -> int:
    """At least a second: an utterance is no shorter than its first look."""
    if vad is None:
        return rules.utterance_ms
    buffer_ms = int(vad.max_buffer_duration_secs * 1_000)
    return min(rules.utterance_ms, max(1_000, buffer_ms))
