"""When the audio of a call begins, and how much of it is heard."""

from dataclasses import replace

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio.denoising import DELAY_MS
from mediaworker.session.answering_machine import AnsweringMachine
from mediaworker.session.capabilities import RATES
from mediaworker.session.effects import Connect, Listen
from mediaworker.session.hearing import Hearing
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.plan import Plan
from mediaworker.session.remarks import Remarks
from mediaworker.session.transcripts import Transcripts
from mediaworker.session.turn_ends import TurnEnds
from mediaworker.session.turns import Gate
from mediaworker.session.utterances import Utterances
from mediaworker.speech.providers.names import listener_of


def connect(call: Call, codec: Codec, now: float, *, detects_keys: bool) -> None:
    """Audio can go both ways from now on; before the answer, or with it."""
    call.open_media(RATES[codec])
    heard = call.heard = _treated(call, _listening(call, now))
    call.outbox.ask(
        Connect(
            codec,
            heard.vad,
            heard.transcribes,
            heard.language,
            detects_keys,
            remote=heard.remote,
            treatment=heard.treatment,
            subscribes=heard.subscribes,
            judges=heard.judges,
            seeks_beeps=heard.seeks_beeps,
        )
    )


def listen(call: Call, now: float) -> None:
    """Hear what is wanted by now, where audio goes already."""
    if call.player is None:
        return
    heard = _treated(call, _listening(call, now))
    if heard != call.heard:
        call.heard = heard
        call.outbox.ask(heard)


def _treated(call: Call, heard: Listen) -> Listen:
    """With what is done to the audio, whoever hears it."""
    planned = call.plan
    if planned is None:
        return heard
    return replace(heard, treatment=planned.treatment, subscribes=planned.subscribes)


def _listening(call: Call, now: float) -> Listen:
    """What is wanted of the caller's audio in this phase; the ears for it are there."""
    planned = call.plan
    if planned is None or planned.gate is None:
        return Listen(None, False)
    hearing = call.hearing
    if hearing is None:
        gate = Gate(planned.gate, call.rules.hysteresis)
        hearing = call.hearing = Hearing(
            call.outbox,
            call.attention,
            gate,
            tells_turns=planned.tells_turns,
            delay_ms=DELAY_MS if planned.treatment.denoises else 0,
        )
    asr = planned.asr
    if asr is not None and asr.start_when_answer and call.phase is not Phase.LIVE:
        return Listen(planned.detector, False)
    heard = _recognizing(call, planned, hearing, now)
    return _hinting(call, planned, hearing, heard, now)


def _recognizing(call: Call, planned: Plan, hearing: Hearing, now: float) -> Listen:
    asr = planned.asr
    if asr is None:
        return Listen(planned.detector, False)
    if listener_of(asr.provider) is not None:
        if hearing.remarks is None:
            remarks = Remarks(call.outbox, _transcripts(call, planned, hearing))
            hearing.take_remarks(remarks, now)
        return Listen(planned.detector, True, asr.language, remote=asr)
    if hearing.utterances is None:
        hearing.recognize(_recognizer(call, planned, hearing), now)
    return Listen(planned.detector, True, asr.language)


def _hinting(
    call: Call, planned: Plan, hearing: Hearing, heard: Listen, now: float
) -> Listen:
    """With what is guessed of the caller: has he finished, is it a machine."""
    terms = planned.turn_end
    if terms is not None and hearing.ends is None:
        ends = TurnEnds(call.outbox, call.alarms, call.rules, terms)
        hearing.judge_turns(ends)
        if hearing.utterances is not None:
            ends.hold(hearing.utterances)
    seeks_machine = planned.seeks_machine and call.is_placed
    if seeks_machine and hearing.machine is None and call.phase is Phase.LIVE:
        hearing.seek_machine(AnsweringMachine(call.outbox, call.rules, now), now)
    return replace(
        heard,
        transcribes=heard.transcribes or terms is not None or seeks_machine,
        judges=terms is not None,
        seeks_beeps=seeks_machine,
    )


def _transcripts(call: Call, planned: Plan, hearing: Hearing) -> Transcripts:
    language = planned.asr.language if planned.asr is not None else None
    return Transcripts(call.outbox, call.attention, language, hearing.note)


def _recognizer(call: Call, planned: Plan, hearing: Hearing) -> Utterances:
    return Utterances(
        call.outbox,
        call.alarms,
        _transcripts(call, planned, hearing),
        call.rules,
        planned.endpoint_ms,
        planned.longest_ms,
    )
