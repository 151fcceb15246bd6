"""How members come to a call: invited, rung again, joined."""

from dataclasses import replace

from chalicelib.domain import endings
from chalicelib.domain.call import TWO_PERSON, Call, Participant
from chalicelib.domain.commands import Answer, Create, Invite, Join
from chalicelib.domain.errors import (
    AnsweredElsewhere,
    CallFull,
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
)
from chalicelib.protocol.vocabulary import (
    CallState,
    Dialect,
    EndReason,
    ParticipantState,
)

Moved = tuple[Call, tuple[Event, ...]]


def create(command: Create, now_ms: int) -> Moved:
    """The call as it begins; one that nobody can be rung for has ended."""
    invitees = _others(command.invitees, command.creator)
    if 1 + len(invitees) > command.max_participants:
        raise CallFull(command.call_id)
    creator = Participant(
        command.creator, ParticipantState.INVITED, now_ms, device=command.device
    )
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
        participants=(creator,),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        expires_at_ms=now_ms + command.max_call_seconds * 1000,
        details=command.details,
    )
    call, free = _ring(call, invitees, command.busy_uids, now_ms)
    if len(free) < len(invitees) and (call.is_two_person or not free):
        return endings.refused_busy(call, now_ms), ()
    if call.dialect is Dialect.OPENCHAT:
        call, came = _come(call, creator, "", now_ms)
        return call, (*_invited(free), *came)
    return call, _invited(free)


def invite(call: Call, command: Invite, now_ms: int) -> Moved:
    """Who is in or rings already is passed over; who is busy is not rung."""
    by = None if command.by is None else call.participant(command.by)
    if command.by is not None and (by is None or not by.is_active):
        raise NotPermitted(call.id)
    wanted = [uid for uid in _others(command.uids, "") if not _is_active(call, uid)]
    if not wanted:
        return call, ()
    active = sum(member.is_active for member in call.participants)
    if active + len(wanted) > call.max_participants:
        raise CallFull(call.id)
    if command.busy_uids.issuperset(wanted):
        raise ParticipantBusy(wanted[0])
    call, free = _ring(call, wanted, command.busy_uids, now_ms)
    return call, _invited(free)


def join(call: Call, command: Join, now_ms: int) -> Moved:
    """A member who is in already stays so, at the device that asked last.

    Callers of dtalk do not say that they come: with the answer they are in.
    """
    member = call.participant(command.uid)
    if member is not None and member.state is ParticipantState.JOINED:
        moved = replace(
            member,
            device_type=command.device_type or member.device_type,
            device=command.device or member.device,
        )
        return call.with_participant(moved), ()
    active = sum(other.is_active for other in call.others(command.uid))
    if active >= call.max_participants:
        raise CallFull(call.id)
    if call.is_invite_only and not _may_come(member):
        raise NotInvited(call.id)
    member = member or Participant(command.uid, ParticipantState.INVITED, now_ms)
    events: tuple[Event, ...] = ()
    creator = call.participants[0]
    is_awaited = creator.state is ParticipantState.INVITED
    is_answer = command.uid != call.creator and call.state is CallState.WAITING
    if call.dialect is Dialect.DTALK and is_answer and is_awaited:
        call, events = _come(call, creator, "", now_ms)
    known = "" if member.has_joined else member.device
    member = replace(member, device=command.device or known)
    call, came = _come(call, member, command.device_type, now_ms)
    return call, (*events, *came)


def answer(call: Call, command: Answer, now_ms: int) -> Moved:
    """A join of members only, and of a caller whose call was answered."""
    member = call.participant(command.uid)
    if member is None:
        raise NotParticipant(command.uid)
    if member.state is ParticipantState.JOINED:
        if _is_elsewhere(member, command):
            raise AnsweredElsewhere(command.uid)
    elif member.uid == call.creator and call.state is CallState.WAITING:
        raise NotPermitted(call.id)
    elif not _may_come(member):
        raise NotInvited(call.id)
    return join(call, Join(command.uid, command.device_type, command.device), now_ms)


def _is_elsewhere(member: Participant, command: Answer) -> bool:
    """By the devices' own names, or else by what kind they are."""
    if "" not in (command.device, member.device):
        return command.device != member.device
    kinds = command.device_type, member.device_type
    return "" not in kinds and kinds[0] != kinds[1]


def _come(call: Call, member: Participant, device_type: str, now_ms: int) -> Moved:
    """The member is in; anybody but the creator makes the call an answered one."""
    joined = replace(
        member,
        state=ParticipantState.JOINED,
        deadline_at_ms=None,
        device_type=device_type,
        joined_at_ms=now_ms,
        left_at_ms=None,
        end_reason=None,
    )
    call, started = start(call, now_ms)
    is_answer = call.state is CallState.WAITING and joined.uid != call.creator
    if is_answer:
        call = replace(call, state=CallState.ACTIVE)
    call = replace(call.with_participant(joined), alive_at_ms=now_ms)
    told = ParticipantJoined(joined.uid, joined.device_type, joined.device, is_answer)
    return _talking(call, now_ms), (*started, told)


def start(call: Call, now_ms: int) -> Moved:
    """The room has begun; it does so once."""
    if call.started_at_ms is not None:
        return call, ()
    return replace(call, started_at_ms=now_ms), (RoomStarted(),)


def _others(uids: tuple[str, ...], creator: str) -> list[str]:
    return [uid for uid in dict.fromkeys(uids) if uid != creator]


def _is_active(call: Call, uid: str) -> bool:
    member = call.participant(uid)
    return member is not None and member.is_active


def _ring(
    call: Call, uids: list[str], busy: frozenset[str], now_ms: int
) -> tuple[Call, list[str]]:
    """Returns who rings now, besides the call."""
    deadline_at_ms = now_ms + call.ring_seconds * 1000
    for uid in uids:
        old = call.participant(uid)
        member = Participant(
            uid,
            ParticipantState.INVITED,
            now_ms,
            deadline_at_ms,
            ring_id=old.ring_id + 1 if old else 1,
            gone_sid=old.gone_sid if old else "",
        )
        if uid in busy:
            member = member.leaving(EndReason.BUSY, now_ms)
        call = call.with_participant(member)
    return call, [uid for uid in uids if uid not in busy]


def _invited(uids: list[str]) -> tuple[Event, ...]:
    return (ParticipantInvited(tuple(uids)),) if uids else ()


def _may_come(member: Participant | None) -> bool:
    """Into a call for the invited: who is, and who was in and dropped out."""
    return member is not None and member.end_reason in (None, EndReason.HANGUP)


def _talking(call: Call, now_ms: int) -> Call:
    joined = sum(m.state is ParticipantState.JOINED for m in call.participants)
    if joined < TWO_PERSON or call.talk_started_at_ms is not None:
        return call
    return replace(call, talk_started_at_ms=now_ms)
