"""250 sessions held, each heard and played to, while 20 a second arrive and leave.

All have a voice detector on what a recording of a person says, and are played a file.
A frame is late when it comes more than 20 ms after its time, at the application.
"""

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic

import numpy as np
import picows

from bench.callers import Caller, Mouths, call, run_pinned
from bench.machine import GENERATOR_CORE, pinned
from bench.measurement import Measurement, Progress
from bench.media_worker import MediaWorker, media_worker
from bench.recordings import TELEPHONE_RATE, recording
from mediaworker.audio import g711
from mediaworker.audio.wav import wav_bytes

HELD = 250
PER_SECOND = 20
STAY_SECONDS = 2.0
MEASURED_SECONDS = 30.0
WARM_UP_SECONDS = 5.0
FRAME = TELEPHONE_RATE // 50
FILE = "music.wav"
FILE_SECONDS = 120
OPTION = {"codec": "pcmu", "vad": {}}


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
        with (
            # Its threads, too, are the generator's.
            pinned(GENERATOR_CORE),
            file_server(folder) as url,
            media_worker(folder, {"PARLEY_CAPACITY": "400"}) as worker,
        ):
            return run_pinned(_measure(worker, url, frames, progress))  # type: ignore[no-any-return]


def spoken_frames() -> list[bytes]:
    """A recorded person in µ-law, 20 ms a frame."""
    samples = recording(TELEPHONE_RATE)
    octets = g711.encode(samples[: len(samples) // FRAME * FRAME]).tobytes()
    return [octets[at : at + FRAME] for at in range(0, len(octets), FRAME)]


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Serves a tone of two minutes; yields its URL."""
    times = np.arange(FILE_SECONDS * TELEPHONE_RATE) / TELEPHONE_RATE
    tone = (np.sin(2 * np.pi * 440 * times) * 8_000).astype(np.int16)
    (folder / FILE).write_bytes(wav_bytes(tone, TELEPHONE_RATE))
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/{FILE}"
    finally:
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


async def _measure(
    worker: MediaWorker, url: str, frames: list[bytes], progress: Progress
) -> Measurement:
    mouths, tally = Mouths(frames), Tally()
    async with asyncio.TaskGroup() as tasks:
        talking = tasks.create_task(mouths.run())
        held = []
        for number in range(HELD):
            held.append(await _join(worker, url, mouths, number))
            await asyncio.sleep(1 / PER_SECOND)
        progress(f"{HELD} sessions are held")
        await asyncio.sleep(WARM_UP_SECONDS)
        for caller in held:
            caller.lateness.reset()
        mouths.late_turns = 0
        before, began = worker.usage(), monotonic()
        for number in range(round(MEASURED_SECONDS * PER_SECOND)):
            due = began + number / PER_SECOND
            await asyncio.sleep(max(0.0, due - monotonic()))
            tasks.create_task(_visit(worker, url, mouths, tally))
        after, ended = worker.usage(), monotonic()
        heard = sum(caller.lateness.frames for caller in held)
        readings = await asyncio.to_thread(worker.readings)
        talking.cancel()
        await asyncio.sleep(STAY_SECONDS + 1)
        for caller in held:
            caller.command("hangup")
    seconds = ended - began
    ticks_ms = {
        name: readings[f"parley_worker_tick_{name}_seconds"] * 1e3
        for name in ("duration_p99", "duration_max", "lateness_p99")
    }
    cpu = (after.cpu_seconds - before.cpu_seconds) / seconds * 100
    late = sum(caller.lateness.late for caller in held) + tally.late
    alive = sum(c.lateness.frames > 0 and not c.is_closed for c in held)
    sessions = HELD + PER_SECOND * STAY_SECONDS
    return Measurement(
        values={
            "ws_arrivals_late_frames": late,
            "ws_arrivals_refused": tally.refused,
            "ws_arrivals_tick_p99": ticks_ms["duration_p99"],
            "ws_vad_cpu_per_call": cpu / sessions,
        },
        details=[
            f"{tally.answered} arrivals answered, {tally.refused} refused",
            f"{alive} of {HELD} held sessions heard {heard} frames, "
            f"of {round(HELD * seconds * 50)} due",
            f"media process {cpu:.1f} % of a core, {after.resident_mb:.0f} MB",
            f"worst tick {ticks_ms['duration_max']:.1f} ms, "
            f"p99 lateness {ticks_ms['lateness_p99']:.1f} ms",
            f"the generator was late {mouths.late_turns} times",
            "worst frame "
            f"{max(c.lateness.worst_seconds for c in held) * 1e3:.1f} ms late",
        ],
        raw={"readings": readings, "late_by_caller": [c.lateness.late for c in held]},
    )


async def _join(worker: MediaWorker, url: str, mouths: Mouths, number: int) -> Caller:
    caller = await call(worker.url, OPTION)
    mouths.callers[caller] = number * 7
    caller.command("play", url=url)
    return caller


async def _visit(worker: MediaWorker, url: str, mouths: Mouths, tally: Tally) -> None:
    try:
        caller = await _join(worker, url, mouths, tally.answered)
    except (OSError, TimeoutError, picows.WSError):
        tally.refused += 1
        return
    tally.answered += 1
    await asyncio.sleep(STAY_SECONDS)
    del mouths.callers[caller]
    tally.late += caller.lateness.late
    with suppress(OSError):
        caller.command("hangup")
