"""Calls that end in every way, with what a business is told of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infra.demo.client import Client, DemoFailed, Refused

TALK_SECONDS = 1.5
RING_SECONDS = 5
"""The shortest ring there is."""
ROOMS = "/api/v1/rooms"


@dataclass
class Stage:
    """Where a scene is played: who they are, and the story so far."""

    client: Client
    run: str
    """Tells this run's people from another's: users are in one call at a time."""
    say: Callable[[str], None]
    rooms: list[str] = field(default_factory=list)

    def name(self, who: str) -> str:
        return f"{who}-{self.run}"

    def ring(self, creator: str, *invitees: str, **more: Any) -> str:
        """The room; raises `Refused`."""
        body = {
            "creator": self.name(creator),
            "device_type": "app",
            "rtc_type": 1,
            "invite_on": 1,
            "uids": [self.name(who) for who in invitees],
            **more,
        }
        self.say(f"{creator} rings {' and '.join(invitees)}")
        room = self.client.call("POST", ROOMS, self.name(creator), body)
        self.rooms.append(room["room_id"])
        return str(room["room_id"])

    def join(self, who: str, room: str) -> None:
        body = {"uid": self.name(who), "device_type": "web"}
        self.client.call("POST", f"{ROOMS}/{room}/join", self.name(who), body)
        self.say(f"{who} joins")

    def leave(self, who: str, room: str, verb: str) -> None:
        body = {"uid": self.name(who)}
        self.client.call("POST", f"{ROOMS}/{room}/leave", self.name(who), body)
        self.say(f"{who} {verb}")

    def invite(self, by: str, who: str, room: str) -> None:
        body = {"uids": [self.name(who)]}
        self.client.call("POST", f"{ROOMS}/{room}/invite", self.name(by), body)
        self.say(f"{by} invites {who}")


def answered(stage: Stage) -> None:
    room = stage.ring("alice", "bob")
    stage.join("bob", room)
    stage.join("alice", room)
    time.sleep(TALK_SECONDS)
    stage.leave("bob", room, "hangs up")


def rejected(stage: Stage) -> None:
    room = stage.ring("alice", "bob")
    stage.leave("bob", room, "rejects")


def cancelled(stage: Stage) -> None:
    room = stage.ring("alice", "bob")
    stage.leave("alice", room, "cancels")


def busy(stage: Stage) -> None:
    room = stage.ring("alice", "bob")
    stage.join("bob", room)
    stage.join("alice", room)
    try:
        stage.ring("carol", "bob")
    except Refused as refusal:
        stage.say(f"refused with {refusal.status}: {refusal.message}")
    else:
        raise DemoFailed("bob was rung although he is in a call.")
    stage.leave("alice", room, "hangs up")


def missed(stage: Stage) -> None:
    stage.ring("alice", "bob", timeout=RING_SECONDS)
    stage.say(f"nobody answers for {RING_SECONDS} seconds")


def group(stage: Stage) -> None:
    room = stage.ring("alice", "bob", "carol", max_participants=4)
    stage.join("alice", room)
    stage.join("bob", room)
    stage.leave("carol", room, "rejects")
    stage.invite("alice", "dave", room)
    stage.join("dave", room)
    for who in ("bob", "dave", "alice"):
        stage.leave(who, room, "hangs up")


@dataclass(frozen=True, slots=True)
class Scene:
    """A call to be played, and the story that its business must be told."""

    play: Callable[[Stage], None]
    story: tuple[str, ...]
    """Event types in order, ``participant.`` left away."""
    status: int
    """TgoRTC's, of the finished room."""


ANSWERED = ("invited", "room.started", "joined", "joined", "left", "left")

SCENES = (
    Scene(answered, ANSWERED, status=2),
    Scene(rejected, ("invited", "rejected"), status=4),
    Scene(cancelled, ("invited", "cancelled"), status=3),
    Scene(busy, ANSWERED, status=2),
    Scene(missed, ("invited", "missed"), status=6),
    Scene(
        group,
        (
            *("invited", "invited", "room.started", "joined", "joined", "rejected"),
            *("invited", "joined", "left", "left", "left"),
        ),
        status=2,
    ),
)
