"""What a media provider reports: late, twice, in any order, or not at all.

Its words about the same facts that were told by the API add nothing; where the API
told nothing they suffice. Only ``sid``, which names one connection, orders them.
"""

from dataclasses import replace

from chalicelib.domain import arrivals, endings
from chalicelib.domain.call import LIVENESS_MS, Call
from chalicelib.domain.commands import (
    Appear,
    CloseRoom,
    Join,
    OpenRoom,
    Reconcile,
    Vanish,
)
from chalicelib.domain.errors import CallError
from chalicelib.domain.events import Event
from chalicelib.protocol.vocabulary import CallState, EndReason, ParticipantState

Moved = tuple[Call, tuple[Event, ...]]


def open_room(call: Call, command: OpenRoom, now_ms: int) -> Moved:
    """The room has begun, whoever it was that came first."""
    return arrivals.start(replace(call, room_sid=command.room_sid), now_ms)


def close_room(call: Call, command: CloseRoom, now_ms: int) -> Moved:
    """An answered call is over with its room, unless the room has another life.

    A ring goes on: whether it is answered is not the room's to say.
    """
    is_past = "" not in (call.room_sid, command.room_sid) and (
        call.room_sid != command.room_sid
    )
    if call.state is CallState.WAITING or is_past:
        return call, ()
    return endings.finish(call, EndReason.HANGUP, None, now_ms)


def appear(call: Call, command: Appear, now_ms: int) -> Moved:
    """A join, if it is not known yet; one whose end is known already is short."""
    member = call.participant(command.uid)
    has_gone = member is not None and command.sid == member.gone_sid != ""
    if has_gone and member is not None and member.state is not ParticipantState.INVITED:
        return call, ()
    call = replace(call, room_sid=command.room_sid or call.room_sid)
    call, events = arrivals.join(call, Join(command.uid, command.device_type), now_ms)
    member = call.participant(command.uid)
    assert member is not None
    if has_gone:
        call, left = endings.leave(call, member, now_ms)
        return call, (*events, *left)
    call = call.with_participant(replace(member, sid=command.sid))
    return replace(call, alive_at_ms=now_ms), events


def vanish(call: Call, command: Vanish, now_ms: int) -> Moved:
    """A leave, if it is of the connection that the member has."""
    member = call.participant(command.uid)
    if member is None or command.sid == member.gone_sid != "":
        return call, ()
    is_current = not command.sid or member.sid in ("", command.sid)
    member = replace(member, gone_sid=command.sid or member.gone_sid)
    if member.state is not ParticipantState.JOINED or not is_current:
        return call.with_participant(member), ()
    return endings.leave(call, replace(member, sid=command.sid), now_ms)


def reconcile(call: Call, command: Reconcile, now_ms: int) -> Moved:
    """Make good what the provider did not tell, or told in vain."""
    call = replace(call, checked_at_ms=now_ms)
    if command.present is None:
        return call, ()
    events: tuple[Event, ...] = ()
    for present in command.present:
        call, caused = _present(call, present, now_ms)
        events += caused
    sids = {present.sid for present in command.present}
    for member in call.participants:
        if call.is_live and member.sid and member.sid not in sids:
            call, caused = vanish(call, Vanish(member.uid, member.sid), now_ms)
            events += caused
    if command.alive_at_ms is not None:
        known_at_ms = call.alive_at_ms or call.created_at_ms
        call = replace(call, alive_at_ms=max(known_at_ms, command.alive_at_ms))
    alive_at_ms = call.alive_at_ms or call.created_at_ms
    if call.check_at_ms is not None and now_ms - alive_at_ms >= LIVENESS_MS:
        call, caused = endings.finish(call, EndReason.FAILED, None, now_ms)
        events += caused
    return call, events


def _present(call: Call, command: Appear, now_ms: int) -> Moved:
    """Whoever may not be there proves nothing; the webhook of it removes them.

    Nor does a connection whose end was told already: the list is older than that.
    """
    member = call.participant(command.uid)
    if member is not None and command.sid == member.gone_sid != "":
        return call, ()
    try:
        return appear(call, command, now_ms)
    except CallError:
        return call, ()
