"""Workers that live and die while storage fails: each session ends exactly once."""

import threading
from collections.abc import Sequence
from enum import Enum
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from chalicelib.adapters.memory import Store
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.domain.sessions import Session, key_of
from chalicelib.protocol.lease import EXPIRY_MS, Fact, Lease, Sight, Witness
from chalicelib.services import ports
from chalicelib.services.fleet import FleetService
from chalicelib.services.ports import OutboxEvent
from chalicelib.services.retries import Unavailable
from chalicelib.services.roster import Enrolment, Fenced
from chalicelib.services.sessions import SessionService, address_of
from tests.adapters.fleet_contract import ended, lease, started
from tests.builders import FakeClock, FakeDraws

WORKERS = ("w1", "w2", "w3")


class Fault(Enum):
    """What becomes of a write."""

    NONE = "it is carried out and answered"
    THROTTLED = "it is refused for its haste"
    LOST_REQUEST = "it never arrives, and nobody knows"
    LOST_ANSWER = "it is carried out, and nobody knows"
    CRASH_BEFORE = "its sender ends before it is sent"
    CRASH_AFTER = "its sender ends before it is answered"


class Crashed(Exception):
    """The function that ran has ended."""


class Faults:
    """Those to come; without any left, nothing goes wrong."""

    def __init__(self) -> None:
        self._to_come: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, faults: Sequence[Fault]) -> None:
        self._to_come = list(faults)

    def write(self, write: Any, *arguments: Any) -> Any:
        with self._lock:
            fault = self._to_come.pop(0) if self._to_come else Fault.NONE
        if fault is Fault.THROTTLED:
            raise ports.Throttled
        if fault is Fault.LOST_REQUEST:
            raise ports.UnknownOutcome
        if fault is Fault.CRASH_BEFORE:
            raise Crashed
        answer = write(*arguments)
        if fault is Fault.LOST_ANSWER:
            raise ports.UnknownOutcome
        if fault is Fault.CRASH_AFTER:
            raise Crashed
        return answer


class FaultyFleet(MemoryFleet):
    """Fences nobody whom one witness alone accuses: it looks for itself."""

    def __init__(self, store: Store, faults: Faults, clock: FakeClock) -> None:
        super().__init__(store)
        self._faults = faults
        self._clock = clock

    def renew(self, lease: Lease) -> Enrolment:
        renewed: Enrolment = self._faults.write(super().renew, lease)
        return renewed

    def fence(self, lease: Lease) -> None:
        age_ms = self._clock.now_ms() - lease.renewed_at_ms
        assert age_ms >= EXPIRY_MS
        assert any(
            (seen.worker_id, seen.epoch) == (lease.worker_id, lease.epoch)
            and (seen.by is None or seen.seen_at_ms >= lease.renewed_at_ms)
            for seen in self.roster().witnesses
        )
        self._faults.write(super().fence, lease)

    def clear(self, enrolment: Enrolment, now_ms: int) -> None:
        self._faults.write(super().clear, enrolment, now_ms)

    def testify(self, witness: Witness) -> None:
        self._faults.write(super().testify, witness)


class FaultySessions(MemorySessions):
    def __init__(self, store: Store, faults: Faults) -> None:
        super().__init__(store)
        self._faults = faults

    def store(
        self,
        before: Session | None,
        after: Session,
        events: Sequence[OutboxEvent],
        epoch: int | None,
    ) -> None:
        self._faults.write(super().store, before, after, events, epoch)


class Fleet(RuleBasedStateMachine):
    """Workers tell facts in any order and again; time passes; functions crash."""

    facts = Bundle("facts")

    @initialize()
    def begin(self) -> None:
        self.kept = Store()
        self.clock = FakeClock()
        self.faults = Faults()
        self.repository = FaultyFleet(self.kept, self.faults, self.clock)
        sessions = FaultySessions(self.kept, self.faults)
        self.sessions = SessionService(sessions, self.clock, FakeDraws())
        self.fleet = FleetService(
            self.repository, self.sessions, None, self.clock, FakeDraws()
        )
        self.epochs = dict.fromkeys(WORKERS, 1)
        self.count = 0
        for worker_id in WORKERS:
            self.repository.renew(self.lease_of(worker_id))

    def lease_of(self, worker_id: str) -> Lease:
        epoch = self.epochs[worker_id]
        return lease(worker_id, epoch, task_id=f"{worker_id}-{epoch}")

    def run(self, act: Any, *arguments: Any) -> bool:
        try:
            act(*arguments)
        except (Crashed, Fenced, Unavailable):
            return False
        finally:
            self.faults.plan([])
        return True

    @rule(faults=st.lists(st.sampled_from(Fault), max_size=5))
    def plan(self, faults: list[Fault]) -> None:
        self.faults.plan(faults)

    @rule(worker_id=st.sampled_from(WORKERS))
    def renew(self, worker_id: str) -> None:
        self.run(self.fleet.renew, self.lease_of(worker_id))

    @rule(worker_id=st.sampled_from(WORKERS))
    def start_again(self, worker_id: str) -> None:
        self.epochs[worker_id] += 2
        self.run(self.fleet.renew, self.lease_of(worker_id))

    @rule(target=facts, worker_id=st.sampled_from(WORKERS))
    def hold_session(self, worker_id: str) -> tuple[Fact, ...]:
        self.count += 1
        about = {"worker_id": worker_id, "epoch": self.epochs[worker_id]}
        name = f"s{self.count}"
        return (started(name, **about), ended(name, **about))

    @rule(told=facts, places=st.lists(st.integers(0, 1), min_size=1, max_size=3))
    def tell(self, told: tuple[Fact, ...], places: list[int]) -> None:
        facts = [told[place] for place in places]
        worker_id, epoch = facts[0].worker_id, facts[0].epoch
        stands = self.kept.enrolments[worker_id].lease.epoch == epoch
        before = dict(self.kept.sessions)
        self.run(self.sessions.hear, facts)
        if not stands:
            assert self.kept.sessions == before

    @rule(told=consumes(facts))
    def forget(self, told: tuple[Fact, ...]) -> None:
        """The worker is gone before it could tell."""

    @rule(by=st.sampled_from(WORKERS), of=st.sampled_from(WORKERS))
    def accuse(self, by: str, of: str) -> None:
        """Rightly or not."""
        epoch, now_ms = self.epochs[of], self.clock.now_ms()
        witness = Witness(of, epoch, Sight.UNREACHABLE, now_ms, by=by)
        if by != of:
            self.run(self.fleet.testify, by, witness)

    @rule(worker_id=st.sampled_from(WORKERS))
    def stop_task(self, worker_id: str) -> None:
        self.run(self.fleet.hear_stopped, self.lease_of(worker_id).task_id)

    @rule()
    def look(self) -> None:
        self.run(self.fleet.look)

    @rule(seconds=st.integers(1, 9))
    def wait(self, seconds: int) -> None:
        self.clock.pass_ms(seconds * 1000)

    @invariant()
    def story_of_each_session_is_whole(self) -> None:
        for session in self.kept.sessions.values():
            told = self.told(session)
            assert told[0] == "session.started"
            assert told[1:] == ([] if session.is_live else ["session.ended"])

    @invariant()
    def dead_worker_has_lost_its_epoch(self) -> None:
        for worker_id, one in self.kept.enrolments.items():
            assert not one.is_dead or one.lease.epoch != self.epochs[worker_id]

    def told(self, session: Session) -> list[str]:
        place = (session.key.tenant, address_of(key_of(session.started)))
        events = self.kept.events[place]
        return [events[seq].type for seq in sorted(events)]

    def teardown(self) -> None:
        """All workers die; then nothing is left alive."""
        if not hasattr(self, "kept"):
            return
        self.faults.plan([])
        self.clock.pass_ms(EXPIRY_MS)
        for worker_id in WORKERS:
            lease = self.kept.enrolments[worker_id].lease
            assert self.fleet.hear_stopped(str(lease.task_id)) is None
        for session in self.kept.sessions.values():
            assert self.told(session) == ["session.started", "session.ended"]
        for one in self.kept.enrolments.values():
            assert one.is_dead and not one.is_behind


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=60, stateful_step_count=30)
