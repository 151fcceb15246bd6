"""Two releases on one table at the same time: what one writes, the other goes on with.

A new version comes in two releases: the first knows it and holds it back, since the one
before runs beside it; the next writes it, since the first reads it.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Command, Join, Leave
from chalicelib.protocol import envelope
from chalicelib.protocol.envelope import Cast, UnknownVersion
from chalicelib.protocol.lease import Drain, Sight, Witness
from chalicelib.protocol.vocabulary import CallState
from chalicelib.services.fleet import FleetService
from chalicelib.services.sessions import SessionService
from tests.adapters.fleet_contract import ended, lease, started
from tests.builders import NOW_MS, FakeClock, FakeDraws, commit, create

BEFORE = {"CURRENT": 1, "OLDEST_READ": 1, "HELD_BACK": 0}
FIRST = {"CURRENT": 2, "OLDEST_READ": 1, "HELD_BACK": 1}
NEXT = {"CURRENT": 2, "OLDEST_READ": 1, "HELD_BACK": 0}
RENAMED = {
    "call": ("creator", "made_by"),
    "event": ("at_ms", "told_at_ms"),
    "command": ("fingerprint", "likeness"),
    "session": ("started", "begun"),
    "lease": ("address", "host_port"),
    "witness": ("sight", "seen"),
    "worker.drain": ("epoch", "life"),
}
"""What version 1 says, and what version 2 will call it in its items."""


def _renamed(old: str, new: str) -> Cast:
    def cast(value: Mapping[str, Any]) -> Mapping[str, Any]:
        return {new if key == old else key: one for key, one in value.items()}

    return cast


class Releases:
    """Says which one acts. The code of version 2 is that of today but for its items,
    so its reader goes one step further, and its writer begins one step sooner."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.written: set[int] = set()

    @contextmanager
    def act(self, release: Mapping[str, int]) -> Iterator[None]:
        with self._patch.context() as patch:
            for name, value in release.items():
                patch.setattr(envelope, name, value)
            if release["CURRENT"] == 2:
                self._come_to_version_2(patch)
            yield

    def _come_to_version_2(self, patch: pytest.MonkeyPatch) -> None:
        upcasts = {(kind, 1): _renamed(*names) for kind, names in RENAMED.items()}
        downcasts = {
            (kind, 2): _renamed(new, old) for kind, (old, new) in RENAMED.items()
        }
        patch.setattr(envelope, "UPCASTS", upcasts)
        patch.setattr(envelope, "DOWNCASTS", downcasts)
        upcast, stamped = envelope.upcast, envelope.stamped

        def read(kind: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
            old, new = RENAMED.get(kind, ("", ""))
            return _renamed(new, old)(upcast(kind, value))

        def written(
            fields: Mapping[str, Any], kind: str = "", version: int | None = None
        ) -> dict[str, Any]:
            old, new = RENAMED.get(kind, ("", ""))
            return stamped(_renamed(old, new)(fields), kind, version)

        for module in MODULES:
            for name, value in (("upcast", read), ("stamped", written)):
                if hasattr(module, name):
                    patch.setattr(module, name, value)


def _modules() -> list[Any]:
    from chalicelib.adapters.dynamodb import bodies, sessions
    from chalicelib.protocol import lease as lease_module

    return [bodies, sessions, lease_module]


MODULES = _modules()


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Releases:
    return Releases(monkeypatch)


PAIRS = [(BEFORE, FIRST), (FIRST, BEFORE), (FIRST, NEXT), (NEXT, FIRST)]
NAMES = ["before+first", "first+before", "first+next", "next+first"]
both = pytest.mark.parametrize("pair", PAIRS, ids=NAMES)


def versions_in(table: type[Row]) -> set[int]:
    return {json.loads(row.body)["v"] for row in table.scan() if row.body}


@both
def test_call_goes_through_both_releases(
    pair: tuple[Any, Any], releases: Releases, table: type[Row]
) -> None:
    """Each command is the other one's, and so is each look."""
    calls = DynamoDBCalls(table, rows.connection_of(table))
    commands: list[Command] = [
        Join("bob", "phone"),
        Join("carol", "pad"),
        Leave("bob"),
        Leave("carol"),
    ]
    turns = itertools.cycle(pair)
    with releases.act(next(turns)):
        made = create("alice", "bob", "carol", max_participants=3)
        calls.commit(commit(None, made, command_id="c0"))
    for number, command in enumerate(commands, 1):
        with releases.act(next(turns)):
            before = calls.load("default", "call-1")
            assert before is not None
            calls.commit(commit(before, command, command_id=f"c{number}"))
    seen = [_seen(releases, release, calls) for release in pair]
    assert seen[0] == seen[1]
    call, outbox, record = seen[0]
    assert call is not None and call.state is CallState.ENDED
    assert call.creator == "alice"
    assert [event.seq for event in outbox] == list(range(1, len(outbox) + 1))
    assert outbox[-1].type == "room.finished"
    assert record is not None and record.fingerprint == "fingerprint"


def _seen(
    releases: Releases, release: Mapping[str, int], calls: DynamoDBCalls
) -> tuple[Call | None, Any, Any]:
    with releases.act(release):
        return (
            calls.load("default", "call-1"),
            calls.outbox("default", "call-1", 1),
            calls.record("default", "c1"),
        )


@both
def test_fleet_is_kept_by_both_releases(
    pair: tuple[Any, Any], releases: Releases, table: type[Row]
) -> None:
    one, other = pair
    clock = FakeClock()
    fleet = DynamoDBFleet(table)
    sessions = DynamoDBSessions(table, rows.connection_of(table))
    service = FleetService(
        fleet,
        SessionService(sessions, clock, FakeDraws()),
        None,
        clock,
        FakeDraws(),
    )
    told = SessionService(sessions, clock, FakeDraws())
    with releases.act(one):
        service.renew(lease())
        told.hear([started()])
        service.drains.begin("w1", 60)
    with releases.act(other):
        order = Drain("w1", 1, NOW_MS + 60_000)
        assert service.renew(lease()).orders == (order,)
        told.hear([started("s2"), ended()])
        fleet.testify(Witness("w1", 1, Sight.TASK_STOPPED, NOW_MS))
    clock.pass_ms(9_000)
    with releases.act(one):
        service.look()
        assert sessions.live_of_tenant("default") == ()
    with releases.act(other):
        (enrolment,) = service.members()
        assert enrolment.is_dead and not enrolment.is_behind


def test_version_is_held_back_first_and_written_next(
    releases: Releases, table: type[Row]
) -> None:
    calls = DynamoDBCalls(table, rows.connection_of(table))
    for number, (release, version) in enumerate([(FIRST, 1), (NEXT, 2)]):
        made = create(
            "alice",
            "bob",
            call_id=f"c{number}",
            trace_id=number + 1,
            room_number=number + 1,
            tenant=f"t{number}",
        )
        with releases.act(release):
            calls.commit(commit(None, made, command_id=f"k{number}"))
            found = calls.load(f"t{number}", f"c{number}")
        assert found is not None and found.creator == "alice"
        assert max(versions_in(table)) == version


def test_release_that_does_not_know_a_version_loses_nothing(
    releases: Releases, table: type[Row]
) -> None:
    """It says so, and whoever asked asks again."""
    calls = DynamoDBCalls(table, rows.connection_of(table))
    with releases.act(NEXT):
        calls.commit(commit(None, create("alice", "bob")))
    with releases.act(BEFORE), pytest.raises(UnknownVersion):
        calls.load("default", "call-1")
    with releases.act(NEXT):
        assert calls.load("default", "call-1") is not None


def test_worker_of_an_unknown_release_holds_back_no_other(
    releases: Releases, table: type[Row]
) -> None:
    fleet = DynamoDBFleet(table)
    fleet.renew(lease())
    with releases.act(NEXT):
        fleet.renew(lease("w2"))
        fleet.testify(Witness("w2", 1, Sight.UNREACHABLE, NOW_MS, by="w1"))
        fleet.keep_order("w1", 1, Drain("w1", 1))
    with releases.act(BEFORE):
        roster = fleet.roster()
        assert [one.lease for one in roster.enrolments] == [lease()]
        assert roster.witnesses == ()
        assert fleet.orders("w1", 1) == ()


def test_fields_of_a_later_release_are_overlooked(table: type[Row]) -> None:
    calls = DynamoDBCalls(table, rows.connection_of(table))
    calls.commit(commit(None, create("alice", "bob")))
    before = calls.load("default", "call-1")
    events = calls.outbox("default", "call-1", 1)
    for row in table.scan():
        if row.body:
            value = json.loads(row.body)
            for shape in (value, *value.get("participants", ())):
                shape["of_tomorrow"] = {"v": 9}
            row.update([table.body.set(json.dumps(value))])
    assert calls.load("default", "call-1") == before
    assert calls.outbox("default", "call-1", 1) == events
    assert calls.record("default", "command-1") is not None
