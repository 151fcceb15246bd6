"""Calls that end in every way, with what a business is told of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.demo.client import DemoFailed, Refused
from infra.demo.phones import DTalk, OpenChat, TgoRTC
from infra.demo.stage import Stage

TALK_SECONDS = 1.2
"""Long enough for a duration of a second."""
RING_SECONDS = 5
"""The shortest ring there is."""


def answered(stage: Stage) -> None:
    phone = TgoRTC(stage)
    call = phone.ring("alice", "bob")
    phone.answer("bob", call)
    phone.come_in("alice", call)
    time.sleep(TALK_SECONDS)
    phone.hang_up("bob", call)


def rejected(stage: Stage) -> None:
    phone = TgoRTC(stage)
    phone.reject("bob", phone.ring("alice", "bob"))


def cancelled(stage: Stage) -> None:
    phone = TgoRTC(stage)
    phone.cancel("alice", phone.ring("alice", "bob"))


def busy(stage: Stage) -> None:
    phone = TgoRTC(stage)
    call = phone.ring("alice", "bob")
    phone.answer("bob", call)
    phone.come_in("alice", call)
    try:
        phone.ring("carol", "bob")
    except Refused as refusal:
        stage.say(f"refused with {stage.who(str(refusal))}")
    else:
        raise DemoFailed("bob was rung although he is in a call.")
    phone.hang_up("alice", call)


def missed(stage: Stage) -> None:
    TgoRTC(stage).ring("alice", "bob", timeout=RING_SECONDS)
    stage.say(f"nobody answers for {RING_SECONDS} seconds")


def held_by_a_group(stage: Stage) -> None:
    phone = TgoRTC(stage)
    call = phone.ring("alice", "bob", "carol", max_participants=4)
    phone.come_in("alice", call)
    phone.answer("bob", call)
    phone.reject("carol", call)
    phone.invite("alice", "dave", call)
    phone.answer("dave", call)
    for who in ("bob", "dave", "alice"):
        phone.hang_up(who, call)


def answered_in_dtalk(stage: Stage) -> None:
    phone = DTalk(stage)
    call = phone.ring("alice", "bob")
    phone.check("bob", call)
    phone.answer("bob", call)
    time.sleep(TALK_SECONDS)
    phone.hang_up("alice", call)


def refused_as_busy(stage: Stage) -> None:
    phone = DTalk(stage)
    call = phone.ring("alice", "bob")
    phone.say_busy("bob", call)


def ended_in_openchat(stage: Stage) -> None:
    phone = OpenChat(stage)
    call = phone.ring("alice", "bob")
    phone.answer("bob", call)
    time.sleep(TALK_SECONDS)
    phone.end("alice", call)


def cancelled_in_openchat(stage: Stage) -> None:
    phone = OpenChat(stage)
    phone.cancel("alice", phone.ring("alice", "bob"))


def from_tgortc(stage: Stage) -> None:
    call = TgoRTC(stage).ring("alice", "bob")
    dtalk = DTalk(stage)
    dtalk.check("bob", call)
    dtalk.answer("bob", call)
    TgoRTC(stage).come_in("alice", call)
    OpenChat(stage).hang_up("bob", call)


def from_dtalk(stage: Stage) -> None:
    call = DTalk(stage).ring("alice", "bob")
    OpenChat(stage).answer("bob", call)
    TgoRTC(stage).hang_up("alice", call)


def from_openchat(stage: Stage) -> None:
    call = OpenChat(stage).ring("alice", "bob")
    TgoRTC(stage).answer("bob", call)
    DTalk(stage).hang_up("bob", call)


def rejected_from_another(stage: Stage) -> None:
    call = DTalk(stage).ring("alice", "bob")
    TgoRTC(stage).reject("bob", call)


@dataclass(frozen=True, slots=True)
class Scene:
    """A call to be played, and the story that its business must be told."""

    title: str
    play: Callable[[Stage], None]
    story: tuple[str, ...]
    """Event types in order, ``participant.`` left away."""
    status: int
    """TgoRTC's, of the finished room."""
    is_mixed: bool = False


ANSWERED = ("invited", "room.started", "joined", "joined", "left", "left")
CANCELLED_BY_WHO_IS_IN = ("invited", "room.started", "joined", "cancelled", "left")
"""OpenChat's callers are in from the beginning."""
TO_A_GROUP = (
    *("invited", "invited", "room.started", "joined", "joined", "rejected"),
    *("invited", "joined", "left", "left", "left"),
)

SCENES = (
    Scene("TgoRTC: a call answered", answered, ANSWERED, status=2),
    Scene("TgoRTC: rejected", rejected, ("invited", "rejected"), status=4),
    Scene("TgoRTC: cancelled", cancelled, ("invited", "cancelled"), status=3),
    Scene("TgoRTC: busy", busy, ANSWERED, status=2),
    Scene("TgoRTC: missed", missed, ("invited", "missed"), status=6),
    Scene("TgoRTC: a group", held_by_a_group, TO_A_GROUP, status=2),
    Scene("dtalk: answered", answered_in_dtalk, ANSWERED, status=2),
    Scene("dtalk: busy", refused_as_busy, ("invited", "rejected"), status=5),
    Scene("OpenChat: answered", ended_in_openchat, ANSWERED, status=2),
    Scene("OpenChat: cancelled", cancelled_in_openchat, CANCELLED_BY_WHO_IS_IN, 3),
    Scene("TgoRTC to dtalk to OpenChat", from_tgortc, ANSWERED, 2, is_mixed=True),
    Scene("dtalk to OpenChat to TgoRTC", from_dtalk, ANSWERED, 2, is_mixed=True),
    Scene("OpenChat to TgoRTC to dtalk", from_openchat, ANSWERED, 2, is_mixed=True),
    Scene(
        "dtalk, rejected from TgoRTC",
        rejected_from_another,
        ("invited", "rejected"),
        status=4,
        is_mixed=True,
    ),
)
