"""When ECS is asked to spare a task, and an agent that is asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.control import protection as module
from mediaworker.control import task_guard
from mediaworker.control.membership import Standing
from mediaworker.control.protection import (
    IDLE_SECONDS,
    LONGEST_RETRY_SECONDS,
    RENEW_SECONDS,
    Protection,
    Wish,
)
from mediaworker.control.task_guard import TaskGuard
from tests.worker.gateway.fakes import run

ON, OFF = Wish(True), Wish(False)
START = 1_000.0


def protected(at: float = START) -> Protection:
    protection = Protection(START)
    assert protection.wish(0, False, at) == ON
    protection.granted(ON, at)
    return protection


def test_protect_from_the_start_and_let_go_when_nobody_comes() -> None:
    protection = protected()
    assert protection.wish(0, False, START + IDLE_SECONDS - 1) is None
    assert protection.wish(0, False, START + IDLE_SECONDS) == OFF
    protection.granted(OFF, START + IDLE_SECONDS)
    assert protection.wish(0, False, START + 9_999) is None


def test_protect_again_at_once_for_a_session_after_long_silence() -> None:
    protection = protected()
    late = START + 10 * IDLE_SECONDS
    assert protection.wish(0, False, late) == OFF
    protection.granted(OFF, late)
    assert protection.wish(1, False, late + 1) == ON
    protection.granted(ON, late + 1)
    assert protection.wish(0, False, late + 1 + IDLE_SECONDS - 1) is None
    assert protection.wish(0, False, late + 1 + IDLE_SECONDS) == OFF


def test_renew_before_it_expires_as_long_as_sessions_live() -> None:
    protection = protected()
    assert RENEW_SECONDS < module.EXPIRES_MINUTES * 60 / 2
    assert protection.wish(1, False, START + RENEW_SECONDS - 1) is None
    assert protection.wish(1, False, START + RENEW_SECONDS) == ON


def test_let_go_at_the_end_of_a_drain_at_once() -> None:
    protection = protected()
    assert protection.wish(1, True, START + 1) is None
    assert protection.wish(0, True, START + 2) == OFF
    assert Protection(START).wish(0, True, START) == OFF


def test_try_again_later_and_later() -> None:
    protection, now, waits = Protection(START), START, []
    for _ in range(20):
        assert protection.wish(1, False, now) == ON
        protection.failed(now, 1.0)
        assert protection.wish(1, False, now) is None
        before = now
        while protection.wish(1, False, now) is None:
            now += 0.5
        waits.append(now - before)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, LONGEST_RETRY_SECONDS)
    protection.granted(ON, now)
    assert protection.wish(1, False, now) is None


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 400), st.integers(0, 2), st.booleans(), st.booleans())
    )
)
def test_never_leave_a_session_unasked_for(
    steps: list[tuple[float, int, bool, bool]],
) -> None:
    protection, now, stands = Protection(START), START, False
    for passed, sessions, is_draining, is_answered in steps:
        now += passed
        wish = protection.wish(sessions, is_draining, now)
        if wish is None:
            continue
        assert wish.is_protected or not sessions
        if is_answered:
            protection.granted(wish, now)
            stands = wish.is_protected
        else:
            protection.failed(now, 0.5)
    now += LONGEST_RETRY_SECONDS
    wish = protection.wish(1, False, now)
    assert wish == ON or stands


def test_ask_as_ecs_has_it() -> None:
    assert ON.render() == {"ProtectionEnabled": True, "ExpiresInMinutes": 60}
    assert OFF.render() == {"ProtectionEnabled": False}


@dataclass
class FakeAgent:
    """Of ECS; keeps to the documented answers."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)
    """Of the next requests; then all are granted."""
    url: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["FakeAgent"]:
        application = web.Application()
        application.router.add_put("/api/task-protection/v1/state", self._put)
        async with TestServer(application) as server:
            self.url = str(server.make_url("/api"))
            yield self

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.asked) < count:
                self.news.clear()
                await self.news.wait()

    async def _put(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        self.news.set()
        if self.answers:
            status, answer = self.answers.pop(0)
            if isinstance(answer, str):
                return web.Response(status=status, text=answer)
            return web.json_response(answer, status=status)
        told = {"ProtectionEnabled": body["ProtectionEnabled"], "TaskArn": "arn:t"}
        return web.json_response({"protection": told})


@dataclass
class Guarded:
    agent: FakeAgent = field(default_factory=FakeAgent)
    standing: Standing = Standing(0, False)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Guarded"]:
        async with self.agent.listening() as agent, asyncio.TaskGroup() as tasks:
            guard = TaskGuard(agent.url, lambda: self.standing)
            task = tasks.create_task(guard.run())
            yield self
            task.cancel()


def guarded(talk: Callable[[Guarded], Awaitable[None]], *answers: Any) -> None:
    async def whole() -> None:
        found = Guarded()
        found.agent.answers += answers
        async with found.running():
            await talk(found)

    run(whole)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_guard, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.005)
    monkeypatch.setattr(module, "LONGEST_RETRY_SECONDS", 0.01)


@pytest.mark.usefixtures("impatient")
def test_follow_the_sessions() -> None:
    async def talk(found: Guarded) -> None:
        await found.agent.until(1)
        found.standing = Standing(1, True)
        await asyncio.sleep(0.03)
        found.standing = Standing(0, True)
        await found.agent.until(2)
        await asyncio.sleep(0.03)
        assert found.agent.asked == [ON.render(), OFF.render()]

    guarded(talk)


@pytest.mark.usefixtures("impatient")
def test_outlive_an_agent_that_fails() -> None:
    async def talk(found: Guarded) -> None:
        await found.agent.until(len(failures) + 1)
        await asyncio.sleep(0.03)
        assert found.agent.asked == [ON.render()] * (len(failures) + 1)

    failures = [
        (500, {"error": {"Code": "ServerException", "Message": "later"}}),
        (200, {"failure": {"Arn": "arn:t", "Reason": "DEPLOYMENT_BLOCKED"}}),
        (200, {"protection": {"ProtectionEnabled": False}}),
        (200, []),
        (200, {"failure": 7}),
        (404, "no JSON"),
    ]
    guarded(talk, *failures)


@pytest.mark.usefixtures("impatient")
def test_outlive_an_agent_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    async def whole() -> None:
        async with asyncio.TaskGroup() as tasks:
            guard = TaskGuard("http://127.0.0.1:1", lambda: Standing(1, False))
            task = tasks.create_task(guard.run())
            while len(caplog.records) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            task.cancel()

    run(whole)
    assert {record.message for record in caplog.records} == {"task not protected"}
