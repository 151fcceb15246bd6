"""The rooms of a fake LiveKit: who is in them, and the events of their changes."""

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from livekit.protocol.models import DisconnectReason, ParticipantInfo, Room
from livekit.protocol.webhook import WebhookEvent

ACTIVE = ParticipantInfo.State.ACTIVE
STANDARD = ParticipantInfo.Kind.STANDARD


@dataclass
class _Occupied:
    room: Room
    participants: dict[str, ParticipantInfo] = field(default_factory=dict)


class FakeRooms:
    """What LiveKit does when it is told; every event goes to ``tell``."""

    def __init__(
        self, tell: Callable[[WebhookEvent], None], now_ms: Callable[[], int]
    ) -> None:
        self._tell = tell
        self._now_ms = now_ms
        self._rooms: dict[str, _Occupied] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    @property
    def names(self) -> list[str]:
        with self._lock:
            return list(self._rooms)

    def room(self, name: str) -> Room | None:
        with self._lock:
            occupied = self._rooms.get(name)
            return occupied.room if occupied else None

    def participants(self, room: str) -> list[ParticipantInfo]:
        with self._lock:
            occupied = self._rooms.get(room)
            return list(occupied.participants.values()) if occupied else []

    def create(self, name: str) -> Room:
        """The room of that name, which begins if it is not there."""
        with self._lock:
            if name not in self._rooms:
                at = self._now_ms() // 1000
                room = Room(name=name, sid=self._id("RM"), creation_time=at)
                self._rooms[name] = _Occupied(room)
                self._happened("room_started", room)
            return self._rooms[name].room

    def connect(
        self,
        room: str,
        identity: str,
        device_type: str = "",
        *,
        metadata: str | None = None,
        kind: ParticipantInfo.Kind = STANDARD,
        state: ParticipantInfo.State = ACTIVE,
    ) -> str:
        """Its new sid; whoever had the identity before is disconnected first."""
        with self._lock:
            at = self.create(room)
            members = self._rooms[room].participants
            if identity in members:
                self.disconnect(room, identity, DisconnectReason.DUPLICATE_IDENTITY)
            now_ms = self._now_ms()
            members[identity] = participant = ParticipantInfo(
                identity=identity,
                sid=self._id("PA"),
                metadata=json.dumps({"device_type": device_type})
                if metadata is None
                else metadata,
                kind=kind,
                state=state,
                joined_at=now_ms // 1000,
                joined_at_ms=now_ms,
            )
            if state == ACTIVE:
                self._happened("participant_joined", at, participant)
            return participant.sid

    def disconnect(
        self,
        room: str,
        identity: str,
        reason: DisconnectReason = DisconnectReason.CLIENT_INITIATED,
    ) -> None:
        """One who was never active has not left: its connection was aborted."""
        with self._lock:
            occupied = self._rooms[room]
            participant = occupied.participants.pop(identity)
            was_active = participant.state == ACTIVE
            participant.state = ParticipantInfo.State.DISCONNECTED
            participant.disconnect_reason = reason
            name = "left" if was_active else "connection_aborted"
            self._happened(f"participant_{name}", occupied.room, participant)

    def close(
        self,
        name: str,
        reason: DisconnectReason = DisconnectReason.ROOM_CLOSED,
    ) -> None:
        """Everybody leaves, and the room is over."""
        with self._lock:
            for participant in self.participants(name):
                self.disconnect(name, participant.identity, reason)
            self._happened("room_finished", self._rooms.pop(name).room)

    def _happened(
        self, name: str, room: Room, participant: ParticipantInfo | None = None
    ) -> None:
        event = WebhookEvent(
            event=name,
            id=self._id("EV"),
            created_at=self._now_ms() // 1000,
            room=room,
            participant=participant,
        )
        self._tell(event)

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers):012d}"
