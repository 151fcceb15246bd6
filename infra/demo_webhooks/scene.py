"""The endpoints of one business, good and bad, and the calls they are to hear of."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.demo.client import Client, DemoFailed
from infra.demo.scenes import SCENES, Scene
from infra.demo.stage import Stage
from infra.demo_webhooks.administrator import Administrator
from infra.demo_webhooks.business import Receiver, says_gone, ways_to_fail
from infra.demo_webhooks.certificate import self_signed
from infra.demo_webhooks.hostile import HostileServer
from infra.demo_webhooks.stack import free_ports
from infra.laptop import inbox

TIMEOUT_SECONDS = 1
FINISHED = "room.finished"
LOOK_SECONDS = 0.1
TITLES = (
    "TgoRTC: a call answered",
    "dtalk: answered",
    "OpenChat: answered",
    "TgoRTC: rejected",
    "dtalk: busy",
    "TgoRTC to dtalk to OpenChat",
    "TgoRTC: a group",
    "OpenChat: cancelled",
    "dtalk to OpenChat to TgoRTC",
    "TgoRTC: cancelled",
    "OpenChat to TgoRTC to dtalk",
    "dtalk, rejected from TgoRTC",
)

Tell = Callable[[str, str], None]
"""Who does what, for the reader of the demo."""


@dataclass
class Town:
    """Whoever is told of the calls, by name."""

    administrator: Administrator
    tell: Tell
    folder: Path
    shop: Receiver
    night: Receiver
    vault: Receiver
    watch: Receiver
    ids: dict[str, str] = field(default_factory=dict)
    """Of their endpoints."""
    trap: Any = None
    _servers: ExitStack = field(default_factory=ExitStack)
    _night_port: int = 0

    @property
    def hearers(self) -> dict[str, Receiver]:
        """Those that are to have it all in the end."""
        return {"shop": self.shop, "night": self.night, "vault": self.vault}

    def open(self) -> None:
        """Set up the endpoints, all but one of them failing."""
        self.trap = self._serve(Receiver())
        self.shop.fail(ways_to_fail(f"http://127.0.0.1:{self.trap.port}/trap"))
        (self._night_port,) = free_ports(1)
        vault = self._serve(self.vault, tls=self_signed(self.folder, "vault"))
        self._create("watch", self._serve(self.watch).port, events=["webhook.*"])
        self._create("shop", self._serve(self.shop).port)
        self._create("night", self._night_port)
        self._create("vault", vault.port, scheme="https")
        self._create("gone", self._serve(says_gone).port)

    def rotate(self, overlap_seconds: int) -> None:
        """The shop's secret."""
        secret = self.administrator.rotate(self.ids["shop"], overlap_seconds)
        self.shop.learn(secret)

    def recover(self) -> None:
        self.shop.recover()
        self.tell("shop", "is well again")
        self._serve(self.night, port=self._night_port)
        self.tell("night", "opens its port")
        port = self._serve(self.vault).port
        url = f"http://127.0.0.1:{port}/hooks"
        self.administrator.change(self.ids["vault"], url=url)
        self.tell("vault", "is given another URL, by PATCH")

    def _create(self, name: str, port: int, scheme: str = "http", **more: Any) -> None:
        answer = self.administrator.create(
            f"{scheme}://127.0.0.1:{port}/hooks",
            description=name,
            timeout_seconds=TIMEOUT_SECONDS,
            **more,
        )
        self.ids[name] = answer["id"]
        if name in vars(self):
            vars(self)[name].learn(answer["secret"])

    def _serve(self, manner: Any, **more: Any) -> HostileServer:
        return self._servers.enter_context(HostileServer(manner, **more))

    def close(self) -> None:
        self._servers.close()


@contextmanager
def town(client: Client, folder: Path, tell: Tell) -> Iterator[Town]:
    """Within the block its endpoints are there."""
    built = Town(
        Administrator(client.url),
        tell,
        folder,
        shop=Receiver(lambda what: tell("shop", what)),
        night=Receiver(),
        vault=Receiver(),
        watch=Receiver(),
    )
    try:
        built.open()
        yield built
    finally:
        built.close()


class Calls:
    """A dozen of them, of several dialects, begun one after the other."""

    def __init__(self, client: Client, run: str, tell: Tell, seconds: float) -> None:
        self.ids: list[str] = []
        self._client = client
        self._run = run
        self._tell = tell
        self._space = seconds / len(TITLES)
        self._is_over = threading.Event()
        self._pool = ThreadPoolExecutor(len(TITLES))
        self._played: list[Future[str]] = []

    def begin(self) -> None:
        scenes = {scene.title: scene for scene in SCENES}
        for number, title in enumerate(TITLES):
            play = self._pool.submit(self._play, number, scenes[title])
            self._played.append(play)

    def end(self) -> None:
        """When all are; raises what one of them raised."""
        try:
            self.ids = [played.result() for played in self._played]
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Begin no more."""
        self._is_over.set()
        self._pool.shutdown()

    def told(self) -> list[dict[str, Any]]:
        """What there was to hear of them, from one that heard all of it at once."""
        found = self._client.call("GET", inbox.PATH)
        return [one for one in found if one["body"].get("room_id") in self.ids]

    def _play(self, number: int, scene: Scene) -> str:
        if self._is_over.wait(number * self._space):
            return ""
        self._tell(f"call {number + 1}", scene.title)
        stage = Stage(self._client, f"{self._run}{number}", _nothing, scene.is_mixed)
        scene.play(stage)
        return stage.calls[0]


def wait_for(is_there: Callable[[], bool], seconds: float, what: str) -> None:
    """Raises `DemoFailed` when it has gone on for too long."""
    ends_at = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > ends_at:
            raise DemoFailed(f"After {seconds:.0f} s still waiting for {what}.")
        time.sleep(LOOK_SECONDS)


def are_finished(told: Sequence[dict[str, Any]], ids: Sequence[str]) -> bool:
    finished = {one["body"]["room_id"] for one in told if one["type"] == FINISHED}
    return finished >= set(ids)


def _nothing(line: str) -> None:
    """Who does what in a call is `make demo`'s to show."""
