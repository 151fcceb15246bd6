"""What users' devices are told of a call.

Clients drop what they have by ``(call_id, seq)``, so one event is one push to a device.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from chalicelib.domain.call import Call
from chalicelib.protocol.client_events import (
    Answered,
    AnsweredElsewhere,
    Cancelled,
    Ended,
    Missed,
    Pushes,
    Rejected,
    Ringing,
)
from chalicelib.protocol.client_fields import Direction, Media
from chalicelib.protocol.session import instants
from chalicelib.protocol.vocabulary import (
    CallState,
    Dialect,
    EndReason,
    EventType,
    Initiator,
    MediaType,
    Provider,
)
from chalicelib.services.devices.devices import (
    Device,
)
from chalicelib.services.media import Entrances
from chalicelib.services.ports import OutboxEvent

log = logging.getLogger(__name__)

_T = TypeVar("_T")

TYPES: dict[MediaType, Media] = {
    MediaType.AUDIO: Media.AUDIO,
    MediaType.VIDEO: Media.VIDEO,
}


@dataclass(frozen=True, slots=True)
class Addressed:
    """A push, and whose devices it is for."""

    uid: str
    push: Pushes

    @property
    def is_own_answer(self) -> bool:
        """One device of the user's has answered, the others are to stop ringing."""
        return isinstance(self.push, Answered) and self.push.uid == self.uid

    @property
    def is_entrance(self) -> bool:
        """Comes with the user's own credentials."""
        is_callers = self.uid == self.push.caller
        return isinstance(self.push, Answered) and (is_callers or self.is_own_answer)


Selected = tuple[Device, Addressed]


def pushes_of(event: OutboxEvent) -> tuple[Addressed, ...]:
    """By the facts of the outbox alone; without credentials, which it does not hold.

    At most one for a user. What a caller's own coming in tells is told by nobody.
    """
    match event.type:
        case EventType.PARTICIPANT_INVITED:
            return tuple(_ringing(event))
        case EventType.PARTICIPANT_JOINED:
            return tuple(_answered(event))
        case EventType.PARTICIPANT_REJECTED:
            return _about(event, Rejected)
        case EventType.PARTICIPANT_MISSED:
            return _about(event, Missed)
        case EventType.PARTICIPANT_CANCELLED:
            return _about(event, Cancelled)
        case EventType.ROOM_FINISHED:
            return tuple(_ended(event))
    return ()


def select(addressed: Addressed, devices: Sequence[Device]) -> list[Selected]:
    """What each of the user's devices is told."""
    if not addressed.is_own_answer:
        return [(device, addressed) for device in devices]
    push = addressed.push
    assert isinstance(push, Answered)
    elsewhere = Addressed(addressed.uid, _elsewhere(push))
    name = _answering(push, devices)
    return [
        (device, addressed if device.device == name else elsewhere)
        for device in devices
    ]


def _answering(push: Answered, devices: Sequence[Device]) -> str | None:
    """The device that answered; None where it is not connected, or not known."""
    if push.device:
        return push.device
    if not push.device_type:
        return None
    alike = [one.device for one in devices if one.device_type == push.device_type]
    return alike[0] if len(alike) == 1 else None


def _elsewhere(push: Answered) -> AnsweredElsewhere:
    return AnsweredElsewhere(
        push.call_id,
        push.seq,
        push.at_ms,
        push.dialect,
        push.provider,
        push.media_type,
        push.caller,
        push.uids,
        push.uid,
        push.device,
        push.device_type,
    )


def _common(
    event: OutboxEvent,
) -> tuple[str, int, int, Dialect, Provider, Media, str, tuple[str, ...]]:
    """What every push begins with."""
    data = event.data
    return (
        event.call_id,
        event.seq,
        event.at_ms,
        Dialect(data["dialect"]),
        Provider(data["provider"]),
        TYPES[MediaType(data["media_type"])],
        data["creator"],
        tuple(data["uids"]),
    )


def _parties(event: OutboxEvent) -> list[str]:
    """Who is in or rings; of a call that is over, everybody."""
    gone = event.data.get("gone_uids", ())
    return [uid for uid in event.data["uids"] if uid not in gone]


def _ringing(event: OutboxEvent) -> Iterable[Addressed]:
    deadline_at_ms = instants.parse(event.data["deadline_at"]) or event.at_ms
    ring_seconds = max(0, deadline_at_ms - event.at_ms) // 1000
    caller = event.data["creator"]
    rung = event.data["invited_uids"]
    told = [*rung, *(uid for uid in _parties(event) if uid == caller)]
    for uid in dict.fromkeys(told):
        way = Direction.INCOMING if uid in rung else Direction.OUTGOING
        yield Addressed(
            uid, Ringing(*_common(event), way, deadline_at_ms, ring_seconds)
        )


def _answered(event: OutboxEvent) -> Iterable[Addressed]:
    data = event.data
    if data["uid"] == data["creator"]:
        return
    device, device_type = data.get("device", ""), data["device_type"]
    push = Answered(*_common(event), data["uid"], device, device_type)
    for uid in dict.fromkeys([*_parties(event), data["uid"]]):
        yield Addressed(uid, push)


def _about(
    event: OutboxEvent, kind: type[Rejected | Missed | Cancelled]
) -> tuple[Addressed, ...]:
    """To the parties, and to the member itself, who is none of them any more."""
    push = kind(*_common(event), event.data["uid"])
    uids = dict.fromkeys([*_parties(event), event.data["uid"]])
    return tuple(Addressed(uid, push) for uid in uids)


def _ended(event: OutboxEvent) -> Iterable[Addressed]:
    data = event.data
    initiator = data["initiator"] and Initiator(data["initiator"])
    push = Ended(
        *_common(event),
        EndReason(data["end_reason"]),
        data["duration_seconds"],
        initiator,
    )
    return (Addressed(uid, push) for uid in data["uids"])


def entered(
    addressed: Addressed, call: Call | None, entrances: Entrances, device_type: str
) -> Pushes:
    """The push with what its user enters the call's media with, while there is any."""
    push = addressed.push
    if not addressed.is_entrance or call is None or call.state is CallState.ENDED:
        return push
    assert isinstance(push, Answered)
    media = entrances.media(call, addressed.uid, device_type)
    return replace(push, media=media)
