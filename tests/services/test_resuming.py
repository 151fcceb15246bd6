"""Who comes back hears of all that was told meanwhile, and of how things are."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.memory_history import MemoryHistory
from chalicelib.domain.commands import Command, Invite, Join, Leave, Reject, Wake
from chalicelib.domain.errors import CallError
from chalicelib.protocol.vocabulary import Dialect, Provider
from chalicelib.services import ports
from chalicelib.services.devices.clients import ClientService
from chalicelib.services.devices.devices import DeviceService, SocketGone
from chalicelib.services.devices.resuming import RECENT_MS, ResumeService
from chalicelib.services.devices.signalling import MOST_A_SECOND, SignalService
from chalicelib.services.history import entry_of
from chalicelib.services.media import Entrances
from tests.builders import NOW_MS, RING_MS, FakeDraws, create
from tests.services.test_pushes import CALL, FakeProvider, World

SECOND_MS = 1000


class Line(World):
    """A world whose devices speak too, and whose ended calls are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.history = MemoryHistory()
        draws = FakeDraws()
        entrances = Entrances({Provider.LIVEKIT: FakeProvider()}, self.clock)
        self.clients = ClientService(
            DeviceService(self.devices, self.sockets, self.clock, draws),
            ResumeService(
                self.calls,
                self.repository,
                self.devices,
                self.history,
                entrances,
                self.clock,
                draws,
            ),
            SignalService(self.calls, self.devices, self.sockets, self.clock, draws),
            self.sockets,
            self.clock,
        )

    def remember(self) -> None:
        """What the bus has the history keep."""
        for events in self.store.events.values():
            for event in events.values():
                if event.type == "room.finished":
                    self.history.keep(entry_of(event))

    def say(self, connection_id: str, text: str) -> None:
        self.clients.hear(connection_id, text)

    def hello(self, connection_id: str, fields: str = "") -> list[dict[str, Any]]:
        """What it is told for it."""
        before = len(self.told(connection_id))
        self.say(connection_id, '{"command":"hello"' + fields + "}")
        return self.told(connection_id)[before:]


@pytest.fixture
def line() -> Line:
    line = Line()
    line.connect("alice", "phone")
    line.connect("bob", "phone")
    return line


def names(told: list[dict[str, Any]]) -> list[str]:
    return [frame["event"] for frame in told]


def test_welcome_says_who_it_is_and_that_there_is_no_call(line: Line) -> None:
    (welcome,) = line.hello("bob-phone", ',"id":7')
    assert welcome == {
        "event": "hello",
        "server_time_ms": NOW_MS,
        "connection_id": "bob-phone",
        "device": "phone",
        "heartbeat_seconds": 30,
        "call": None,
        "id": 7,
    }


def test_snapshot_tells_how_the_call_rings(line: Line) -> None:
    line.ring()
    welcome, ringing = line.hello("bob-phone")
    call = welcome["call"]
    assert (call["call_id"], call["seq"], call["state"]) == (CALL, 1, "waiting")
    assert (call["direction"], call["own_state"]) == ("incoming", "invited")
    assert call["deadline_at_ms"] == NOW_MS + RING_MS
    assert [member["uid"] for member in call["members"]] == ["alice", "bob"]
    assert "media" not in call
    assert ringing["event"] == "call.ringing"
    welcome, _ = line.hello("alice-phone")
    assert welcome["call"]["direction"] == "outgoing"
    assert welcome["call"]["deadline_at_ms"] == NOW_MS + RING_MS
    assert welcome["call"]["media"]["token"] == "alice's"


def test_snapshot_lets_who_is_in_back_in(line: Line) -> None:
    line.ring()
    line.act(Join("bob", "app", "phone"))
    welcome, *missed = line.hello("bob-phone")
    assert welcome["call"]["media"]["token"] == "bob's"
    assert names(missed) == ["call.ringing", "call.answered"]
    assert missed[1]["media"]["token"] == "bob's"


def test_nothing_known_is_told_again(line: Line) -> None:
    line.ring()
    line.act(Join("bob", "app", "phone"))
    told = line.hello("alice-phone", f',"call_id":"{CALL}","last_seq":1')
    assert names(told) == ["hello", "call.answered"]


def test_stranger_s_call_is_told_to_nobody(line: Line) -> None:
    line.ring()
    line.connect("eve", "phone")
    assert len(line.hello("eve-phone", f',"call_id":"{CALL}"')) == 1


def test_end_of_the_last_call_is_told_for_a_while(line: Line) -> None:
    line.ring()
    line.act(Leave("alice"))
    line.remember()
    told = line.hello("bob-phone")
    assert names(told)[1:] == ["call.ringing", "call.cancelled", "call.ended"]
    line.clock.pass_ms(RECENT_MS + SECOND_MS)
    assert len(line.hello("bob-phone")) == 1
    long_ago = f',"since":{NOW_MS}'
    assert len(line.hello("bob-phone", long_ago)) == 4


def test_call_that_is_named_needs_no_history(line: Line) -> None:
    line.ring()
    line.act(Leave("alice"))
    line.remember()
    named = ',"call_id":"another"'
    assert len(line.hello("bob-phone", named)) == 1
    line.ring("alice", "bob", call_id="call-2", trace_id=5, room_number=9)
    told = line.hello("bob-phone", f',"call_id":"{CALL}","last_seq":2')
    assert [(one.get("call_id"), one.get("seq")) for one in told[1:]] == [
        (CALL, 3),
        ("call-2", 1),
    ]


def test_address_s_since_counts_where_the_hello_has_none(line: Line) -> None:
    line.ring()
    line.act(Leave("alice"))
    line.remember()
    line.clock.pass_ms(RECENT_MS * 2)
    (bob,) = line.devices.of_user("default", "bob")
    line.devices.connect(replace(bob, since_ms=NOW_MS))
    assert len(line.hello("bob-phone")) == 4


def test_socket_of_nobody_is_closed(line: Line) -> None:
    line.say("stranger", '{"command":"hello"}')
    assert line.sockets.closed == ["stranger"]
    line.say("stranger", "{")
    assert line.told("stranger")[0]["code"] == "invalid_command"


def test_heartbeat_is_answered_and_noted(line: Line) -> None:
    line.say("bob-phone", f'{{"command":"heartbeat","call_id":"{CALL}","id":"x"}}')
    beat = {"event": "heartbeat", "server_time_ms": NOW_MS, "id": "x"}
    assert line.told("bob-phone") == [beat]
    (row,) = line.devices.of_user("default", "bob")
    assert row.call_id == CALL


def test_heartbeat_of_a_socket_that_was_replaced_closes_it(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line.devices, "present", lambda device: None)
    line.say("bob-phone", '{"command":"heartbeat"}')
    assert line.sockets.closed == ["bob-phone"]


SIGNAL = '{"command":"signal","call_id":"%s","to":"%s","type":"offer","payload":{}}'


TO_NOBODY = (SIGNAL % (CALL, "bob"))[:-1] + ',"to_device":"x"}'


def test_signal_is_carried_or_refused_with_its_code(line: Line) -> None:
    line.ring()
    line.forget()
    line.say("alice-phone", SIGNAL % (CALL, "bob"))
    assert line.events("bob-phone") == ["signal"]
    assert line.told("alice-phone") == []
    line.say("alice-phone", SIGNAL % ("none", "bob"))
    line.say("alice-phone", TO_NOBODY)
    for _ in range(MOST_A_SECOND):
        line.say("alice-phone", SIGNAL % (CALL, "bob"))
    codes = [error["code"] for error in line.told("alice-phone")]
    assert codes[:2] == ["forbidden", "not_found"]
    assert set(codes[2:]) == {"rate_limited"}


@pytest.mark.parametrize("failure", [ports.Throttled("much"), KeyError("ours")])
def test_command_that_fails_is_answered_and_the_socket_stays(
    line: Line, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def find(connection_id: str) -> None:
        raise failure

    monkeypatch.setattr(line.devices, "find", find)
    (error,) = line.hello("bob-phone", ',"id":1')
    assert (error["code"], error["command"], error["id"]) == ("unavailable", "hello", 1)
    assert line.sockets.closed == []


def test_telling_ends_with_the_socket(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.ring()
    line.sockets.failures["bob-phone"] = SocketGone("gone")
    assert line.hello("bob-phone") == []
    del line.sockets.failures["bob-phone"]
    post = line.sockets.post

    def once(connection_id: str, text: str) -> None:
        post(connection_id, text)
        line.sockets.failures["bob-phone"] = SocketGone("gone")

    monkeypatch.setattr(line.sockets, "post", once)
    assert names(line.hello("bob-phone")) == ["hello"]


@dataclass
class Flaky:
    """A client that remembers what it has heard, by call and number."""

    line: Line
    seen: dict[str, set[int]] = field(default_factory=dict)
    since: int = NOW_MS
    heard: int = 0
    last_call: str = ""

    def take(self) -> None:
        frames = self.line.told("bob-flaky")
        for frame in frames[self.heard :]:
            if "seq" in frame:
                self.seen.setdefault(frame["call_id"], set()).add(frame["seq"])
                self.since = max(self.since, frame["at_ms"])
                self.last_call = frame["call_id"]
        self.heard = len(frames)

    def leave(self) -> None:
        self.take()
        device = self.line.devices.find("bob-flaky")
        if device is not None:
            self.line.devices.drop(device)

    def come(self) -> None:
        self.leave()
        self.line.connect("bob", "flaky")
        fields = f',"since":{self.since}'
        if self.last_call:
            last = min(_gap(self.seen[self.last_call]), 10**6)
            fields += f',"call_id":"{self.last_call}","last_seq":{last}'
        self.line.hello("bob-flaky", fields)
        self.take()


def _gap(seqs: set[int]) -> int:
    """The number up to which nothing that concerns the user is known to miss."""
    return max(seqs)


STEPS = st.lists(
    st.sampled_from(
        ["ring", "join", "leave", "reject", "invite", "pass", "miss", "go", "come"]
    ),
    max_size=25,
)


@settings(max_examples=150)
@given(steps=STEPS, is_group=st.booleans())
def test_nothing_is_missed_wherever_the_line_breaks(
    steps: list[str], is_group: bool
) -> None:
    line = Line()
    line.connect("bob", "steady")
    flaky = Flaky(line)
    flaky.come()
    calls: list[str] = []
    for step in steps:
        _take(line, flaky, calls, step, is_group)
        line.clock.pass_ms(SECOND_MS)
        line.remember()
    flaky.come()
    steady: dict[str, set[int]] = {}
    for frame in line.told("bob-steady"):
        if "seq" in frame:
            steady.setdefault(frame["call_id"], set()).add(frame["seq"])
    for call_id in set(steady) - set(flaky.seen):
        # One that the user has left, and that goes on, is told with its end.
        call = line.store.calls["default", call_id]
        assert call.is_live and "bob" not in call.locked_uids
        del steady[call_id]
    assert flaky.seen == steady


def _take(
    line: Line, flaky: Flaky, calls: list[str], step: str, is_group: bool
) -> None:
    match step:
        case "go":
            flaky.leave()
        case "come":
            flaky.come()
        case "pass":
            line.clock.pass_ms(5 * SECOND_MS)
        case "ring":
            number = len(calls) + 1
            command = create(
                "alice",
                *(("bob", "carol") if is_group else ("bob",)),
                call_id=f"call-{number}",
                trace_id=100 + number,
                room_number=number,
                max_participants=5 if is_group else 2,
                dialect=Dialect.OPENCHAT if number % 2 else Dialect.TGORTC,
            )
            try:
                line.calls.act("default", command.call_id, command)
                calls.append(command.call_id)
            except CallError:
                pass
        case _ if calls:
            _act(line, calls[-1], step)


def _act(line: Line, call_id: str, step: str) -> None:
    commands: dict[str, Command] = {
        "join": Join("bob", "app", "steady"),
        "leave": Leave("alice"),
        "reject": Reject("bob"),
        "invite": Invite(("dave",), None),
        "miss": Wake(),
    }
    if step == "miss":
        line.clock.pass_ms(RING_MS)
    with suppress(CallError):
        line.calls.act("default", call_id, commands[step])
