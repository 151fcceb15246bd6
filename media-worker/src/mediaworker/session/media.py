"""When the audio of a call begins, and how much of it is heard."""

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.session.capabilities import RATES
from mediaworker.session.effects import Connect, Listen
from mediaworker.session.hearing import Hearing
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.plan import Plan
from mediaworker.session.transcripts import Transcripts
from mediaworker.session.turns import Gate
from mediaworker.session.utterances import Utterances


def connect(call: Call, codec: Codec, now: float, *, detects_keys: bool) -> None:
    """Audio can go both ways from now on; before the answer, or with it."""
    call.open_media(RATES[codec])
    heard = call.heard = _listening(call, now)
    call.outbox.ask(
        Connect(codec, heard.vad, heard.transcribes, heard.language, detects_keys)
    )


def listen(call: Call, now: float) -> None:
    """Hear what is wanted by now, where audio goes already."""
    if call.player is None:
        return
    heard = _listening(call, now)
    if heard != call.heard:
        call.heard = heard
        call.outbox.ask(heard)


def _listening(call: Call, now: float) -> Listen:
    """What is wanted of the caller's audio in this phase; the ears for it are there."""
    planned = call.plan
    if planned is None or planned.gate is None:
        return Listen(None, False)
    hearing = call.hearing
    if hearing is None:
        gate = Gate(planned.gate, call.rules.hysteresis)
        hearing = call.hearing = Hearing(
            call.outbox, call.attention, gate, tells_turns=planned.tells_turns
        )
    asr = planned.asr
    if asr is None or (asr.start_when_answer and call.phase is not Phase.LIVE):
        return Listen(planned.detector, False)
    if hearing.utterances is None:
        hearing.recognize(_recognizer(call, planned), now)
    return Listen(planned.detector, True, asr.language)


def _recognizer(call: Call, planned: Plan) -> Utterances:
    return Utterances(
        call.outbox,
        call.alarms,
        Transcripts(call.outbox, call.attention),
        call.rules,
        planned.endpoint_ms,
        planned.longest_ms,
    )
