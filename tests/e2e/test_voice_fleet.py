"""Sessions on the laptop stack's own worker: listed, killed, and told of, whatever
becomes of the worker."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from chalicelib.protocol.lease import EXPIRY_MS
from tests.e2e.test_fleet import (
    MARGIN_SECONDS,
    TAKEOVER_SECONDS,
    ask,
    user,
    wait_for_end,
    wait_until,
    webhooks,
)
from tests.e2e.test_laptop import Laptop, children_of, get, laptop, wait_until_gone
from tests.e2e.voice.caller import BUSY, Caller, call
from tests.e2e.voice.worker import media_worker
from tests.peers.fake_control import FakeControl
from tests.worker.gateway.fakes import SECRET as WORKER_SECRET

pytestmark = pytest.mark.laptop

OPTION = {
    "codec": "pcm",
    "tts": {},
    "caller": "sip:a@example.com",
    "callee": "sip:b@example.com",
}
START_SECONDS = 30
EXPIRY_SECONDS = EXPIRY_MS / 1_000
AWAY = 503


@pytest.fixture(scope="module")
def stack() -> Iterator[Laptop]:
    with laptop() as running:
        running.wait_until_ready()
        yield running
        running.stop()


def address(stack: Laptop, uid: str) -> str:
    """Of `/call` on the worker's port."""
    given = urlencode({"token": user(uid)})
    return f"ws://127.0.0.1:{stack.worker_port}/call?{given}"


async def ask_it(stack: Laptop, method: str, path: str, token: str) -> tuple[int, Any]:
    return await asyncio.to_thread(ask, stack, method, path, token)


async def wait(is_true: Callable[[], bool], seconds: float) -> None:
    await asyncio.to_thread(wait_until, is_true, seconds)


def is_told_of(stack: Laptop, session_id: str) -> bool:
    """By its first webhook."""
    return bool(webhooks(stack, session_id))


async def says_something(caller: Caller, text: str) -> None:
    """It is alive."""
    await caller.command("history", speaker="user", text=text)
    await caller.until(
        lambda record: text in [e["text"] for e in record.events("addHistory")]
    )


def health(port: int) -> dict[str, Any]:
    answer: dict[str, Any] = get(f"http://127.0.0.1:{port}/health")[1] or {}
    return answer


async def is_refused(url: str) -> bool:
    """A new socket, with a sentence and a time to come back."""
    async with aiohttp.ClientSession() as client:
        try:
            async with client.ws_connect(url):
                return False
        except aiohttp.WSServerHandshakeError as refusal:
            assert refusal.status == BUSY
            assert refusal.headers is not None
            assert int(refusal.headers["Retry-After"]) > 0
            return True


def test_session_is_listed_and_killed_over_http(stack: Laptop) -> None:
    async def talk() -> None:
        async with call(address(stack, "carol"), OPTION) as caller:
            session_id = caller.session_id
            await wait(partial(is_told_of, stack, session_id), TAKEOVER_SECONDS)
            _, lists = await ask_it(stack, "GET", "/call/lists", user("carol"))
            (listed,) = lists["calls"]
            assert (listed["id"], listed["call_type"]) == (session_id, "websocket")
            assert listed["option"] == {
                "caller": OPTION["caller"],
                "callee": OPTION["callee"],
            }
            _, others = await ask_it(stack, "GET", "/call/lists", user("dave"))
            assert others == {"calls": []}
            kill = f"/call/kill/{session_id}"
            assert (await ask_it(stack, "POST", kill, user("dave")))[0] == 404
            assert await ask_it(stack, "POST", kill, user("carol")) == (200, True)
            await caller.until_closed()
            over = caller.record.events()[-1]
            assert (over["event"], over["initiator"]) == ("hangup", "system")
            told = await asyncio.to_thread(
                wait_for_end, stack, session_id, TAKEOVER_SECONDS
            )
            assert (told["reason"], told["initiator"]) == (over["reason"], "system")
            assert (await ask_it(stack, "POST", kill, user("carol")))[0] == 404
            _, lists = await ask_it(stack, "GET", "/call/lists", user("carol"))
            assert lists == {"calls": []}

    asyncio.run(talk())


def test_killed_worker_s_sessions_end_once_and_another_takes_new_ones(
    stack: Laptop,
) -> None:
    async def talk() -> list[str]:
        async with AsyncExitStack() as exits:
            callers = [
                await exits.enter_async_context(call(address(stack, "erin"), OPTION))
                for _ in range(3)
            ]
            lost = [caller.session_id for caller in callers]
            for each in lost:
                await wait(partial(is_told_of, stack, each), TAKEOVER_SECONDS)
            (worker,) = children_of(stack.process.pid)
            os.kill(worker, signal.SIGKILL)
            for caller in callers:
                await caller.until_closed()
            await wait(
                lambda: health(stack.worker_port).get("status") == "ok", START_SECONDS
            )
            (second,) = children_of(stack.process.pid)
            assert second != worker
            new = await exits.enter_async_context(call(address(stack, "erin"), OPTION))
            for session_id in lost:
                told = await asyncio.to_thread(
                    wait_for_end, stack, session_id, TAKEOVER_SECONDS + MARGIN_SECONDS
                )
                assert (told["reason"], told["initiator"]) == ("failed", "system")
            await says_something(new, "after all of this")
            await new.command("hangup", reason="done", initiator="erin")
            await new.until_closed()
            told = await asyncio.to_thread(wait_for_end, stack, new.session_id, 10)
            assert (told["reason"], told["initiator"]) == ("done", "erin")
            return lost

    lost = asyncio.run(talk())
    for session_id in lost:
        types = [one["type"] for one in webhooks(stack, session_id)]
        assert types == ["session.started", "session.ended"]


def test_worker_that_is_to_stop_lets_its_sessions_end(stack: Laptop) -> None:
    async def talk() -> str:
        async with call(address(stack, "grace"), OPTION) as caller:
            (worker,) = children_of(stack.process.pid)
            os.kill(worker, signal.SIGTERM)
            await wait(
                lambda: health(stack.worker_port)["status"] == "draining", START_SECONDS
            )
            assert await is_refused(address(stack, "heidi"))
            await says_something(caller, "still here")
            await caller.command("tts", text="Still here.", playId="p")
            await caller.until(lambda record: record.frames("p"))
            await caller.command("hangup")
            await caller.until_closed()
            await asyncio.to_thread(wait_until_gone, worker)
            return caller.session_id

    session_id = asyncio.run(talk())
    told = wait_for_end(stack, session_id, TAKEOVER_SECONDS)
    assert told["reason"] != "failed"
    wait_until(lambda: health(stack.worker_port).get("status") == "ok", START_SECONDS)


def test_worker_keeps_its_sessions_while_the_control_plane_is_away(
    tmp_path: Path,
) -> None:
    async def talk() -> None:
        async with FakeControl(WORKER_SECRET).listening() as control:
            place = media_worker(tmp_path, PARLEY_CONTROL_URL=control.url)
            worker = await asyncio.to_thread(place.__enter__)
            try:
                await talk_to(worker, control)
            finally:
                await asyncio.to_thread(place.__exit__, None, None, None)

    async def talk_to(worker: Any, control: FakeControl) -> None:
        async with call(worker.url("ivan"), OPTION) as caller:
            session_id = caller.session_id
            await control.until(lambda: len(control.facts) == 1)
            control.statuses["lease"] = [AWAY] * 100
            ends_at = time.monotonic() + EXPIRY_SECONDS + MARGIN_SECONDS
            while not await is_refused(worker.url("judy")):
                assert time.monotonic() < ends_at, "it took sessions all the time"
                await asyncio.sleep(0.5)
            await says_something(caller, "nobody told us")
            await caller.command("tts", text="Nobody told us.", playId="p")
            await caller.until(lambda record: record.frames("p"))
            control.statuses["lease"] = []
            await control.until(lambda: control.renewals > 1)
            async with call(worker.url("judy"), OPTION) as later:
                await says_something(later, "back again")
            await says_something(caller, "as before")
            assert session_id == caller.session_id

    asyncio.run(talk())
