"""Plays the scenes and shows what the business received."""

import os
import sys
import time
from typing import Any

from infra.demo.client import Client, DemoFailed, Refused
from infra.demo.scenes import SCENES, Scene, Stage
from infra.laptop import inbox
from infra.laptop.clock import now_seconds

WEBHOOK_SECONDS = 20.0
"""A ring's deadline included."""


def main() -> int:
    """The exit status."""
    port = os.environ.get("PARLEY_HTTP_PORT") or "8000"
    client = Client(f"http://127.0.0.1:{port}")
    run = f"{int(now_seconds()) % 100_000:05}"
    try:
        client.call("GET", "/health")
        for number, scene in enumerate(SCENES):
            stage = Stage(client, f"{run}{number}", lambda line: _say(f"  {line}"))
            _say(f"\nA call {scene.play.__name__}")
            scene.play(stage)
            _show(client, scene, stage.rooms[0])
    except (DemoFailed, Refused) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    _say(f"\n{len(SCENES)} calls told to their business: in order, signatures right")
    return 0


def _show(client: Client, scene: Scene, room_id: str) -> None:
    received = _wait_for(client, scene, room_id)
    _say("  the business received")
    for webhook in received:
        body = webhook["body"]
        sign = "verified" if webhook["is_verified"] else "NOT VERIFIED"
        _say(
            f"    {webhook['type']:<22}{body.get('uid', ''):<14}"
            f"status {body['status']}  {sign}"
        )
    if not all(webhook["is_verified"] for webhook in received):
        raise DemoFailed("A signature is wrong.")
    status = received[-1]["body"]["status"]
    if status != scene.status:
        raise DemoFailed(f"The room finished with {status}, not {scene.status}.")


def _wait_for(client: Client, scene: Scene, room_id: str) -> list[Any]:
    expected = [*map(_full, scene.story), "room.finished"]
    deadline = time.monotonic() + WEBHOOK_SECONDS
    types: list[str] = []
    while time.monotonic() < deadline:
        received = client.call("GET", f"{inbox.PATH}?room_id={room_id}")
        types = [webhook["type"] for webhook in received]
        if types == expected:
            return list(received)
        time.sleep(0.1)
    raise DemoFailed(
        f"After {WEBHOOK_SECONDS:.0f} s the webhooks were {types}, not {expected}. "
        "(With BUSINESS_WEBHOOK_ENDPOINTS or _URLS set they go there instead.)"
    )


def _full(event_type: str) -> str:
    return event_type if "." in event_type else f"participant.{event_type}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
