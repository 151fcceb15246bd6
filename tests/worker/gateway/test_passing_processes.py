"""Workers as processes, and a control plane that tells them of each other."""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest

from chalicelib.protocol.fleet import Heartbeat
from chalicelib.protocol.lease import Drain, SessionStarted
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.control.protection import Wish
from tests.peers.fake_control import FakeControl
from tests.worker.control.test_protection import FakeAgent
from tests.worker.gateway.fakes import NOW_MS, SECRET, token
from tests.worker.gateway.process import HEARTBEAT
from tests.worker.test_health import HANGUP, STOP_SECONDS, free_port, process

PATIENCE_SECONDS = 40.0


@dataclass
class Workers:
    control: FakeControl
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def url(self, worker_id: str, path: str, uid: str = "alice") -> str:
        return f"http://127.0.0.1:{self.ports[worker_id]}{path}token={token(uid)}"

    async def end(self, worker_id: str) -> int:
        return await asyncio.to_thread(self.processes[worker_id].wait, STOP_SECONDS)


@contextlib.asynccontextmanager
async def workers(*names: str, **variables: str) -> AsyncIterator[Workers]:
    """Each has heard of all."""
    async with FakeControl(SECRET).listening() as control:
        with contextlib.ExitStack() as stack:
            found = Workers(control)
            for name in names:
                found.ports[name] = free_port()
                found.processes[name] = stack.enter_context(
                    process(
                        found.ports[name],
                        PARLEY_WORKER_ID=name,
                        PARLEY_CONTROL_URL=control.url,
                        PARLEY_RELEASE="r2",
                        **{HEARTBEAT: "0.2", **variables},
                    )
                )
            await control.until(lambda: len(control.leases) == len(names))
            renewed = control.renewals
            # By then each has renewed its lease again, and heard of all.
            await control.until(lambda: control.renewals >= renewed + 2 * len(names))
            yield found


def among(*names: str, talk: Callable[[Workers], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), workers(*names) as found:
            await talk(found)

    asyncio.run(whole())


def test_find_a_session_from_every_worker_until_its_own_is_killed() -> None:
    async def talk(found: Workers) -> None:
        assert {lease.release for lease in found.control.leases.values()} == {"r2"}
        chosen = SessionStarted(
            "default", "chosen", "w3", 1, "alice", CallType.WEBSOCKET, NOW_MS
        )
        found.control.facts.append(chosen)
        async with aiohttp.ClientSession() as client:
            owner = client.ws_connect(found.url("w1", "/call?id=w3-one&"))
            unnamed = client.ws_connect(found.url("w3", "/call?id=chosen&"))
            async with owner as passed, unnamed as direct:
                for asked in ("w1", "w2"):
                    async with client.get(found.url(asked, "/events/w3-one?")) as sse:
                        assert sse.status == 200
                killed = found.url("w2", "/call/kill/chosen?")
                async with client.post(killed) as answer:
                    assert answer.status == 200
                assert await direct.receive_str() == HANGUP
                found.processes["w3"].send_signal(signal.SIGKILL)
                assert (await passed.receive()).type is aiohttp.WSMsgType.CLOSE
                assert passed.close_code == 1_014
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await client.ws_connect(found.url("w1", "/call?id=w3-one&"))
            assert refusal.value.status == 503
            assert refusal.value.headers is not None
            assert refusal.value.headers["Retry-After"] == "1"

    among("w1", "w2", "w3", talk=talk)


def test_have_its_task_spared_while_it_runs() -> None:
    async def whole() -> None:
        async with (
            FakeAgent().listening() as agent,
            workers("w1", ECS_AGENT_URI=agent.url) as found,
        ):
            await agent.until(1)
            assert agent.asked == [Wish(True).render()]
            found.processes["w1"].send_signal(signal.SIGTERM)
            assert await found.end("w1") == 0

    asyncio.run(whole())


def test_stop_by_itself_when_the_last_session_of_a_drained_worker_ends() -> None:
    async def talk(found: Workers) -> None:
        async with aiohttp.ClientSession() as client:
            there = found.url("w1", "/call?id=w2-one&")
            async with client.ws_connect(there) as passed:
                epoch = found.control.leases["w2"].epoch
                found.control.answers = Heartbeat(orders=(Drain("w2", epoch),))
                await found.control.until(
                    lambda: found.control.leases["w2"].is_draining
                )
                assert found.processes["w2"].poll() is None
                # It has its sessions, and nothing else begins there.
                with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                    await client.ws_connect(found.url("w1", "/call?id=w2-two&"))
                assert refusal.value.status == 503
                async with client.post(found.url("w1", "/call/kill/w2-one?")) as answer:
                    assert answer.status == 200
                assert await passed.receive_str() == HANGUP
                assert (await passed.receive()).type is aiohttp.WSMsgType.CLOSE
                assert passed.close_code == 1_000
        assert await found.end("w2") == 0

    among("w1", "w2", talk=talk)
