"""Workers that live, fall silent, are taken for dead, and what becomes of theirs."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.adapters.memory import Store
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.domain.sessions import Session, key_of
from chalicelib.protocol.lease import (
    EXPIRY_MS,
    Fact,
    Lease,
    Order,
    Sight,
    Witness,
)
from chalicelib.services import ports
from chalicelib.services.fleet import LEAST_WAIT_MS, FleetService, SessionNotFound
from chalicelib.services.retries import Unavailable
from chalicelib.services.roster import Fenced, Roster
from chalicelib.services.sessions import SessionService, address_of, order_id
from tests.adapters.fleet_contract import ended, lease, order, ready, started
from tests.builders import NOW_MS, FakeClock, FakeDraws

TASK_ARN = "arn:aws:ecs:eu-central-1:1:task/parley/task-1"


@dataclass
class Door:
    """A worker's port, open or not."""

    is_open: bool = True
    posted: list[tuple[str, Order]] = field(default_factory=list)

    def post(self, lease: Lease, order: Order) -> bool:
        self.posted.append((lease.address, order))
        return self.is_open


class World:
    def __init__(self, door: Door | None = None) -> None:
        self.store = Store()
        self.clock = FakeClock()
        self.repository = MemoryFleet(self.store)
        self.kept = MemorySessions(self.store)
        self.sessions = SessionService(self.kept, self.clock, FakeDraws())
        self.fleet = FleetService(
            self.repository, self.sessions, door, self.clock, FakeDraws()
        )

    def told(self, **changes: Any) -> list[str]:
        """What businesses hear of a session."""
        address = address_of(key_of(started(**changes)))
        events = self.store.events.get(("default", address), {})
        return [events[seq].type for seq in sorted(events)]

    def is_dead(self, worker_id: str = "w1") -> bool:
        return self.store.enrolments[worker_id].is_dead

    def with_silent_worker(self) -> "World":
        """w1 has a session and was last heard of when w2 came."""
        self.fleet.renew(lease())
        self.sessions.hear([started()])
        self.clock.pass_ms(EXPIRY_MS)
        return self


def tried(by: str = "w2", **changes: Any) -> Witness:
    seen = Witness("w1", 1, Sight.UNREACHABLE, NOW_MS + EXPIRY_MS, by=by)
    return replace(seen, **changes)


class TestHeartbeat:
    def test_lease_is_dated_by_our_own_clock(self) -> None:
        world = World()
        world.fleet.renew(lease(renewed_at_ms=5))
        assert world.store.enrolments["w1"].lease == lease(renewed_at_ms=NOW_MS)

    def test_fenced_worker_is_told_so(self) -> None:
        world = World()
        world.fleet.renew(lease(epoch=2))
        with pytest.raises(Fenced):
            world.fleet.renew(lease(epoch=1))

    def test_suspects_are_the_others_whose_lease_is_old(self) -> None:
        world = World().with_silent_worker()
        heartbeat = world.fleet.renew(lease("w2"))
        assert heartbeat.suspects == (lease(),)
        assert world.fleet.renew(lease()).suspects == ()

    def test_orders_come_with_it_until_done(self) -> None:
        world = World()
        world.fleet.renew(lease())
        world.repository.keep_order("w1", 1, order())
        assert world.fleet.renew(lease()).orders == (order(),)
        world.fleet.finish_order("w1", "k1")
        assert world.fleet.renew(lease()).orders == ()

    def test_worker_that_cannot_be_buried_fails_no_heartbeat(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = World()

        def roster() -> Roster:
            raise RuntimeError("no")

        monkeypatch.setattr(world.repository, "roster", roster)
        assert world.fleet.renew(lease()).suspects == ()
        assert "not looked at" in caplog.text

    def test_storage_that_is_away_is_unavailable(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World()

        def renew(lease: Lease) -> None:
            raise ports.Throttled

        monkeypatch.setattr(world.repository, "renew", renew)
        with pytest.raises(Unavailable):
            world.fleet.renew(lease())


class TestTakeover:
    def test_old_lease_alone_kills_nobody(self) -> None:
        world = World().with_silent_worker()
        world.clock.pass_ms(3_600_000)
        world.fleet.look()
        assert not world.is_dead()
        assert world.told() == ["session.started"]

    def test_witness_alone_kills_nobody(self) -> None:
        world = World()
        world.fleet.renew(lease())
        world.fleet.renew(lease("w2"))
        world.fleet.testify("w2", tried(seen_at_ms=NOW_MS))
        assert not world.is_dead()

    def test_both_do_and_its_sessions_are_ended_once(self) -> None:
        world = World().with_silent_worker()
        world.sessions.hear([started("s2"), started("s3"), ended("s3")])
        world.fleet.renew(lease("w2"))
        world.fleet.testify("w2", tried())
        world.fleet.testify("w2", tried())
        assert world.is_dead()
        for session_id in ("s1", "s2", "s3"):
            told = world.told(session_id=session_id)
            assert told == ["session.started", "session.ended"]
        failed = world.store.sessions[key_of(started())].ended
        assert failed is not None
        assert (failed.reason, failed.initiator) == ("failed", "system")
        assert failed.ended_at_ms == NOW_MS + EXPIRY_MS
        finished = world.store.sessions[key_of(started("s3"))].ended
        assert finished == ended("s3")

    def test_fenced_worker_s_facts_do_not_count(self) -> None:
        world = World().with_silent_worker()
        world.fleet.renew(lease("w2"))
        world.fleet.testify("w2", tried())
        for fact in (started("s2"), ended("s2")):
            with pytest.raises(Fenced):
                world.sessions.hear([fact])
        assert world.told(session_id="s2") == []
        world.sessions.hear([ended()])
        over = world.store.sessions[key_of(started())].ended
        assert over is not None and over.reason == "failed"
        with pytest.raises(Fenced):
            world.fleet.renew(lease())

    def test_dead_worker_is_no_suspect_and_no_witness(self) -> None:
        world = World().with_silent_worker()
        world.fleet.renew(lease("w2"))
        world.fleet.testify("w2", tried())
        assert world.fleet.renew(lease("w2")).suspects == ()
        with pytest.raises(Fenced):
            world.fleet.testify("w1", tried(by="w1", worker_id="w2"))
        with pytest.raises(Fenced):
            world.fleet.finish_order("w1", "k1")
        with pytest.raises(Fenced):
            world.fleet.testify("w9", tried(by="w9"))

    def test_witness_from_the_future_is_dated_now(self) -> None:
        world = World()
        world.fleet.renew(lease())
        world.fleet.renew(lease("w2"))
        world.fleet.testify("w2", tried(seen_at_ms=NOW_MS + 3_600_000))
        world.clock.pass_ms(1)
        world.fleet.renew(lease())
        world.clock.pass_ms(EXPIRY_MS)
        world.fleet.look()
        assert not world.is_dead(), "it was seen after that"

    def test_witness_waits_for_the_lease_and_any_heartbeat_finds_it(self) -> None:
        world = World()
        world.fleet.renew(lease())
        world.sessions.hear([started()])
        world.fleet.hear_stopped(TASK_ARN)
        assert not world.is_dead()
        world.clock.pass_ms(EXPIRY_MS)
        world.fleet.renew(lease("w2"))
        assert world.is_dead()
        assert world.told() == ["session.started", "session.ended"]

    def test_worker_that_starts_again_leaves_no_session_behind(self) -> None:
        world = World().with_silent_worker()
        world.fleet.renew(lease(epoch=7))
        assert world.told() == ["session.started", "session.ended"]
        assert not world.store.enrolments["w1"].is_behind
        world.sessions.hear([started("s2", epoch=7)])
        world.fleet.look()
        assert world.told(session_id="s2") == ["session.started"]

    def test_lost_race_is_left_to_its_winner(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World().with_silent_worker()
        world.fleet.renew(lease("w2"))

        def fence(lease: Lease) -> None:
            raise ports.Conflict

        monkeypatch.setattr(world.repository, "fence", fence)
        world.fleet.testify("w2", tried())
        assert not world.is_dead()
        monkeypatch.undo()
        world.fleet.look()
        assert world.is_dead()

    def test_worker_that_cannot_be_cleared_holds_back_no_other(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World()
        for worker_id in ("w1", "w2"):
            task_id = f"task-{worker_id}"
            world.fleet.renew(lease(worker_id, task_id=task_id))
            world.sessions.hear([started(worker_id=worker_id)])
        load = world.kept.load

        def failing(key: Any) -> Session | None:
            if key.worker_id == "w1":
                raise RuntimeError("no")
            return load(key)

        for worker_id in ("w1", "w2"):
            seen = Witness(worker_id, 1, Sight.TASK_STOPPED, NOW_MS)
            world.repository.testify(seen)
        world.clock.pass_ms(EXPIRY_MS)
        monkeypatch.setattr(world.kept, "load", failing)
        with pytest.raises(RuntimeError):
            world.fleet.look()
        assert world.told(worker_id="w2") == ["session.started", "session.ended"]
        assert world.told() == ["session.started"]
        monkeypatch.undo()
        world.fleet.look()
        assert world.told() == ["session.started", "session.ended"]

    def test_many_sessions_are_all_ended(self) -> None:
        world = World()
        world.fleet.renew(lease())
        names = [f"s{number}" for number in range(250)]
        world.sessions.hear([started(name) for name in names])
        world.fleet.hear_stopped("task-1")
        world.clock.pass_ms(EXPIRY_MS)
        assert world.fleet.hear_stopped("task-1") is None
        assert not world.sessions.of_tenant("default")
        assert all(len(world.told(session_id=name)) == 2 for name in names)

    def test_session_that_ended_meanwhile_is_left_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World().with_silent_worker()
        keys = iter([(key_of(started()), key_of(started("s9"))), ()])
        monkeypatch.setattr(world.kept, "live_of_worker", lambda *of: next(keys))
        world.sessions.hear([ended()])
        world.sessions.fail_before("w1", 2)
        assert world.store.sessions[key_of(started())].ended == ended()


class TestStoppedTask:
    def test_lease_that_is_too_young_is_to_be_looked_at_again(self) -> None:
        world = World()
        world.fleet.renew(lease())
        world.clock.pass_ms(1_500)
        assert world.fleet.hear_stopped(TASK_ARN) == EXPIRY_MS - 1_500
        world.clock.pass_ms(EXPIRY_MS - 1_600)
        assert world.fleet.hear_stopped(TASK_ARN) == LEAST_WAIT_MS
        world.clock.pass_ms(LEAST_WAIT_MS)
        assert world.fleet.hear_stopped(TASK_ARN) is None
        assert world.is_dead()
        assert world.fleet.hear_stopped(TASK_ARN) is None
        assert world.store.enrolments["w1"].lease.epoch == 2

    def test_task_that_is_nobody_s_is_nothing(self) -> None:
        world = World()
        world.fleet.renew(lease(task_id=None))
        world.clock.pass_ms(EXPIRY_MS)
        assert world.fleet.hear_stopped(TASK_ARN) is None
        assert not world.is_dead()


class TestKill:
    def test_order_waits_for_the_heartbeat(self) -> None:
        world = World()
        world.fleet.renew(lease())
        world.sessions.hear([started()])
        for _ in range(2):
            world.fleet.kill("default", "s1", "alice")
        wanted = order(order_id(key_of(started())))
        assert world.fleet.renew(lease()).orders == (wanted,)
        world.sessions.hear([ended()])
        assert world.fleet.renew(lease()).orders == ()

    @pytest.mark.parametrize(
        ("tenant", "session_id", "uid"),
        [
            ("default", "s1", "bob"),
            ("default", "s2", "alice"),
            ("acme", "s1", None),
            ("default", "s3", "alice"),
        ],
    )
    def test_what_is_not_the_asker_s_is_not_there(
        self, tenant: str, session_id: str, uid: str | None
    ) -> None:
        world = World()
        world.fleet.renew(lease())
        world.sessions.hear([started(), started("s3"), ended("s3")])
        with pytest.raises(SessionNotFound):
            world.fleet.kill(tenant, session_id, uid)
        assert world.store.orders == {}

    @pytest.mark.parametrize("is_open", [True, False])
    def test_worker_in_reach_is_told_at_once(self, is_open: bool) -> None:
        door = Door(is_open)
        world = World(door)
        world.fleet.renew(lease())
        world.sessions.hear([started()])
        world.fleet.kill("default", "s1", None)
        wanted = order(order_id(key_of(started())))
        assert door.posted == [("10.0.0.7:8080", wanted)]
        assert world.fleet.renew(lease()).orders == (wanted,)

    def test_worker_of_another_epoch_is_not_told(self) -> None:
        door = Door()
        world = World(door)
        world.fleet.renew(lease())
        world.sessions.hear([started()])
        world.repository.renew(lease(epoch=2))
        world.fleet.kill("default", "s1", None)
        assert door.posted == []


class TestFacts:
    def test_stories_are_told_in_their_order(self) -> None:
        world = World()
        world.fleet.renew(lease())
        facts: list[Fact] = [started(), started("s2"), ended(), ended("s2")]
        world.sessions.hear(facts)
        world.sessions.hear(facts)
        for session_id in ("s1", "s2"):
            told = world.told(session_id=session_id)
            assert told == ["session.started", "session.ended"]

    def test_worker_that_was_never_heard_of_is_not_believed(self) -> None:
        world = World()
        with pytest.raises(Fenced):
            world.sessions.hear([started(), started("s2")])
        assert world.store.sessions == {}

    def test_lists_are_in_the_order_of_time(self) -> None:
        world = World()
        world.fleet.renew(lease())
        world.sessions.hear(
            [
                started("b", uid="bob"),
                started("a", started_at_ms=NOW_MS - 1),
                started("a2"),
            ]
        )

        def ids(found: tuple[Session, ...]) -> list[str]:
            return [one.key.session_id for one in found]

        assert ids(world.sessions.of_tenant("default")) == ["a", "a2", "b"]
        assert ids(world.sessions.of_user("default", "alice")) == ["a", "a2"]

    def test_business_is_told_what_the_worker_knew(self) -> None:
        world = World()
        world.fleet.renew(lease())
        world.sessions.hear([started(), ended()])
        address = address_of(key_of(started()))
        begun, over = world.store.events["default", address].values()
        assert (begun.at_ms, over.at_ms) == (NOW_MS, NOW_MS + 9000)
        assert begun.event_id != over.event_id
        assert begun.data == {
            "session_id": "s1",
            "call_type": "websocket",
            "uid": "alice",
            "caller": "sip:alice@example.com",
            "callee": None,
            "started_at": "2023-11-14T22:13:20Z",
        }
        assert over.data == {
            **begun.data,
            "answered_at": "2023-11-14T22:13:21Z",
            "ended_at": "2023-11-14T22:13:29Z",
            "duration_ms": 8000,
            "reason": "byCaller",
            "initiator": "caller",
            "dialog": {"call_id": "c1", "is_inbound": True, "status_code": 200},
            "counts": over.data["counts"],
        }
        assert over.data["counts"]["commands"] == 3

    def test_recording_is_told_once_and_by_itself(self) -> None:
        world = World()
        world.fleet.renew(lease())
        for _ in range(2):
            world.sessions.hear([ready(), started(), ended()])
        assert world.told() == ["session.started", "session.ended"]
        address = f"recording/{address_of(key_of(ready()))}"
        (event,) = world.store.events["default", address].values()
        assert (event.seq, event.type, event.is_last) == (1, "recording.ready", True)
        assert event.at_ms == NOW_MS + 10_000
        assert event.data == {
            "session_id": "s1",
            "call_type": "websocket",
            "uid": "alice",
            "started_at": "2023-11-14T22:13:20Z",
            "ready_at": "2023-11-14T22:13:30Z",
            "key": "s1.wav",
            "url": "s3://calls/s1.wav",
            "format": "wav",
            "size_bytes": 576_044,
            "duration_ms": 9_000,
        }
