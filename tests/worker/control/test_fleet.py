"""A worker and its control plane, on the loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chalicelib.protocol.control import HealthStatus, WorkerHealth
from chalicelib.protocol.fleet import Heartbeat
from chalicelib.protocol.lease import EndSession, Lease, Order, Sight
from mediaworker.control import fleet as module
from mediaworker.control import outbox
from mediaworker.control.fleet import Alone, Body, Member
from mediaworker.control.membership import Me, Membership, Standing
from mediaworker.control.plane import ControlPlane
from tests.peers.fake_control import FakeControl
from tests.worker.control.builders import ended, started
from tests.worker.gateway.fakes import SECRET, run

EPOCH = 4_000_000_000_000


@dataclass
class Life:
    """A member of the fake control plane's fleet."""

    control: FakeControl = field(default_factory=lambda: FakeControl(SECRET))
    orders: list[Order] = field(default_factory=list)
    fenced: asyncio.Event = field(default_factory=asyncio.Event)
    is_draining: bool = False

    @contextlib.asynccontextmanager
    async def led(self) -> AsyncIterator[Member]:
        me = Me("w1", EPOCH, "127.0.0.1:1", "ws://127.0.0.1:1", 250)
        body = Body(
            lambda: Standing(len(self.orders), self.is_draining),
            lambda order: not self.orders.append(order),  # type: ignore[func-returns-value]
            self.fenced.set,
        )
        async with self.control.listening() as control, asyncio.TaskGroup() as tasks:
            member = Member(
                Membership(me),
                body,
                lambda client: ControlPlane(
                    client, control.url, "w1", SECRET, lambda: EPOCH
                ),
                lambda: EPOCH,
            )
            running = tasks.create_task(member.run())
            yield member
            running.cancel()


def live(talk: Callable[[Life, Member], Awaitable[None]]) -> None:
    async def whole() -> None:
        life = Life()
        async with life.led() as member:
            await talk(life, member)

    run(whole)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(outbox, "FIRST_WAIT_SECONDS", 0.01)


def test_renew_its_lease_and_take_sessions_then() -> None:
    async def talk(life: Life, member: Member) -> None:
        assert not member.may_take_sessions()
        assert "lease_age_seconds" not in member.readings()
        await life.control.until(lambda: life.control.renewals >= 3)
        assert member.may_take_sessions()
        assert member.readings()["lease_age_seconds"] < 8
        lease = life.control.leases["w1"]
        assert (lease.epoch, lease.capacity, lease.is_draining) == (EPOCH, 250, False)
        life.is_draining = True
        member.announce()
        await life.control.until(lambda: life.control.leases["w1"].is_draining)

    live(talk)


def test_outlive_a_control_plane_that_is_away() -> None:
    async def talk(life: Life, member: Member) -> None:
        life.control.statuses["lease"] = [503, 500, 401, 404, 400]
        await life.control.until(lambda: life.control.renewals >= 2)
        assert not life.fenced.is_set()

    live(talk)


def test_tell_facts_in_order_through_every_failure() -> None:
    async def talk(life: Life, member: Member) -> None:
        life.control.statuses["facts"] = [503, 500, 429]
        told = [started(1), ended(1), started(2)]
        for fact in told:
            member.tell(fact)
        await life.control.until(lambda: len(life.control.facts) == 3)
        assert life.control.facts == told
        await member.flush(1.0)
        assert member.readings()["facts_waiting"] == 0

    live(talk)


def test_give_up_a_fact_that_is_refused() -> None:
    async def talk(life: Life, member: Member) -> None:
        life.control.statuses["facts"] = [400]
        member.tell(started(1))
        await member.flush(1.0)
        assert member.readings()["facts_dropped_total"] == 1
        member.tell(started(2))
        await life.control.until(lambda: life.control.facts)
        assert life.control.facts == [started(2)]

    live(talk)


def test_flush_no_longer_than_it_may() -> None:
    async def talk(life: Life, member: Member) -> None:
        life.control.statuses["facts"] = [503] * 1_000
        member.tell(started(1))
        await member.flush(0.01)
        assert member.readings()["facts_waiting"] == 1

    live(talk)


def test_obey_once_and_say_that_it_is_done() -> None:
    async def talk(life: Life, member: Member) -> None:
        order = EndSession("s1", "bySystem", "system", "c/1?")
        life.control.statuses["done"] = [503]
        life.control.answers = Heartbeat(orders=(order,))
        await life.control.until(lambda: len(life.control.done) >= 2)
        assert set(life.control.done) == {"c/1?"}
        assert life.orders == [order]
        assert member.take(order)
        other = EndSession("s2", "bySystem", "system", "c2")
        assert member.take(other)
        assert member.take(other)
        assert life.orders == [order, other]

    live(talk)


@pytest.mark.parametrize("kind", ["lease", "facts"])
def test_stop_when_it_is_fenced(kind: str) -> None:
    async def talk(life: Life, member: Member) -> None:
        await life.control.until(lambda: life.control.renewals)
        life.control.statuses[kind] = [409]
        member.tell(started(1))
        async with asyncio.timeout(5):
            await life.fenced.wait()
        assert not member.may_take_sessions()
        await member.flush(1.0)

    live(talk)


def test_not_take_what_is_said_of_others_for_its_own_end() -> None:
    async def talk(life: Life, member: Member) -> None:
        life.control.statuses = {"done": [409], "witnesses": [409]}
        order = EndSession("s1", "bySystem", "system", "c1")
        life.control.answers = Heartbeat((suspect("127.0.0.1:1"),), (order,))
        await life.control.until(lambda: life.control.done and life.control.witnesses)
        assert not life.fenced.is_set()

    live(talk)


def suspect(address: str) -> Lease:
    return Lease("w2", 3, address, "ws://w2", 1, 250, False, 5)


def test_bear_witness_of_who_is_not_there() -> None:
    async def talk(life: Life, member: Member) -> None:
        life.control.answers = Heartbeat(suspects=(suspect("127.0.0.1:1"),))
        await life.control.until(lambda: life.control.witnesses)
        witness = life.control.witnesses[0]
        assert (witness.worker_id, witness.epoch, witness.by) == ("w2", 3, "w1")
        assert witness.sight is Sight.UNREACHABLE

    live(talk)


@pytest.mark.parametrize("worker_id", ["w2", "w3"])
def test_know_a_worker_by_its_health(worker_id: str) -> None:
    asked = 0

    async def health(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response(WorkerHealth(worker_id, HealthStatus.OK, 0).render())

    async def talk(life: Life, member: Member) -> None:
        application = web.Application()
        application.router.add_get("/health", health)
        async with TestServer(application) as server:
            where = suspect(f"127.0.0.1:{server.port}")
            life.control.answers = Heartbeat(suspects=(where,))
            before = life.control.renewals
            is_another = worker_id != "w2"
            await life.control.until(
                lambda: (
                    life.control.witnesses
                    if is_another
                    else asked > 1 and life.control.renewals > before + 3
                )
            )
            assert bool(life.control.witnesses) is is_another
            life.control.answers = Heartbeat()
            await life.control.until(lambda: life.control.renewals > before + 6)

    live(talk)


def test_run_alone_and_obey() -> None:
    async def talk() -> None:
        orders: list[Order] = []
        alone = Alone(
            Body(
                lambda: Standing(0, False),
                lambda order: not orders.append(order),  # type: ignore[func-returns-value]
                lambda: None,
            )
        )
        alone.tell(started(1))
        alone.announce()
        await alone.flush(1.0)
        assert alone.may_take_sessions()
        assert alone.readings() == {}
        order = EndSession("s1", "bySystem", "system", "c1")
        assert alone.take(order)
        assert orders == [order]
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(alone.run())
            await asyncio.sleep(0)
            running.cancel()

    run(talk)


def test_come_back_sooner_when_a_lease_may_run_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 60.0)
    monkeypatch.setattr(module, "SOONEST_SECONDS", 0.01)

    async def talk(life: Life, member: Member) -> None:
        life.control.answers = Heartbeat(again_in_ms=1)
        await life.control.until(lambda: life.control.renewals >= 3)
        life.control.answers = Heartbeat()
        seen = life.control.renewals
        await life.control.until(lambda: life.control.renewals > seen)
        seen = life.control.renewals
        await asyncio.sleep(0.1)
        assert life.control.renewals == seen, "the usual time again"

    live(talk)
