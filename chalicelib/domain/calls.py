"""The call machine: (state, command) -> a transition, ignored, or a refusal.

Rules of what may live here:
- A rule takes frozen values and ``now_ms`` and returns frozen values.
- Time passes before a command is looked at: a ring past its deadline is missed
  and a call past its maximum has failed, whoever asks, and whatever for.
- Every pair of state and command stands in `TABLE`.
- A member who was in leaves exactly once per join; ``room.finished`` is last.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain import endings
from chalicelib.domain.call import Call, Participant
from chalicelib.domain.commands import Command, Create, End, Join, Leave, Wake
from chalicelib.domain.errors import (
    CallEnded,
    CallError,
    CallExists,
    CallFull,
    CallNotFound,
    NotInvited,
    NotParticipant,
    NotPermitted,
    ParticipantBusy,
)
from chalicelib.domain.events import (
    Event,
    ParticipantInvited,
    ParticipantJoined,
    RoomStarted,
    Told,
)
from chalicelib.protocol.vocabulary import CallState, EndReason, ParticipantState


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command comes to: the call as it is then, and what is told of it."""

    call: Call | None
    """None when there is no call to speak of."""
    events: tuple[Told, ...] = ()
    refusal: CallError | None = None
    """Why the command itself was refused; the passing of time stands all the same."""
    has_changed: bool = False
    """There is something to store."""


Moved = tuple[Call, tuple[Event, ...]]
Rule = Callable[[Call, Any, int], Moved]


def handle(call: Call | None, command: Command, now_ms: int) -> Decision:
    """Decide a command on a call, or on None where no call of the id is known.

    ``now_ms`` never goes back: a clock behind the call's last change counts as it.
    """
    if call is None:
        return _handle_none(command, now_ms)
    now_ms = max(now_ms, call.updated_at_ms)
    later, events = endings.expire(call, now_ms)
    refusal = None
    try:
        rule = TABLE[later.state, type(command)]
        later, caused = rule(later, command, now_ms)
        events = (*events, *caused)
    except CallError as error:
        refusal = error
    if later == call:
        return Decision(call, refusal=refusal)
    return _told(replace(later, version=call.version + 1), events, now_ms, refusal)


def _handle_none(command: Command, now_ms: int) -> Decision:
    if not isinstance(command, Create):
        return Decision(None, refusal=CallNotFound())
    try:
        call, events = _create(command, now_ms)
    except CallError as error:
        return Decision(None, refusal=error)
    busy = sorted(command.busy_uids)
    refusal = None if call.is_live else ParticipantBusy(busy[0])
    return _told(call, events, now_ms, refusal)


def _told(
    call: Call, events: tuple[Event, ...], now_ms: int, refusal: CallError | None
) -> Decision:
    told = tuple(
        Told(call.next_seq + place, now_ms, event) for place, event in enumerate(events)
    )
    call = replace(call, next_seq=call.next_seq + len(told), updated_at_ms=now_ms)
    return Decision(call, told, refusal, has_changed=True)


def _create(command: Create, now_ms: int) -> Moved:
    invitees = [
        uid for uid in dict.fromkeys(command.invitees) if uid != command.creator
    ]
    if 1 + len(invitees) > command.max_participants:
        raise CallFull(command.call_id)
    creator = Participant(command.creator, ParticipantState.INVITED, now_ms)
    ringing = Participant(
        "",
        ParticipantState.INVITED,
        now_ms,
        deadline_at_ms=now_ms + command.ring_seconds * 1000,
    )
    members = [replace(ringing, uid=uid) for uid in invitees]
    call = Call(
        tenant=command.tenant,
        id=command.call_id,
        trace_id=command.trace_id,
        room_number=command.room_number,
        dialect=command.dialect,
        provider=command.provider,
        media_type=command.media_type,
        creator=command.creator,
        is_invite_only=command.is_invite_only,
        max_participants=command.max_participants,
        ring_seconds=command.ring_seconds,
        participants=(creator, *members),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        expires_at_ms=now_ms + command.max_call_seconds * 1000,
    )
    return _ring(call, [uid for uid in invitees if uid in command.busy_uids], now_ms)


def _ring(call: Call, busy: list[str], now_ms: int) -> Moved:
    """Who is busy is not rung; if that leaves nobody, the call has ended."""
    ringing = tuple(m.uid for m in call.participants if m.is_ringing)
    free = tuple(uid for uid in ringing if uid not in busy)
    if busy and (call.is_two_person or not free):
        return endings.refused_busy(call, now_ms), ()
    for uid in busy:
        member = call.participant(uid)
        assert member is not None
        call = call.with_participant(member.leaving(EndReason.BUSY, now_ms))
    return call, (ParticipantInvited(free),) if free else ()


def _join(call: Call, command: Join, now_ms: int) -> Moved:
    member = call.participant(command.uid)
    if member is not None and member.state is ParticipantState.JOINED:
        # A second device, or the same request again: it is in already.
        device_type = command.device_type or member.device_type
        return call.with_participant(replace(member, device_type=device_type)), ()
    active = sum(other.is_active for other in call.others(command.uid))
    if active >= call.max_participants:
        raise CallFull(call.id)
    if call.is_invite_only and not _may_come(member):
        raise NotInvited(call.id)
    invited_at_ms = now_ms if member is None else member.invited_at_ms
    joined = Participant(
        command.uid,
        ParticipantState.JOINED,
        invited_at_ms,
        device_type=command.device_type,
        joined_at_ms=now_ms,
    )
    events: tuple[Event, ...] = (ParticipantJoined(joined.uid, joined.device_type),)
    if call.started_at_ms is None:
        call = replace(call, started_at_ms=now_ms)
        events = (RoomStarted(), *events)
    if command.uid != call.creator:
        call = replace(call, state=CallState.ACTIVE)
    return _talking(call.with_participant(joined), now_ms), events


def _may_come(member: Participant | None) -> bool:
    """Into a call for the invited: who is, and who was in and dropped out."""
    return member is not None and member.end_reason in (None, EndReason.HANGUP)


def _talking(call: Call, now_ms: int) -> Call:
    joined = sum(m.state is ParticipantState.JOINED for m in call.participants)
    if joined < 2 or call.talk_started_at_ms is not None:
        return call
    return replace(call, talk_started_at_ms=now_ms)


def _leave(call: Call, command: Leave, now_ms: int) -> Moved:
    member = call.participant(command.uid)
    if member is None:
        raise NotParticipant(command.uid)
    if not member.is_active:
        return call, ()
    return endings.leave(call, member, now_ms)


def _end(call: Call, command: End, now_ms: int) -> Moved:
    if command.uid not in (None, call.creator):
        raise NotPermitted(call.id)
    return endings.close(call, command.uid, now_ms)


def _exists(call: Call, command: Create, now_ms: int) -> Moved:
    raise CallExists(call.id)


def _ended(call: Call, command: Join, now_ms: int) -> Moved:
    raise CallEnded(call.id)


def _ignored(call: Call, command: Command, now_ms: int) -> Moved:
    return call, ()


TABLE: dict[tuple[CallState, type[Command]], Rule] = {
    (CallState.WAITING, Create): _exists,
    (CallState.WAITING, Join): _join,
    (CallState.WAITING, Leave): _leave,
    (CallState.WAITING, End): _end,
    (CallState.WAITING, Wake): _ignored,
    (CallState.ACTIVE, Create): _exists,
    (CallState.ACTIVE, Join): _join,
    (CallState.ACTIVE, Leave): _leave,
    (CallState.ACTIVE, End): _end,
    (CallState.ACTIVE, Wake): _ignored,
    (CallState.ENDED, Create): _exists,
    (CallState.ENDED, Join): _ended,
    (CallState.ENDED, Leave): _ignored,
    (CallState.ENDED, End): _ignored,
    (CallState.ENDED, Wake): _ignored,
}
"""What each command does to a live call of each state. `_ignored` is an answer:
time has passed, and nothing else is left to do."""
