"""How a call ends: by a member's leaving, by its creator, by time."""

from collections.abc import Iterable
from dataclasses import replace

from chalicelib.domain.call import TWO_PERSON, Call, Participant
from chalicelib.domain.events import (
    Event,
    ParticipantCancelled,
    ParticipantLeft,
    ParticipantMissed,
    ParticipantRejected,
    RoomFinished,
)
from chalicelib.protocol.vocabulary import (
    CallState,
    EndReason,
    Initiator,
    ParticipantState,
)

NEVER_ANSWERED = (
    EndReason.MISSED,
    EndReason.BUSY,
    EndReason.CANCELLED,
    EndReason.REJECTED,
)
"""Why a call that nobody answered ended: the first that happened to a member."""

Moved = tuple[Call, tuple[Event, ...]]


def leave(call: Call, member: Participant, now_ms: int) -> Moved:
    """An active member goes: a hang-up, a rejection or the call's cancellation."""
    is_creator = member.uid == call.creator
    if is_creator and _is_unanswered(call):
        return finish(call, EndReason.CANCELLED, member.uid, now_ms)
    if call.is_two_person:
        is_joined = member.state is ParticipantState.JOINED
        reason = EndReason.HANGUP if is_joined else EndReason.REJECTED
        return finish(call, reason, member.uid, now_ms)
    return _leave_group(call, member, now_ms)


def _is_unanswered(call: Call) -> bool:
    """The creator's going is a cancellation, not a hang-up.

    In a two-person call so it is until both are in; in a group until anybody
    else ever was.
    """
    if call.is_two_person:
        joined = [m for m in call.participants if m.state is ParticipantState.JOINED]
        return len(joined) < TWO_PERSON
    return not any(other.has_joined for other in call.others(call.creator))


def _leave_group(call: Call, member: Participant, now_ms: int) -> Moved:
    told: Event
    if member.state is ParticipantState.JOINED:
        gone, told = (
            member.leaving(EndReason.HANGUP, now_ms),
            ParticipantLeft(member.uid),
        )
    else:
        gone, told = (
            member.leaving(EndReason.REJECTED, now_ms),
            ParticipantRejected(member.uid),
        )
    call, finished = _finish_if_empty(
        call.with_participant(gone), _initiator(call, member.uid), now_ms
    )
    return call, (told, *finished)


def reject(call: Call, member: Participant, reason: EndReason, now_ms: int) -> Moved:
    """Who is being rung declines, or is busy elsewhere."""
    if call.is_two_person:
        return finish(call, reason, member.uid, now_ms)
    call, finished = _finish_if_empty(
        call.with_participant(member.leaving(reason, now_ms)),
        Initiator.CALLEE,
        now_ms,
    )
    return call, (ParticipantRejected(member.uid), *finished)


def kick(call: Call, member: Participant, now_ms: int) -> Moved:
    """A member is made to go; in a two-person call that ends it."""
    was_in = member.state is ParticipantState.JOINED
    reason = EndReason.HANGUP if was_in else EndReason.CANCELLED
    if call.is_two_person:
        return finish(call, reason, call.creator, now_ms)
    told: Event = (
        ParticipantLeft(member.uid) if was_in else ParticipantCancelled(member.uid)
    )
    call, finished = _finish_if_empty(
        call.with_participant(member.leaving(reason, now_ms)),
        Initiator.CALLER,
        now_ms,
    )
    return call, (told, *finished)


def close(call: Call, uid: str | None, now_ms: int) -> Moved:
    """The creator, or the system, ends it for everybody."""
    is_active = call.state is CallState.ACTIVE
    reason = EndReason.HANGUP if is_active else EndReason.CANCELLED
    return finish(call, reason, uid, now_ms)


def refused_busy(call: Call, now_ms: int) -> Call:
    """A call that never rang, since who was to be rung is in another."""
    members = tuple(m.leaving(EndReason.BUSY, now_ms) for m in call.participants)
    return _ended(
        replace(call, participants=members), EndReason.BUSY, Initiator.CALLEE, now_ms
    )


def expire(call: Call, now_ms: int) -> Moved:
    """What time alone has done to the call by now; again, and it does no more."""
    if not call.is_live:
        return call, ()
    if now_ms >= call.expires_at_ms:
        return finish(call, EndReason.FAILED, None, now_ms)
    missed = [m for m in call.participants if _is_overdue(m, now_ms)]
    if not missed:
        return call, ()
    for member in missed:
        call = call.with_participant(member.leaving(EndReason.MISSED, now_ms))
    events = tuple(ParticipantMissed(member.uid) for member in missed)
    if call.state is CallState.WAITING and not _is_ringing(call):
        call, finished = finish(call, EndReason.MISSED, None, now_ms)
    else:
        call, finished = _finish_if_empty(call, Initiator.SYSTEM, now_ms)
    return call, (*events, *finished)


def _is_overdue(member: Participant, now_ms: int) -> bool:
    return member.deadline_at_ms is not None and now_ms >= member.deadline_at_ms


def _is_ringing(call: Call) -> bool:
    return any(member.is_ringing for member in call.participants)


def _finish_if_empty(call: Call, initiator: Initiator, now_ms: int) -> Moved:
    """Nobody in and nobody ringing: a creator who never came does not hold it."""
    if _is_ringing(call) or any(
        m.state is ParticipantState.JOINED for m in call.participants
    ):
        return call, ()
    reason = _reason_of(call)
    call = _dismiss(call, reason, now_ms)
    return _ended(call, reason, initiator, now_ms), (RoomFinished(),)


def _reason_of(call: Call) -> EndReason:
    if call.state is CallState.ACTIVE:
        return EndReason.HANGUP
    reasons = {member.end_reason for member in call.participants}
    return next((r for r in NEVER_ANSWERED if r in reasons), EndReason.CANCELLED)


def finish(call: Call, reason: EndReason, uid: str | None, now_ms: int) -> Moved:
    """End it for all; ``uid`` is whose doing it is, None for time's."""
    initiator = Initiator.SYSTEM if uid is None else _initiator(call, uid)
    events: list[Event] = []
    if reason is EndReason.CANCELLED:
        events.append(ParticipantCancelled(call.creator))
    if reason in (EndReason.REJECTED, EndReason.BUSY) and uid is not None:
        events.append(ParticipantRejected(uid))
    joined = [m.uid for m in call.participants if m.state is ParticipantState.JOINED]
    events += (ParticipantLeft(left) for left in _first(uid, joined))
    call = _dismiss(call, reason, now_ms)
    return _ended(call, reason, initiator, now_ms), (*events, RoomFinished())


def _dismiss(call: Call, reason: EndReason, now_ms: int) -> Call:
    """Every member still active is gone; time does not make the talking missed."""
    for member in call.participants:
        if not member.is_active:
            continue
        was_in = member.state is ParticipantState.JOINED
        own = EndReason.HANGUP if was_in and reason is EndReason.MISSED else reason
        call = call.with_participant(member.leaving(own, now_ms))
    return call


def _ended(call: Call, reason: EndReason, initiator: Initiator, now_ms: int) -> Call:
    return replace(
        call,
        state=CallState.ENDED,
        ended_at_ms=now_ms,
        end_reason=reason,
        initiator=initiator,
    )


def _initiator(call: Call, uid: str) -> Initiator:
    return Initiator.CALLER if uid == call.creator else Initiator.CALLEE


def _first(uid: str | None, uids: Iterable[str]) -> list[str]:
    return sorted(uids, key=lambda other: other != uid)
