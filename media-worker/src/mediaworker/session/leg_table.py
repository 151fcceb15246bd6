"""What all that a leg tells means in each phase of its call: the whole of it.

Every pair stands in `TABLE`; what is not in a phase's list means nothing in it. How
the leg ended is heard in all of them.
"""

from collections.abc import Callable
from typing import Any, get_args

from chalicelib.protocol.session.events import CandidateFound, Dtmf, MediaReady
from chalicelib.protocol.session.fields import DIGIT
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.session import incoming, media, setting_up
from mediaworker.session.capabilities import Capabilities
from mediaworker.session.ending import SYSTEM, end_of
from mediaworker.session.legs import (
    Answered,
    CallCame,
    CandidateGathered,
    Declined,
    HoldChanged,
    KeyPressed,
    LegEnded,
    LegEvent,
    LegLost,
    LegTrouble,
    MediaAgreed,
    MediaArrived,
    Rang,
)
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.texts import headers_of, line, prose

MEDIA = "media"
REQUEST_TIMEOUT = 408

Rule = Callable[[Call, Any, float], None]


def _agree(call: Call, event: MediaAgreed, now: float) -> None:
    if call.player is None:
        media.connect(call, event.codec, now, detects_keys=not event.has_keys)


def _answer(call: Call, event: Answered, now: float) -> None:
    call.story.headers = headers_of(event.headers)
    setting_up.answer(call, event.sdp, now)


def _arrive(call: Call, event: MediaArrived, now: float) -> None:
    call.outbox.tell(MediaReady(call.identity.session_id, call.outbox.at_ms(now)))


def _gather(call: Call, event: CandidateGathered, now: float) -> None:
    session_id, at_ms = call.identity.session_id, call.outbox.at_ms(now)
    candidate, sdp_mid = prose(event.candidate), line(event.sdp_mid)
    index = event.sdp_m_line_index
    call.outbox.tell(CandidateFound(session_id, at_ms, candidate, sdp_mid, index))


def _hear_key(call: Call, event: KeyPressed, now: float) -> None:
    press(call, event.digit, now)


def press(call: Call, digit: str, now: float) -> None:
    """A key; what is none is ignored, as is who is muted."""
    digit = digit.upper()
    if call.player is None or call.is_caller_muted or not DIGIT.match(digit):
        return
    call.attention.notice(now)
    call.outbox.tell(Dtmf(call.identity.session_id, call.outbox.at_ms(now), digit))


def _hold(call: Call, event: HoldChanged, now: float) -> None:
    call.hold(event.is_on_hold, now)


def _trouble(call: Call, event: LegTrouble, now: float) -> None:
    call.outbox.fail(MEDIA, event.sentence, event.code, now)


def _decline(call: Call, event: Declined, now: float) -> None:
    call.reject(event.reason, event.code, now, end_of(event.code))


def _break(call: Call, event: Declined, now: float) -> None:
    """It was up, so that there is nothing to be rejected."""
    call.outbox.fail(MEDIA, event.reason, event.code, now)
    call.end(HangupReason.FAILED, SYSTEM, now)


def _end(call: Call, event: LegEnded, now: float) -> None:
    received = headers_of(event.headers)
    call.end(event.reason, event.initiator, now, received=received)


def _lose(call: Call, event: LegLost, now: float) -> None:
    call.outbox.fail(MEDIA, event.sentence, REQUEST_TIMEOUT, now)
    call.end(HangupReason.FAILED, SYSTEM, now)


def _ignored(call: Call, event: LegEvent, now: float) -> None:
    """It comes too late, or too early, to mean anything."""


ALWAYS: dict[type[LegEvent], Rule] = {
    LegTrouble: _trouble,
    Declined: _decline,
    LegEnded: _end,
    LegLost: _lose,
}
HEARD: dict[type[LegEvent], Rule] = {
    MediaAgreed: _agree,
    MediaArrived: _arrive,
    KeyPressed: _hear_key,
}

PHASES: dict[Phase, dict[type[LegEvent], Rule]] = {
    Phase.WAITING: {**ALWAYS, CallCame: incoming.come},
    Phase.INCOMING: {**ALWAYS, **HEARD, MediaAgreed: incoming.agree},
    Phase.SETTING_UP: {
        **ALWAYS,
        **HEARD,
        Rang: setting_up.ring,
        Answered: _answer,
        CandidateGathered: _gather,
    },
    Phase.LIVE: {
        **ALWAYS,
        **HEARD,
        Declined: _break,
        CandidateGathered: _gather,
        HoldChanged: _hold,
    },
    Phase.OVER: {},
}

TABLE: dict[tuple[Phase, type[LegEvent]], Rule] = {
    (phase, event): PHASES[phase].get(event, _ignored)
    for phase in Phase
    for event in get_args(LegEvent)
}


def meaning(phase: Phase, event: LegEvent, can: Capabilities) -> Rule:
    """What is to be done about it; a leg of another kind would not say it."""
    return TABLE[phase, type(event)] if type(event) in can.leg_events else _ignored
