"""Plays the scenes and shows what the business received."""

import asyncio
import os
import sys
import textwrap
import time
from collections.abc import Callable, Sequence

from infra.demo import session
from infra.demo.client import Client, DemoFailed, Refused
from infra.demo.scenes import SCENES, Scene
from infra.demo.stage import Stage, Webhook
from infra.laptop.clock import now_seconds

WIDTH = 80
ENDS = {2: "hung up", 3: "cancelled", 4: "rejected", 5: "busy", 6: "missed"}
"""TgoRTC's status of a finished room."""
FINISHED = "room.finished"
SESSION_STORY = ["session.started", "session.ended"]


def main() -> int:
    """The exit status."""
    port = os.environ.get("PARLEY_HTTP_PORT") or "8000"
    worker_port = int(os.environ.get("PARLEY_WORKER_PORT") or "8080")
    client = Client(f"http://127.0.0.1:{port}")
    run = f"{int(now_seconds()) % 100_000:05}"
    began = time.monotonic()
    try:
        client.call("GET", "/health")
        for number, scene in enumerate(SCENES):
            play(scene, Stage(client, f"{run}{number}", _say_below, scene.is_mixed))
        play_session(Stage(client, run, _say_below), worker_port)
    except (DemoFailed, Refused) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    seconds = time.monotonic() - began
    _say(f"\n{len(SCENES)} calls and a session in {seconds:.0f} seconds.")
    _say("Their business was told of all of it, in order, and signed as it should be.")
    return 0


def play(scene: Scene, stage: Stage) -> None:
    """Raises `DemoFailed` or `Refused`."""
    _say(f"\n{scene.title}")
    scene.play(stage)
    if scene.is_mixed and len(stage.media) > 1:
        provider, room = stage.media["alice"]
        stage.say(f"both were sent to the same room: {provider} {room}")
    expected = [*map(_full, scene.story), FINISHED]
    received = _receive(lambda: stage.received(stage.calls[0]), stage, expected)
    _show([_told(stage, webhook) for webhook in received], received)
    status = received[-1]["body"]["status"]
    if status != scene.status:
        raise DemoFailed(f"The room finished with {status}, not {scene.status}.")


def play_session(stage: Stage, worker_port: int) -> None:
    """Raises `DemoFailed` or `Refused`."""
    _say("\nActive Call: a session, killed")
    asyncio.run(session.killed(stage, worker_port))
    session_id = stage.name("session")
    received = _receive(
        lambda: stage.received_of_session(session_id), stage, SESSION_STORY
    )
    _show([webhook["type"] for webhook in received], received)


def _receive(
    look: Callable[[], list[Webhook]], stage: Stage, expected: Sequence[str]
) -> list[Webhook]:
    """All, once the last has come: what came before it came in order."""
    received = stage.wait_for(
        look, lambda found: bool(found) and found[-1]["type"] == expected[-1]
    )
    types = [webhook["type"] for webhook in received]
    if types != expected:
        raise DemoFailed(f"The webhooks were {types}, not {expected}.")
    return received


def _show(told: Sequence[str], received: Sequence[Webhook]) -> None:
    if not all(webhook["is_verified"] for webhook in received):
        raise DemoFailed("A signature is wrong.")
    text = f"{', '.join(told)} ({len(received)} verified)"
    _say(textwrap.fill(text, WIDTH, initial_indent="  -> ", subsequent_indent=" " * 5))


def _told(stage: Stage, webhook: Webhook) -> str:
    """A webhook in two words."""
    kind, _, what = webhook["type"].partition(".")
    if kind == "participant":
        return f"{what} {stage.who(webhook['body']['uid'])}"
    if what == "finished":
        return f"room finished: {ENDS[webhook['body']['status']]}"
    return f"room {what}"


def _full(event_type: str) -> str:
    return event_type if "." in event_type else f"participant.{event_type}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say_below(line: str) -> None:
    _say(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
