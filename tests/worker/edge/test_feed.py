"""The roster, as the control plane tells it, or does not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from mediaworker.edge import feed as feeding
from mediaworker.edge.feed import RosterFeed
from mediaworker.runtime import clock
from tests.peers.edge import FakeRoster, lease_of
from tests.worker.gateway.fakes import SECRET
from tests.worker.telephony.stage import eventually


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "POLL_SECONDS", 0.01)


@asynccontextmanager
async def fed(url: str, secret: str = SECRET) -> AsyncIterator[RosterFeed]:
    made = RosterFeed(url, "edge1", secret, clock.epoch_ms, clock.monotonic)
    running = asyncio.ensure_future(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def play(act: Callable[[FakeRoster], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20), FakeRoster().listening() as control:
            await act(control)

    asyncio.run(bounded())


def test_learn_of_workers_that_come_and_go() -> None:
    async def act(control: FakeRoster) -> None:
        control.leases = [lease_of("w1", 5060), lease_of("w2", 5061)]
        async with fed(control.url) as feed:
            await eventually(lambda: set(feed.roster.workers) == {"w1", "w2"})
            control.leases = [lease_of("w2", 5061, is_draining=True)]
            await eventually(lambda: set(feed.roster.workers) == {"w2"})
            assert not feed.roster.takers
            assert feed.age_seconds < 5 and feed.failures == 0

    play(act)


def test_keep_the_last_roster_while_the_control_plane_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def act(control: FakeRoster) -> None:
        control.leases = [lease_of("w1", 5060)]
        async with fed(control.url) as feed:
            await eventually(lambda: feed.roster.takers)
            control.planned = [
                web.Response(status=503),
                web.Response(text="nonsense"),
                web.json_response({"v": 1}),
                web.json_response({"v": 99, "workers": []}),
                web.json_response([]),
                web.json_response({"v": 1, "workers": [{"v": 1}]}),
                web.Response(status=302, headers={"Location": "http://127.0.0.1:9"}),
            ]
            await eventually(lambda: feed.failures == 7)
            asked = control.asked
            await eventually(lambda: control.asked > asked + 1)
            assert set(feed.roster.workers) == {"w1"} and feed.failures == 7

    with caplog.at_level(logging.INFO, feeding.__name__):
        play(act)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "roster changed",
        "control plane - UP -> AWAY",
        "control plane - AWAY -> UP",
    ]


def test_know_nobody_before_it_was_told() -> None:
    async def act(control: FakeRoster) -> None:
        async with fed("http://127.0.0.1:9") as feed:
            await eventually(lambda: feed.failures)
            assert feed.age_seconds == float("inf") and not feed.roster.workers
        async with fed(control.url, "another-secret-of-thirty-two-bytes") as feed:
            await eventually(lambda: feed.failures)
            assert not feed.roster.workers

    play(act)
