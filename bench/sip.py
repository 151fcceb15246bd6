"""G.711 calls by SIP: what one costs, how many a core carries, how soon they begin."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import picows

from bench.arrivals import file_server, spoken_frames
from bench.callers import Caller, run_pinned
from bench.holding import Held, Mouths, patiently, watch
from bench.laptop_process import free_ports
from bench.machine import GENERATOR_CORE, pinned
from bench.measurement import Measurement, Progress, percentile, summary
from bench.media_worker import MediaWorker, media_worker
from bench.phones import LOOPBACK, Desk, Exchange, NoCall, Phone, exchange_of, phone_of
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.session.capabilities import CAPABILITIES

PLAIN_SIZES = (200, 250, 300, 350, 400)
"""Each as long as the former was carried."""
VAD_SIZES = (100, 200, 220, 250, 300)
COSTED = 200
"""Calls at once, whose cost is told for one."""
MEASURED_SECONDS = 10.0
JOIN_SECONDS = 0.03
ARRIVALS_HELD = 250
PER_SECOND = 20
STAY_SECONDS = 2.0
ARRIVALS_SECONDS = 30.0
SET_UPS_PER_SECOND = 50
SET_UPS = 500
VAD: Mapping[str, Any] = {"vad": {}}
PLAIN: Mapping[str, Any] = {}
RECORDED_SIZES = (100, 150, 200, 220)
RECORDED: Mapping[str, Any] = {
    "vad": {},
    "denoise": True,
    "recorder": {"recorderFile": "{id}.wav"},
}
"""As Active Call claims it; files at 16 kHz, by a process on the same core."""


@dataclass(slots=True)
class Site:
    """The worker, who calls it, and who answers there."""

    worker: MediaWorker
    exchange: Exchange
    desk: Desk
    phones: list[Phone] = field(default_factory=list)
    desks: list[Caller] = field(default_factory=list)

    async def join(self) -> Phone:
        """Another call, answered."""
        self.desks.append(await self.desk.open())
        phone = await phone_of()
        try:
            await self.exchange.call(phone)
        except NoCall:
            phone.close()
            raise
        self.phones.append(phone)
        return phone

    def leave(self, phone: Phone) -> None:
        self.phones.remove(phone)
        self.exchange.hang_up(phone)


@dataclass(slots=True)
class Tally:
    """What came of those who arrived."""

    answered: int = 0
    refused: int = 0
    late: int = 0


def measure(progress: Progress) -> Measurement:
    frames = spoken_frames()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with pinned(GENERATOR_CORE), file_server(folder) as url:
            plain = _run(folder, _hold(url, PLAIN, PLAIN_SIZES, frames, progress))
            heard = _run(folder, _hold(url, VAD, VAD_SIZES, frames, progress))
            recorded: list[Held] = []
            if _is_denoise_built():
                sizes = RECORDED_SIZES
                holding = _hold(url, RECORDED, sizes, frames, progress)
                recorded = _run(folder, holding)
            arrivals = _run(folder, _arrive(url, frames, progress))
            set_ups = _run(folder, _set_up(progress))
    first, last = heard[0], heard[-1]
    memory = (last.resident_mb - first.resident_mb) / max(
        1, last.sessions - first.sessions
    )
    return Measurement(
        values={
            "sip_cpu_per_call": _cost(plain),
            "sip_calls_per_core": _carried(plain),
            "sip_late_frames": plain[0].late,
            "sip_loss": plain[0].lost / max(1, plain[0].frames) * 100,
            "sip_vad_cpu_per_call": _cost(heard),
            "sip_vad_calls_per_core": _carried(heard),
            "sip_vad_memory_per_call": memory,
            **_denoised(recorded),
            "sip_arrivals_late_frames": arrivals["late"],
            "sip_arrivals_tick_p99": arrivals["tick_p99_ms"],
            "invite_answered_p95": percentile(set_ups, 95),
        },
        details=[
            *(f"without VAD, {step}" for step in plain),
            *(f"with VAD, {step}" for step in heard),
            *(f"with VAD, denoise and recording, {step}" for step in recorded),
            "arrivals: {answered} answered, {refused} refused, {late} late frames, "
            "tick p99 {tick_p99_ms:.1f} ms".format_map(arrivals),
            f"INVITE to 200 {summary(set_ups)} ms",
        ],
        raw={"arrivals": arrivals, "set_ups": set_ups},
    )


def _cost(steps: Sequence[Held]) -> float:
    """Of one of `COSTED` calls, where so many are carried."""
    fitting = [step for step in steps if step.sessions <= COSTED]
    step = max(fitting, key=lambda step: step.sessions)
    return step.cpu_percent / step.sessions


def _is_denoise_built() -> bool:
    """Otherwise what is measured would be another thing."""
    return "denoise" in CAPABILITIES[CallType.SIP].features


def _denoised(steps: Sequence[Held]) -> dict[str, float]:
    """Nothing where it was not run."""
    return {"sip_denoised_recorded_per_core": _carried(steps)} if steps else {}


def _carried(steps: Sequence[Held]) -> int:
    return max((step.sessions for step in steps if step.is_carried), default=0)


def _run(folder: Path, work: Any) -> Any:
    """A worker of its own for each part; ``work`` is told where it is."""
    (sip_port,) = free_ports(1)
    variables = {
        "PARLEY_CAPACITY": str(SET_UPS + 100),
        "PARLEY_SIP_PORT": str(sip_port),
        # A trunk, whom no limit of strangers holds up.
        "PARLEY_SIP_PEERS": LOOPBACK,
    }
    with media_worker(folder, variables) as worker:
        return run_pinned(work(worker, sip_port))


def _hold(
    url: str,
    option: Mapping[str, Any],
    sizes: Sequence[int],
    frames: list[bytes],
    progress: Progress,
) -> Any:
    async def hold(worker: MediaWorker, sip_port: int) -> list[Held]:
        site = await _site(worker, sip_port, option, url)
        found: list[Held] = []
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(Mouths(frames).run(site.phones))
            for size in sizes:
                while len(site.phones) < size:
                    await asyncio.sleep(JOIN_SECONDS)
                    await patiently(site.join)
                found.append(await watch(worker, site.phones, MEASURED_SECONDS))
                progress(f"{'with' if option else 'without'} VAD, {found[-1]}")
                if not found[-1].is_carried:
                    break
            talking.cancel()
        await _close(site)
        return found

    return hold


def _arrive(url: str, frames: list[bytes], progress: Progress) -> Any:
    async def arrive(worker: MediaWorker, sip_port: int) -> dict[str, float]:
        site = await _site(worker, sip_port, PLAIN, url)
        tally = Tally()
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(Mouths(frames).run(site.phones))
            while len(site.phones) < ARRIVALS_HELD:
                await asyncio.sleep(JOIN_SECONDS)
                await patiently(site.join)
            progress(f"{ARRIVALS_HELD} calls are held")
            held = list(site.phones)
            await asyncio.sleep(STAY_SECONDS)
            for phone in held:
                phone.reset()
            began = monotonic()
            for number in range(round(ARRIVALS_SECONDS * PER_SECOND)):
                due = began + number / PER_SECOND
                await asyncio.sleep(max(0.0, due - monotonic()))
                tasks.create_task(_visit(site, tally))
            readings = await asyncio.to_thread(worker.readings)
            await asyncio.sleep(STAY_SECONDS + 1)
            talking.cancel()
        await _close(site)
        late = tally.late + sum(phone.lateness.late for phone in held)
        return {
            "answered": tally.answered,
            "refused": tally.refused,
            "late": late,
            "tick_p99_ms": readings["parley_worker_tick_duration_p99_seconds"] * 1e3,
        }

    return arrive


async def _visit(site: Site, tally: Tally) -> None:
    try:
        phone = await site.join()
    except (NoCall, OSError, TimeoutError, picows.WSError):
        tally.refused += 1
        return
    tally.answered += 1
    await asyncio.sleep(STAY_SECONDS)
    tally.late += phone.lateness.late
    site.leave(phone)


def _set_up(progress: Progress) -> Any:
    async def set_up(worker: MediaWorker, sip_port: int) -> list[float]:
        """Milliseconds from each INVITE to its 200."""
        site = await _site(worker, sip_port, PLAIN, None)
        took: list[float] = []

        async def one() -> None:
            phone = await phone_of()
            with suppress(NoCall, TimeoutError):
                took.append(await site.exchange.call(phone) * 1e3)
                site.exchange.hang_up(phone)
            phone.close()

        for _ in range(SET_UPS):
            await asyncio.sleep(JOIN_SECONDS)
            site.desks.append(await patiently(site.desk.open))
        progress(f"{SET_UPS} calls, {SET_UPS_PER_SECOND} a second")
        async with asyncio.TaskGroup() as tasks:
            began = monotonic()
            for number in range(SET_UPS):
                due = began + number / SET_UPS_PER_SECOND
                await asyncio.sleep(max(0.0, due - monotonic()))
                tasks.create_task(one())
        await _close(site)
        return took

    return set_up


async def _site(
    worker: MediaWorker, sip_port: int, option: Mapping[str, Any], url: str | None
) -> Site:
    return Site(worker, await exchange_of(sip_port), Desk(worker, option, url))


async def _close(site: Site) -> None:
    for phone in list(site.phones):
        site.leave(phone)
    await asyncio.sleep(0.5)
    site.exchange.close()
