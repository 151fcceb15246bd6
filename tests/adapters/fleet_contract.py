"""What every repository of workers and sessions must do."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.sessions import Session, hear, key_of
from chalicelib.protocol.lease import (
    Counts,
    DialogFacts,
    Drain,
    EndSession,
    Lease,
    RecordingReady,
    SessionEnded,
    SessionStarted,
    Sight,
    Witness,
)
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.services import ports
from chalicelib.services.ports import CallRepository
from chalicelib.services.roster import (
    Enrolment,
    Fenced,
    FleetRepository,
    Roster,
    SessionRepository,
)
from chalicelib.services.sessions import address_of, event_of, order_id
from tests.builders import NOW_MS


def lease(worker_id: str = "w1", epoch: int = 1, **changes: Any) -> Lease:
    fields: dict[str, Any] = {
        "address": "10.0.0.7:8080",
        "ws_url": "wss://w1.example",
        "sessions": 1,
        "capacity": 100,
        "is_draining": False,
        "renewed_at_ms": NOW_MS,
        "task_id": "task-1",
    }
    return Lease(worker_id, epoch, **{**fields, **changes})


def order(command_id: str = "k1") -> EndSession:
    return EndSession("s1", "bySystem", "system", command_id)


class FleetRepositoryContract:
    """Subclasses give a fixture ``fleet`` with an empty repository."""

    def test_nobody_is_enrolled_at_first(self, fleet: FleetRepository) -> None:
        assert fleet.roster() == Roster()
        assert fleet.enrolment("w1") is None
        assert fleet.orders("w1", 1) == ()

    def test_renew_enrols_with_nothing_left_behind(
        self, fleet: FleetRepository
    ) -> None:
        enrolment = fleet.renew(lease())
        assert enrolment == Enrolment(lease(), cleared_epoch=1)
        assert not enrolment.is_behind
        assert fleet.enrolment("w1") == enrolment
        later = lease(renewed_at_ms=NOW_MS + 3000, sessions=2)
        assert fleet.renew(later) == Enrolment(later, 1)
        other = fleet.renew(lease("w2", task_id=None))
        found = fleet.roster().enrolments
        assert sorted(found, key=lambda one: one.lease.worker_id) == [
            Enrolment(later, 1),
            other,
        ]

    def test_worker_that_starts_again_is_behind(self, fleet: FleetRepository) -> None:
        fleet.renew(lease())
        again = fleet.renew(lease(epoch=5))
        assert (again.cleared_epoch, again.is_behind) == (1, True)
        fleet.clear(again, NOW_MS)
        assert fleet.enrolment("w1") == Enrolment(lease(epoch=5), 5)
        with pytest.raises(Fenced):
            fleet.renew(lease(epoch=4))

    def test_fence_needs_the_lease_as_it_was_read(self, fleet: FleetRepository) -> None:
        with pytest.raises(ports.Conflict):
            fleet.fence(lease())
        fleet.renew(lease(renewed_at_ms=NOW_MS + 3000))
        with pytest.raises(ports.Conflict):
            fleet.fence(lease())
        stands = lease(renewed_at_ms=NOW_MS + 3000)
        fleet.fence(stands)
        dead = Enrolment(stands.taken_over(), 1, is_dead=True)
        assert fleet.enrolment("w1") == dead
        assert dead.is_behind
        with pytest.raises(ports.Conflict):
            fleet.fence(stands)
        with pytest.raises(Fenced):
            fleet.renew(stands)

    def test_fenced_worker_may_come_back_in_a_later_epoch(
        self, fleet: FleetRepository
    ) -> None:
        fleet.renew(lease())
        fleet.fence(lease())
        dead = fleet.enrolment("w1")
        assert dead is not None
        back = fleet.renew(lease(epoch=2))
        assert (back.is_dead, back.is_behind) == (False, True)
        fleet.renew(lease(epoch=3))
        fleet.clear(dead, NOW_MS)
        found = fleet.enrolment("w1")
        assert found == Enrolment(lease(epoch=3), 1), "its epoch is over"

    def test_dead_worker_is_cleared(self, fleet: FleetRepository) -> None:
        fleet.renew(lease())
        fleet.fence(lease())
        dead = fleet.enrolment("w1")
        assert dead is not None
        fleet.clear(dead, NOW_MS)
        assert fleet.enrolment("w1") == replace(dead, cleared_epoch=2)

    def test_witnesses_are_kept_once_each(self, fleet: FleetRepository) -> None:
        stopped = Witness("w1", 1, Sight.TASK_STOPPED, NOW_MS)
        tried = Witness("w1", 1, Sight.UNREACHABLE, NOW_MS, by="w2")
        for witness in (stopped, tried, tried):
            fleet.testify(witness)
        later = replace(tried, seen_at_ms=NOW_MS + 1)
        fleet.testify(later)
        assert set(fleet.roster().witnesses) == {stopped, later}

    def test_orders_wait_until_they_are_done(self, fleet: FleetRepository) -> None:
        for command_id in ("k2", "k1", "k1"):
            fleet.keep_order("w1", 1, order(command_id))
        fleet.keep_order("w2", 1, order("k3"))
        assert fleet.orders("w1", 1) == (order("k1"), order("k2"))
        assert fleet.orders("w1", 2) == (), "of a former life"
        fleet.drop_order("w1", "k1")
        fleet.drop_order("w1", "k1")
        assert fleet.orders("w1", 1) == (order("k2"),)

    def test_last_order_to_drain_is_kept_beside_the_others(
        self, fleet: FleetRepository
    ) -> None:
        until_ms = NOW_MS + 172_800_000
        fleet.keep_order("w1", 1, Drain("w1", 1), until_ms)
        fleet.keep_order("w1", 1, order("a"))
        last = Drain("w1", 1, NOW_MS)
        fleet.keep_order("w1", 1, last, until_ms)
        assert fleet.orders("w1", 1) == (order("a"), last)
        assert fleet.orders("w1", 2) == (), "of a former life"


def started(session_id: str = "s1", **changes: Any) -> SessionStarted:
    fields: dict[str, Any] = {
        "tenant": "default",
        "session_id": session_id,
        "worker_id": "w1",
        "epoch": 1,
        "uid": "alice",
        "call_type": CallType.WEBSOCKET,
        "started_at_ms": NOW_MS,
        "caller": "sip:alice@example.com",
    }
    return SessionStarted(**{**fields, **changes})


def ended(session_id: str = "s1", **changes: Any) -> SessionEnded:
    fields: dict[str, Any] = {
        "tenant": "default",
        "session_id": session_id,
        "worker_id": "w1",
        "epoch": 1,
        "uid": "alice",
        "call_type": CallType.WEBSOCKET,
        "started_at_ms": NOW_MS,
        "ended_at_ms": NOW_MS + 9000,
        "answered_at_ms": NOW_MS + 1000,
        "reason": "byCaller",
        "initiator": "caller",
        "caller": "sip:alice@example.com",
        "dialog": DialogFacts("c1", True, 200),
        "counts": Counts(commands=3),
    }
    return SessionEnded(**{**fields, **changes})


def ready(session_id: str = "s1", **changes: Any) -> RecordingReady:
    fields: dict[str, Any] = {
        "tenant": "default",
        "session_id": session_id,
        "worker_id": "w1",
        "epoch": 1,
        "uid": "alice",
        "call_type": CallType.WEBSOCKET,
        "started_at_ms": NOW_MS,
        "ready_at_ms": NOW_MS + 10_000,
        "key": "s1.wav",
        "url": "s3://calls/s1.wav",
        "format": "wav",
        "size_bytes": 576_044,
        "duration_ms": 9_000,
    }
    return RecordingReady(**{**fields, **changes})


class SessionRepositoryContract:
    """Subclasses give fixtures ``repository`` and ``fleet``, of one empty store, and
    ``calls`` of the same.
    """

    def begin(self, repository: SessionRepository, *facts: SessionStarted) -> None:
        for fact in facts:
            decision = hear(None, fact)
            events = [event_of(one, True) for one in decision.told]
            repository.store(None, decision.session, events, fact.epoch)

    def finish(
        self, repository: SessionRepository, fact: SessionEnded, epoch: int | None
    ) -> None:
        before = repository.load(key_of(fact))
        decision = hear(before, fact)
        events = [event_of(one, one is fact) for one in decision.told]
        repository.store(before, decision.session, events, epoch)

    def test_session_is_kept_as_it_was_told(
        self, repository: SessionRepository, fleet: FleetRepository
    ) -> None:
        fleet.renew(lease())
        assert repository.load(key_of(started())) is None
        self.begin(repository, started())
        assert repository.load(key_of(started())) == Session(started())
        self.finish(repository, ended(), 1)
        assert repository.load(key_of(started())) == Session(started(), ended())

    def test_end_alone_is_kept(
        self,
        repository: SessionRepository,
        fleet: FleetRepository,
        calls: CallRepository,
    ) -> None:
        fleet.renew(lease())
        self.finish(repository, ended(), 1)
        assert repository.live_of_tenant("default") == ()
        told = calls.outbox("default", address_of(key_of(ended())), 1)
        assert [(one.seq, one.type, one.is_last) for one in told] == [
            (1, "session.started", False),
            (2, "session.ended", True),
        ]

    def test_events_stand_in_an_outbox_like_a_call_s(
        self,
        repository: SessionRepository,
        fleet: FleetRepository,
        calls: CallRepository,
    ) -> None:
        fleet.renew(lease())
        self.begin(repository, started())
        address = address_of(key_of(started()))
        assert calls.outbox("default", address, 1) == (event_of(started(), True),)
        self.finish(repository, ended(), 1)
        assert calls.outbox("default", address, 2) == (event_of(ended(), True),)

    def test_event_beside_the_story_is_told_once(
        self,
        repository: SessionRepository,
        fleet: FleetRepository,
        calls: CallRepository,
    ) -> None:
        fleet.renew(lease())
        event = event_of(ready(), True)
        for told in (event, replace(event, at_ms=event.at_ms + 1)):
            repository.tell(key_of(ready()), told, 1)
        assert calls.outbox("default", event.call_id, 1) == (event,)

    @pytest.mark.parametrize("epoch", [0, 2])
    def test_event_of_a_fenced_worker_does_not_count(
        self, repository: SessionRepository, fleet: FleetRepository, epoch: int
    ) -> None:
        if epoch:
            fleet.renew(lease(epoch=epoch))
        with pytest.raises(Fenced):
            repository.tell(key_of(ready()), event_of(ready(), True), 1)

    def test_lost_race_stores_nothing(
        self,
        repository: SessionRepository,
        fleet: FleetRepository,
        calls: CallRepository,
    ) -> None:
        fleet.renew(lease())
        self.begin(repository, started())
        over = Session(started(), ended())
        with pytest.raises(ports.Conflict):
            self.begin(repository, started())
        self.finish(repository, ended(), 1)
        with pytest.raises(ports.Conflict):
            repository.store(Session(started()), over, [], 1)
        with pytest.raises(ports.Conflict):
            repository.store(None, Session(started()), [], 1)
        assert repository.load(over.key) == over
        assert repository.live_of_tenant("default") == ()

    @pytest.mark.parametrize("epoch", [0, 2])
    def test_fenced_worker_s_word_does_not_count(
        self, repository: SessionRepository, fleet: FleetRepository, epoch: int
    ) -> None:
        if epoch:
            fleet.renew(lease(epoch=epoch))
        with pytest.raises(Fenced):
            self.begin(repository, started())
        assert repository.load(key_of(started())) is None
        self.finish(repository, ended(), None)

    def test_live_sessions_are_found_by_worker_user_and_id(
        self, repository: SessionRepository, fleet: FleetRepository
    ) -> None:
        for worker_id in ("w1", "w2"):
            fleet.renew(lease(worker_id))
        long = "ü" * 256
        mine = started()
        again = started(started_at_ms=NOW_MS + 1)
        bobs = started("s2", uid="bob", worker_id="w2")
        theirs = started("s1", tenant="acme", uid=long)
        self.begin(repository, mine, again, bobs, theirs)

        assert set(repository.live_of_tenant("default")) == set(
            map(Session, (mine, again, bobs))
        )
        assert set(repository.live_of_user("default", "alice")) == {
            Session(mine),
            Session(again),
        }
        assert repository.live_of_user("acme", long) == (Session(theirs),)
        assert repository.live_of_user("default", "ali") == ()
        assert set(repository.live_of_id("default", "s1")) == {
            Session(mine),
            Session(again),
        }
        assert repository.live_of_worker("w1", 1) == ()
        assert set(repository.live_of_worker("w1", 2)) == {
            key_of(mine),
            key_of(again),
            key_of(theirs),
        }
        self.finish(repository, ended(), 1)
        assert repository.live_of_id("default", "s1") == (Session(again),)
        assert repository.live_of_user("default", "alice") == (Session(again),)
        assert key_of(mine) not in repository.live_of_worker("w1", 2)

    def test_end_takes_the_order_for_it_along(
        self, repository: SessionRepository, fleet: FleetRepository
    ) -> None:
        fleet.renew(lease())
        self.begin(repository, started(), started("s2"))
        for session_id in ("s1", "s2"):
            kept = order(order_id(key_of(started(session_id))))
            fleet.keep_order("w1", 1, kept)
        self.finish(repository, ended(), 1)
        assert fleet.orders("w1", 1) == (kept,)
