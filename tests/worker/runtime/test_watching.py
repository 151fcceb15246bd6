"""Who reads a session along, and who commands it, beside its socket."""

import json
from dataclasses import dataclass, field

import pytest

from mediaworker.runtime.line import FULL_COMMANDS
from mediaworker.runtime.ports import Overloaded
from mediaworker.runtime.watchers import MOST_WATCHERS
from tests.worker.runtime.world import World


@dataclass(eq=False)
class FakeWatcher:
    """Remembers all, until it has had enough."""

    told: list[tuple[str, str]] = field(default_factory=list)
    ends: int = 0
    enough: int = 1_000
    fails_at_end: bool = False

    def tell_event(self, text: str) -> None:
        self._take("event", json.loads(text)["event"])

    def tell_command(self, text: bytes) -> None:
        self._take("command", json.loads(text)["command"])

    def end(self) -> None:
        self.ends += 1
        if self.fails_at_end:
            raise BrokenPipeError

    def _take(self, kind: str, name: str) -> None:
        if len(self.told) == self.enough:
            raise BlockingIOError
        self.told.append((kind, name))


def test_obey_a_command_that_came_another_way() -> None:
    world = World()
    caller = world.open(id="mine")
    command = json.dumps({"command": "invite", "option": {"codec": "pcm"}}).encode()
    assert world.roster.receive("mine", command)
    assert caller.names == [], "it waits for its turn"
    world.work()
    assert "answer" in caller.names
    assert not world.roster.receive("nobody", command)


def test_count_it_among_those_that_wait() -> None:
    world = World()
    caller = world.open(id="mine")
    for _ in range(FULL_COMMANDS - 1):
        caller.handle.receive_text(b"{}")
    assert not caller.peer.is_paused
    assert world.roster.receive("mine", b"{}")
    assert caller.peer.is_paused
    with pytest.raises(Overloaded):
        world.roster.receive("mine", b"{}")
    world.work()
    assert not caller.peer.is_paused
    assert world.roster.receive("mine", b"{}")
    world.work()
    assert len(caller.named("error")) == FULL_COMMANDS + 1


def test_read_along_in_order() -> None:
    world = World()
    caller = world.open(id="mine")
    watcher = FakeWatcher()
    assert world.roster.watch("mine", watcher) is not None
    caller.invite(codec="pcm")
    world.roster.receive("mine", b'{"command":"history","speaker":"a","text":"b"}')
    world.work()
    caller.command("hangup")
    assert watcher.told == [
        ("command", "invite"),
        ("event", "trackStart"),
        ("event", "answer"),
        ("command", "history"),
        ("event", "addHistory"),
        ("command", "hangup"),
        ("event", "trackEnd"),
        ("event", "hangup"),
    ]
    assert watcher.ends == 1
    assert [name for kind, name in watcher.told if kind == "event"] == caller.names


def test_read_along_while_the_socket_is_lost() -> None:
    world = World()
    caller = world.open(id="mine").invite(codec="pcm")
    watcher = FakeWatcher()
    world.roster.watch("mine", watcher)
    caller.handle.lose(False)
    world.roster.receive("mine", b'{"command":"history","speaker":"a","text":"b"}')
    world.work()
    assert watcher.told[-1] == ("event", "addHistory")


def test_watch_nobody() -> None:
    assert World().roster.watch("nobody", FakeWatcher()) is None


def test_stop_to_watch() -> None:
    world = World()
    caller = world.open(id="mine")
    watcher = FakeWatcher()
    stop = world.roster.watch("mine", watcher)
    assert stop is not None
    stop()
    stop()
    caller.invite(codec="pcm").command("hangup")
    assert watcher.told == []
    assert watcher.ends == 0


@pytest.mark.parametrize("enough", range(4))
@pytest.mark.parametrize("fails_at_end", [True, False])
def test_drop_who_raises_and_go_on(enough: int, fails_at_end: bool) -> None:
    world = World()
    caller = world.open(id="mine")
    watchers = [FakeWatcher() for _ in range(3)]
    for watcher in watchers:
        world.roster.watch("mine", watcher)
    watchers[1].enough, watchers[1].fails_at_end = enough, fails_at_end
    caller.invite(codec="pcm").command("hangup")
    assert caller.names[-1] == "hangup"
    assert len(watchers[1].told) == enough
    assert watchers[0].told == watchers[2].told
    assert len(watchers[0].told) == 6
    assert [watcher.ends for watcher in watchers] == [1, 1, 1]


def test_bear_who_fails_to_hear_of_the_end() -> None:
    world = World()
    caller = world.open(id="mine").invite(codec="pcm")
    watcher = FakeWatcher(fails_at_end=True)
    world.roster.watch("mine", watcher)
    caller.command("hangup")
    assert watcher.ends == 1
    assert len(world.roster) == 0


def test_refuse_more_watchers_than_a_session_can_bear() -> None:
    world = World()
    world.open(id="mine")
    stops = [world.roster.watch("mine", FakeWatcher()) for _ in range(MOST_WATCHERS)]
    with pytest.raises(Overloaded):
        world.roster.watch("mine", FakeWatcher())
    assert stops[3] is not None
    stops[3]()
    world.roster.watch("mine", FakeWatcher())
