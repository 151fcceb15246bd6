"""WebRTC sessions with a voice detector, talked to and played to all the time.

Browsers cost next to nothing: our own ICE, DTLS and SRTP from the other side, and
packets that were encoded beforehand. The worker's numbers are the operating system's.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import picows

from bench.arrivals import file_server, spoken_frames
from bench.callers import Caller, invite, run_pinned
from bench.lateness import FRAME_SECONDS, LATE_SECONDS, Lateness
from bench.machine import GENERATOR_CORE, pinned
from bench.measurement import Measurement, Progress
from bench.media_worker import MediaWorker, media_worker
from bench.recordings import WIDE_RATE, recording
from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio.coders import coder_of
from mediaworker.audio.opus import OpusLibrary
from mediaworker.opus_path import opus_paths
from mediaworker.rtp import packet as rtp
from mediaworker.webrtc.stack import Certificate
from tests.peers.light_webrtc import LightBrowser

HELD = 40
"""Sessions whose cost is measured."""
STEP = 10
MOST = 120
"""Opus sessions are added by steps, until one is late."""
WARM_UP_SECONDS = 4.0
MEASURED_SECONDS = 20.0
STEP_SECONDS = 8.0
JOIN_SECONDS = 0.1
RETRY_SECONDS = 5.0
MOST_LATE_SHARE = 0.001
"""Of all frames, where a step is said to be carried."""
PAYLOAD_TYPES = {Codec.PCMU: 0, Codec.OPUS: 96}
TICKS = {Codec.PCMU: 160, Codec.OPUS: 960}
OPTION: Mapping[str, Any] = {"vad": {}}


@dataclass(frozen=True, slots=True)
class Held:
    """So many sessions, for a while."""

    sessions: int
    cpu_percent: float
    resident_mb: float
    frames: int
    late: int
    lost: int
    worst_ms: float
    tick_p99_ms: float

    @property
    def is_carried(self) -> bool:
        return not self.lost and self.late <= MOST_LATE_SHARE * self.frames

    def __str__(self) -> str:
        return (
            f"{self.sessions} sessions: {self.cpu_percent:.1f} % of a core, "
            f"{self.resident_mb:.0f} MB, {self.frames} frames heard, "
            f"{self.late} late, {self.lost} lost, worst {self.worst_ms:.0f} ms, "
            f"tick p99 {self.tick_p99_ms:.1f} ms"
        )


class Phone:
    """A browser in a session."""

    def __init__(self, browser: LightBrowser, caller: Caller, codec: Codec) -> None:
        self.lateness = Lateness()
        self.lost = 0
        self._browser, self._caller = browser, caller
        self._type, self._ticks = PAYLOAD_TYPES[codec], TICKS[codec]
        self._sent = 0
        self._latest: int | None = None
        browser.hear = self._hear

    def say(self, payload: bytes) -> None:
        self._sent += 1
        header = rtp.header(
            self._type,
            self._sent == 1,
            self._sent & 0xFFFF,
            self._sent * self._ticks & 0xFFFFFFFF,
            1,
        )
        self._browser.transport.send_rtp(header + payload)

    def reset(self) -> None:
        self.lateness.reset()
        self.lost = 0

    async def hang_up(self) -> None:
        with suppress(OSError):
            self._caller.command("hangup")
        await self._browser.close()

    def _hear(self, packet: bytes) -> None:
        self.lateness.take(monotonic())
        sequence = int.from_bytes(packet[2:4])
        if self._latest is not None:
            self.lost += max(0, (sequence - self._latest - 1 & 0xFFFF))
        self._latest = sequence


def measure(progress: Progress) -> Measurement:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with pinned(GENERATOR_CORE), file_server(folder) as url:
            pcmu = _run(folder, url, Codec.PCMU, (HELD,), progress)
            sizes = (HELD, *range(HELD + STEP, MOST + 1, STEP))
            opus = _run(folder, url, Codec.OPUS, sizes, progress)
    most = max((step.sessions for step in opus if step.is_carried), default=0)
    return Measurement(
        values={
            "webrtc_pcmu_cpu_per_call": pcmu[0].cpu_percent / HELD,
            "webrtc_opus_cpu_per_call": opus[0].cpu_percent / HELD,
            "webrtc_opus_calls_per_core": most,
        },
        details=[
            *(f"PCMU, {step}" for step in pcmu),
            *(f"Opus, {step}" for step in opus),
        ],
        raw={"pcmu": [str(step) for step in pcmu], "opus": [str(s) for s in opus]},
    )


def _run(
    folder: Path, url: str, codec: Codec, sizes: Sequence[int], progress: Progress
) -> list[Held]:
    """Each size as long as the former was carried."""
    with media_worker(folder, {"PARLEY_CAPACITY": str(MOST + 1)}) as worker:
        return run_pinned(_hold(worker, url, codec, sizes, progress))  # type: ignore[no-any-return]


async def _hold(
    worker: MediaWorker,
    url: str,
    codec: Codec,
    sizes: Sequence[int],
    progress: Progress,
) -> list[Held]:
    found: list[Held] = []
    phones: list[Phone] = []
    certificate = Certificate.generateCertificate()
    assert isinstance(certificate, Certificate)
    async with asyncio.TaskGroup() as tasks:
        talking = tasks.create_task(_talk(phones, payloads(codec)))
        for size in sizes:
            while len(phones) < size:
                await asyncio.sleep(JOIN_SECONDS)
                phones.append(await _patiently(worker, url, codec, certificate))
            seconds = MEASURED_SECONDS if not found else STEP_SECONDS
            found.append(await _watch(worker, phones, seconds))
            progress(f"{codec}: {found[-1]}")
            if not found[-1].is_carried:
                break
        talking.cancel()
        for phone in phones:
            await phone.hang_up()
    return found


async def _watch(worker: MediaWorker, phones: list[Phone], seconds: float) -> Held:
    await asyncio.sleep(WARM_UP_SECONDS)
    for phone in phones:
        phone.reset()
    before, began = worker.usage(), monotonic()
    await asyncio.sleep(seconds)
    after, ended = worker.usage(), monotonic()
    heard = [phone.lateness for phone in phones]
    readings = await asyncio.to_thread(worker.readings)
    return Held(
        sessions=len(phones),
        cpu_percent=(after.cpu_seconds - before.cpu_seconds) / (ended - began) * 100,
        resident_mb=after.resident_mb,
        frames=sum(one.frames for one in heard),
        late=sum(one.late for one in heard),
        lost=sum(phone.lost for phone in phones),
        worst_ms=max(one.worst_seconds for one in heard) * 1e3,
        tick_p99_ms=readings["parley_worker_tick_duration_p99_seconds"] * 1e3,
    )


async def _patiently(
    worker: MediaWorker, url: str, codec: Codec, certificate: Certificate
) -> Phone:
    """As an application that is told 503 and Retry-After."""
    while True:
        try:
            return await _join(worker, url, codec, certificate)
        except picows.WSError:
            await asyncio.sleep(RETRY_SECONDS)


async def _join(
    worker: MediaWorker, url: str, codec: Codec, certificate: Certificate
) -> Phone:
    browser = LightBrowser(certificate, str(PAYLOAD_TYPES[codec]))
    offer = await browser.offer()
    address = worker.url_of("/call/webrtc")
    caller, answer = await invite(address, {**OPTION, "offer": offer})
    await browser.accept(answer)
    caller.command("play", url=url)
    return Phone(browser, caller, codec)


async def _talk(phones: list[Phone], frames: Sequence[bytes]) -> None:
    """All say their next frame every 20 ms, each from a place of its own."""
    due, turn, count = monotonic(), 0, len(frames)
    while True:
        for place, phone in enumerate(phones):
            phone.say(frames[(turn + place * 7) % count])
        turn += 1
        due += FRAME_SECONDS
        if monotonic() > due + LATE_SECONDS:
            due = monotonic()
        await asyncio.sleep(max(0.0, due - monotonic()))


def payloads(codec: Codec) -> list[bytes]:
    """A recorded person, 20 ms a payload."""
    if codec is Codec.PCMU:
        return spoken_frames()
    coder = coder_of(codec, OpusLibrary(*opus_paths()))
    samples, size = recording(WIDE_RATE), WIDE_RATE // 50
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return [coder.encode(frame.tobytes()) for frame in frames]
