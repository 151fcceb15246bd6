"""What becomes of a call when the time of each of its alarms has come."""

from collections.abc import Callable

from chalicelib.protocol.session import instants
from chalicelib.protocol.session.events import Ping
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.session import incoming
from mediaworker.session.alarms import Alarm
from mediaworker.session.ending import SESSION, SYSTEM
from mediaworker.session.lifecycle import Call, Phase

REQUEST_TIMEOUT = 408

Rule = Callable[[Call, float], None]


def begin_pings(call: Call, now: float) -> None:
    """If the application asked for them."""
    if call.query.ping_seconds:
        call.alarms.set(Alarm.PING, now + call.query.ping_seconds)


def _ping(call: Call, now: float) -> None:
    at_ms = call.outbox.at_ms(now)
    call.outbox.tell(Ping(at_ms, instants.render(at_ms)))
    begin_pings(call, now)


def _miss_invite(call: Call, now: float) -> None:
    if call.phase is Phase.INCOMING:
        sentence = "the call was not accepted in time"
        call.outbox.fail(SESSION, sentence, REQUEST_TIMEOUT, now)
        incoming.miss(call, now)
    else:
        call.outbox.fail(SESSION, "no invite came", REQUEST_TIMEOUT, now)
        call.end(HangupReason.NO_ANSWER, SYSTEM, now)


def _tell_silence(call: Call, now: float) -> None:
    call.attention.tell_silence(now)


def _give_up(call: Call, now: float) -> None:
    call.attention.tell_inactivity(now)
    call.end(HangupReason.INACTIVITY_TIMEOUT, SYSTEM, now)


def _miss_text(call: Call, now: float) -> None:
    utterances = call.utterances
    assert utterances is not None
    utterances.give_up(now)


def _end_turn(call: Call, now: float) -> None:
    hearing = call.hearing
    assert hearing is not None and hearing.ends is not None
    hearing.ends.finish(now)


def _miss_audio(call: Call, now: float) -> None:
    call.playing.give_up_audio(now)


def _close_stream(call: Call, now: float) -> None:
    call.playing.close_stream(now)


def _flush(call: Call, now: float) -> None:
    call.playing.flush(now)


TABLE: dict[Alarm, Rule] = {
    Alarm.PING: _ping,
    Alarm.INVITE: _miss_invite,
    Alarm.INPUT: _tell_silence,
    Alarm.INACTIVITY: _give_up,
    Alarm.TEXT: _miss_text,
    Alarm.TURN: _end_turn,
    Alarm.STARVED: _miss_audio,
    Alarm.IDLE: _close_stream,
    Alarm.FLUSH: _flush,
}
