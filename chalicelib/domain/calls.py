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

from chalicelib.domain import arrivals, endings, presence
from chalicelib.domain.call import Call, Participant
from chalicelib.domain.commands import (
    Answer,
    Appear,
    Cancel,
    CloseRoom,
    Command,
    Create,
    End,
    Invite,
    Join,
    Kick,
    Leave,
    OpenRoom,
    Reconcile,
    Reject,
    ReplyBusy,
    Vanish,
    Wake,
)
from chalicelib.domain.effects import DeleteRoom, Effect, RemoveParticipant
from chalicelib.domain.errors import (
    CallEnded,
    CallError,
    CallExists,
    CallNotFound,
    NotParticipant,
    NotPermitted,
    ParticipantBusy,
)
from chalicelib.domain.events import Event, Told
from chalicelib.protocol.vocabulary import CallState, EndReason


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command comes to: the call as it is then, and what is told of it."""

    call: Call | None
    """None when there is no call to speak of."""
    events: tuple[Told, ...] = ()
    effects: tuple[Effect, ...] = ()
    """What its provider is to be told."""
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
    decision = _told(replace(later, version=call.version + 1), events, now_ms, refusal)
    return replace(decision, effects=_effects(call, later, command))


def _handle_none(command: Command, now_ms: int) -> Decision:
    if not isinstance(command, Create):
        return Decision(None, refusal=CallNotFound())
    try:
        call, events = arrivals.create(command, now_ms)
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
    return Decision(call, told, refusal=refusal, has_changed=True)


def _effects(before: Call, after: Call, command: Command) -> tuple[Effect, ...]:
    if before.is_live and not after.is_live:
        return (DeleteRoom(),)
    if isinstance(command, Kick) and before.locked_uids != after.locked_uids:
        return (RemoveParticipant(command.uid),)
    return ()


def _member(call: Call, uid: str) -> Participant:
    member = call.participant(uid)
    if member is None:
        raise NotParticipant(uid)
    return member


def _leave(call: Call, command: Leave, now_ms: int) -> Moved:
    member = _member(call, command.uid)
    if not member.is_active:
        return call, ()
    return endings.leave(call, member, now_ms)


def _reject(call: Call, command: Reject, now_ms: int) -> Moved:
    member = _member(call, command.uid)
    if not member.is_ringing:
        return call, ()
    return endings.reject(call, member, EndReason.REJECTED, now_ms)


def _reply_busy(call: Call, command: ReplyBusy, now_ms: int) -> Moved:
    member = _member(call, command.uid)
    if member.uid == call.creator and call.state is CallState.WAITING:
        return endings.close(call, member.uid, now_ms)
    if not member.is_ringing:
        return call, ()
    return endings.reject(call, member, EndReason.BUSY, now_ms)


def _cancel(call: Call, command: Cancel, now_ms: int) -> Moved:
    if command.uid != call.creator:
        raise NotPermitted(call.id)
    return endings.close(call, command.uid, now_ms)


def _kick(call: Call, command: Kick, now_ms: int) -> Moved:
    if command.by not in (None, call.creator):
        raise NotPermitted(call.id)
    member = _member(call, command.uid)
    if not member.is_active:
        return call, ()
    return endings.kick(call, member, now_ms)


def _end(call: Call, command: End, now_ms: int) -> Moved:
    if command.uid not in (None, call.creator):
        raise NotPermitted(call.id)
    return endings.close(call, command.uid, now_ms)


def _exists(call: Call, command: Create, now_ms: int) -> Moved:
    raise CallExists(call.id)


def _ended(call: Call, command: Command, now_ms: int) -> Moved:
    raise CallEnded(call.id)


def _answer_late(call: Call, command: Answer, now_ms: int) -> Moved:
    _member(call, command.uid)
    raise CallEnded(call.id)


def _ignored(call: Call, command: Command, now_ms: int) -> Moved:
    return call, ()


WHILE_LIVE: dict[type[Command], Rule] = {
    Create: _exists,
    Invite: arrivals.invite,
    Join: arrivals.join,
    Answer: arrivals.answer,
    Leave: _leave,
    Reject: _reject,
    ReplyBusy: _reply_busy,
    Kick: _kick,
    End: _end,
    Wake: _ignored,
    OpenRoom: presence.open_room,
    CloseRoom: presence.close_room,
    Appear: presence.appear,
    Vanish: presence.vanish,
    Reconcile: presence.reconcile,
}
"""What a command does to a call that waits for an answer, or has one."""

TABLE: dict[tuple[CallState, type[Command]], Rule] = {
    **{(CallState.WAITING, command): rule for command, rule in WHILE_LIVE.items()},
    **{(CallState.ACTIVE, command): rule for command, rule in WHILE_LIVE.items()},
    (CallState.WAITING, Cancel): _cancel,
    (CallState.ACTIVE, Cancel): _ignored,
    (CallState.ENDED, Create): _exists,
    (CallState.ENDED, Invite): _ended,
    (CallState.ENDED, Join): _ended,
    (CallState.ENDED, Answer): _answer_late,
    (CallState.ENDED, Leave): _ignored,
    (CallState.ENDED, Reject): _ignored,
    (CallState.ENDED, ReplyBusy): _ignored,
    (CallState.ENDED, Cancel): _ignored,
    (CallState.ENDED, Kick): _ignored,
    (CallState.ENDED, End): _ignored,
    (CallState.ENDED, Wake): _ignored,
    (CallState.ENDED, OpenRoom): _ended,
    (CallState.ENDED, CloseRoom): _ignored,
    (CallState.ENDED, Appear): _ended,
    (CallState.ENDED, Vanish): _ignored,
    (CallState.ENDED, Reconcile): _ignored,
}
"""Every pair has its answer. `_ignored` is one: time has passed, and nothing else is
left to do."""
