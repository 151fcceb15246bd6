"""Calls by sipp and baresip to two workers, through edges that come and go."""

import asyncio
import os
import shutil
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.e2e.voice.caller import Caller
from tests.e2e.voice.hearing import level_db
from tests.e2e.voice.phones import (
    PhoneWorker,
    accept,
    agents,
    listening,
    phone_worker,
    play,
    reason_of,
)
from tests.peers.background import background
from tests.peers.baresip import Baresip, baresip, save
from tests.peers.edge import EdgeProcess, FakeRoster, edge_process, lease_of
from tests.peers.sipp import needs_sipp, sipp
from tests.worker.speech.test_engines import recorded

pytestmark = [pytest.mark.laptop, needs_sipp]

RATE = 8_000
CALLS, A_SECOND = (40, 20) if "CI" in os.environ else (100, 20)
APPLICATIONS = 8
"""Of each worker."""
QUIET_DB = -50.0


@dataclass(frozen=True, slots=True)
class Fleet:
    workers: list[PhoneWorker]
    control: FakeRoster

    def invites(self) -> list[float]:
        """That came to each worker so far."""
        return [w.worker.readings()["sip_invites_total"] for w in self.workers]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    given = {"PARLEY_SIP_PEERS": "127.0.0.1"}
    with (
        background() as peers,
        peers.within(FakeRoster().listening()) as control,
        phone_worker(folders[0], **given) as one,
        phone_worker(folders[1], **given) as two,
    ):
        found = Fleet([one, two], control)
        control.leases = [
            lease_of(f"w{number}", worker.sip_port)
            for number, worker in enumerate(found.workers)
        ]
        yield found
    for worker in found.workers:
        assert worker.worker.lines("error") == worker.worker.lines("critical") == []


@pytest.fixture(scope="module")
def edge(
    fleet: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EdgeProcess]:
    with edge_process(tmp_path_factory.mktemp("edge"), fleet.control.url) as running:
        yield running
    assert running.lines("error") == running.lines("critical") == []


@asynccontextmanager
async def staffed(fleet: Fleet, count: int) -> AsyncIterator[list[list[Caller]]]:
    """So many applications at each worker, and the calls that they have taken."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(agents(worker, accept, count))
            for worker in fleet.workers
        ]


@asynccontextmanager
async def waiting(fleet: Fleet) -> AsyncIterator[list[Caller]]:
    """One at each worker."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(listening(worker))
            for worker in fleet.workers
        ]


async def called(apps: list[Caller]) -> Caller:
    async with asyncio.timeout(20):
        while True:
            for app in apps:
                if app.record.events("incoming"):
                    return app
            await asyncio.sleep(0.02)


def test_calls_are_shared_by_the_workers(fleet: Fleet, edge: EdgeProcess) -> None:
    async def act() -> None:
        before = fleet.invites()
        async with staffed(fleet, APPLICATIONS):
            rate = ("-r", str(A_SECOND))
            async with sipp(
                "uac_patient", edge.target, *rate, calls=CALLS, seconds=60
            ) as caller:
                await caller.done()
        came = [now - then for now, then in zip(fleet.invites(), before, strict=True)]
        assert sum(came) >= CALLS
        assert min(came) > CALLS / 5, came

    play(act, seconds=150)


def test_phones_that_overlook_contact_are_served_too(
    fleet: Fleet, edge: EdgeProcess
) -> None:
    async def act() -> None:
        async with staffed(fleet, 4):
            for transport in ("u1", "t1"):
                async with sipp(
                    "uac", edge.target, "-d", "200", "-t", transport, calls=4
                ) as caller:
                    await caller.done()

    play(act)


def test_a_call_is_cancelled_while_it_rings(fleet: Fleet, edge: EdgeProcess) -> None:
    async def act() -> None:
        async with waiting(fleet) as apps:
            async with sipp("uac_cancel", edge.target) as caller:
                app = await called(apps)
                await app.command("ringing")
                await caller.done()
            await app.until(lambda record: record.events("hangup"))
            assert reason_of(app) == ("canceled", "caller")

    play(act)


def test_a_call_goes_where_an_application_waits(
    fleet: Fleet, edge: EdgeProcess
) -> None:
    async def act() -> None:
        for worker in fleet.workers:
            async with agents(worker, accept, 4) as served:
                async with sipp("uac_patient", edge.target, calls=4) as caller:
                    await caller.done()
                assert len(served) >= 4

    play(act)


def test_nobody_there_is_told_by_all_workers(fleet: Fleet, edge: EdgeProcess) -> None:
    async def act() -> None:
        async with sipp("uac_refused_503", edge.target) as caller:
            await caller.done()
        async with sipp("options", edge.target) as caller:
            await caller.done()

    play(act)


def test_two_edges_serve_at_once_and_one_may_forget_a_call(
    fleet: Fleet, edge: EdgeProcess, tmp_path: Path
) -> None:
    """sipp sends all to the edge, the worker's name in the Request-URI."""

    async def act() -> None:
        async with staffed(fleet, 6):
            with edge_process(tmp_path, fleet.control.url) as second:
                async with (
                    sipp("uac_next_url", edge.target, "-d", "300", calls=5) as one,
                    sipp("uac_next_url", second.target, "-d", "300", calls=5) as other,
                ):
                    await one.done()
                    await other.done()
                place = {"PARLEY_EDGE_PORT": str(second.port)}
                async with sipp(
                    "uac_next_url", second.target, "-d", "2500"
                ) as survivor:
                    await asyncio.sleep(0.5)
                    second.kill()
                    with edge_process(tmp_path, fleet.control.url, **place):
                        await survivor.done()

    play(act)


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded sentence again and again."""
    speech = soxr.resample(recorded(6).astype(np.int16), 16_000, RATE)
    path = tmp_path_factory.mktemp("microphone") / "in.wav"
    save(path, np.tile(speech.astype(np.int16), 4).tobytes())
    return path


@pytest.mark.skipif(shutil.which("baresip") is None, reason="baresip is missing")
def test_a_call_outlives_the_edge_that_it_came_by(
    fleet: Fleet, microphone: Path, tmp_path: Path
) -> None:
    async def act() -> None:
        with edge_process(tmp_path, fleet.control.url) as mortal:
            async with waiting(fleet) as apps, baresip(tmp_path, microphone) as phone:
                await phone.command("dial", f"sip:agent@{mortal.target}")
                app = await called(apps)
                await app.command("accept", option={"vad": {}, "tts": {}})
                await phone.until("CALL_ESTABLISHED")
                await app.until(lambda record: record.events("mediaReady"))
                mortal.kill()
                await app.until(lambda record: record.events("speaking"))
                await app.command("tts", text="One, two, three.", playId="p")
                await app.until(
                    lambda r: any(e.get("playId") for e in r.events("trackEnd"))
                )
                await phone.command("sndcode", "5")
                await app.until(lambda record: record.events("dtmf"))
                await phone.command("hangup")
                await app.until(lambda record: record.events("hangup"))
                assert reason_of(app) == ("byCaller", "caller")
            assert loudest_db(phone) > QUIET_DB

    play(act)


def loudest_db(phone: Baresip) -> float:
    """Of the half seconds that it heard."""
    with wave.open(str(phone.heard()[-1])) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    half = RATE // 2
    parts = [samples[at : at + half] for at in range(0, len(samples) - half, half)]
    return max(level_db(part) for part in parts)
