"""WebRTC sessions with a voice detector, talked to and played to all the time.

Browsers cost next to nothing: our own ICE, DTLS and SRTP from the other side, and
packets that were encoded beforehand. The worker's numbers are the operating system's.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from bench.arrivals import file_server, spoken_frames
from bench.callers import Caller, invite, run_pinned
from bench.holding import NUMBERS, Held, Mouths, patiently, watch
from bench.lateness import Lateness
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
STEP = 20
MOST = 120
"""Opus sessions are added by steps, until one is late."""
MEASURED_SECONDS = 20.0
STEP_SECONDS = 6.0
JOIN_SECONDS = 0.1
PAYLOAD_TYPES = {Codec.PCMU: 0, Codec.OPUS: 96}
TICKS = {Codec.PCMU: 160, Codec.OPUS: 960}
OPTION: Mapping[str, Any] = {"vad": {}}


class Phone:
    """A browser in a session."""

    def __init__(self, browser: LightBrowser, caller: Caller, codec: Codec) -> None:
        self.number = next(NUMBERS)
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

    async def join() -> Phone:
        return await _join(worker, url, codec, certificate)

    async with asyncio.TaskGroup() as tasks:
        talking = tasks.create_task(Mouths(payloads(codec)).run(phones))
        for size in sizes:
            while len(phones) < size:
                await asyncio.sleep(JOIN_SECONDS)
                phones.append(await patiently(join))
            seconds = MEASURED_SECONDS if not found else STEP_SECONDS
            found.append(await watch(worker, phones, seconds))
            progress(f"{codec}: {found[-1]}")
            if not found[-1].is_carried:
                break
        talking.cancel()
        for phone in phones:
            await phone.hang_up()
    return found


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


def payloads(codec: Codec) -> list[bytes]:
    """A recorded person, 20 ms a payload."""
    if codec is Codec.PCMU:
        return spoken_frames()
    coder = coder_of(codec, OpusLibrary(*opus_paths()))
    samples, size = recording(WIDE_RATE), WIDE_RATE // 50
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return [coder.encode(frame.tobytes()) for frame in frames]
