"""How soon an application hears, and is heard: one session, as a person has it.

Recorded speech goes in; its first and last loud frame are its onset and its end.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

import numpy as np

from bench.callers import Caller, Event, call, run_pinned
from bench.lateness import FRAME_SECONDS
from bench.measurement import Measurement, Progress, percentile, summary
from bench.media_worker import MediaWorker, media_worker
from bench.recordings import TELEPHONE_RATE, recording
from mediaworker.audio import g711

FRAME = TELEPHONE_RATE // 50
LOUD = 300
"""Peak of a frame in which a person is heard."""
ONSET_SHARE = 0.05
"""Of an utterance's peak; its first and last such frames are its onset and end."""
SEED = 20
PAUSE_FRAMES = 15
SHORTEST_FRAMES, LONGEST_FRAMES = 50, 200
ROUNDS = 40
TEXTS = (
    "The train to the coast leaves at {} past nine from platform two.",
    "Your order number {} has been sent, and should be there on Friday.",
    "There are {} people before you; please stay on the line.",
    "We open at eight, and the last table is taken {} minutes before ten.",
)
CACHED = "Thank you for your patience, somebody will be with you in a moment."
LONG = " ".join(TEXTS * 4).format(*range(16))
OPTION = {
    "codec": "pcmu",
    "vad": {"speechPadding": 30, "silencePadding": 100},
    "asr": {},
    "tts": {},
}
PATIENCE_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is said, and which of its frames are its onset and its end."""

    frames: Sequence[bytes]
    onset: int
    end: int


class Speaker:
    """Sends a frame every 20 ms: silence, or what it was given to say."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._frames: list[bytes] = []
        self.sent_at: list[float] = []
        """When each frame of what it says was sent."""
        self.is_quiet = asyncio.Event()
        self.is_quiet.set()

    async def run(self) -> None:
        """Until cancelled."""
        due = monotonic()
        while True:
            if self._frames:
                self._caller.say(self._frames.pop(0))
                self.sent_at.append(monotonic())
            else:
                self.is_quiet.set()
                self._caller.say(b"\xff" * FRAME)
            due += FRAME_SECONDS
            await asyncio.sleep(max(0.0, due - monotonic()))

    def say(self, frames: Sequence[bytes]) -> None:
        self._frames, self.sent_at = list(frames), []
        self.is_quiet.clear()


class Ears:
    """Events of one session, to be waited for."""

    def __init__(self, caller: Caller) -> None:
        self._events: asyncio.Queue[tuple[Event, float]] = asyncio.Queue()
        caller.heard = lambda event, at: self._events.put_nowait((event, at))

    async def wait_for(self, *names: str) -> tuple[Event, float]:
        """The next of these; raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                event, at = await self._events.get()
                if event["event"] in names:
                    return event, at

    def forget(self) -> None:
        while not self._events.empty():
            self._events.get_nowait()


def measure(progress: Progress) -> Measurement:
    with tempfile.TemporaryDirectory() as name, media_worker(Path(name)) as worker:
        return run_pinned(_measure(worker, progress))  # type: ignore[no-any-return]


async def _measure(worker: MediaWorker, progress: Progress) -> Measurement:
    caller = await call(worker.url, OPTION)
    speaker, ears, chance = Speaker(caller), Ears(caller), Random(SEED)
    async with asyncio.TaskGroup() as tasks:
        talking = tasks.create_task(speaker.run())
        caller.command("tts", text=CACHED, playId="to be kept")
        await ears.wait_for("trackEnd")
        progress("first audio of texts")
        numbers = range(ROUNDS)
        new = [TEXTS[n % len(TEXTS)].format(n + 100) for n in numbers]
        made = [
            await _first_audio(caller, ears, new[n], f"n{n}", chance) for n in numbers
        ]
        cached = [
            await _first_audio(caller, ears, CACHED, f"c{n}", chance) for n in numbers
        ]
        progress("ends of utterances")
        spoken = utterances()
        finals = [await _final(speaker, ears, part) for part in spoken]
        progress("interruptions")
        barges = [
            await _barge_in(caller, speaker, ears, part, number)
            for number, part in enumerate(spoken)
        ]
        talking.cancel()
    caller.command("hangup")
    return Measurement(
        values={
            "barge_in_p50": percentile(barges, 50),
            "barge_in_p95": percentile(barges, 95),
            "tts_cached_p95": percentile(cached, 95),
            "tts_embedded_p95": percentile(made, 95),
            "asr_final_p95": percentile(finals, 95),
        },
        details=[
            f"barge-in {summary(barges)} ms",
            f"cached text to audio {summary(cached)} ms",
            f"new text to audio {summary(made)} ms",
            f"end of speech to text {summary(finals)} ms",
        ],
        raw={"barge_in": barges, "cached": cached, "made": made, "final": finals},
    )


async def _first_audio(
    caller: Caller, ears: Ears, text: str, play_id: str, chance: Random
) -> float:
    """Milliseconds from the command to the first frame."""
    began = asyncio.get_running_loop().create_future()
    caller.expect(lambda at: began.set_result(at))
    # At any moment between two ticks of the worker's.
    await asyncio.sleep(0.05 + chance.random() * FRAME_SECONDS)
    sent_at = monotonic()
    caller.command("tts", text=text, playId=play_id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        at = await began
    caller.command("interrupt")
    await ears.wait_for("trackEnd")
    return float(at - sent_at) * 1e3


async def _final(speaker: Speaker, ears: Ears, spoken: Utterance) -> float:
    """Milliseconds from the end of what is said to its text."""
    ears.forget()
    speaker.say(spoken.frames)
    await speaker.is_quiet.wait()
    ended_at = speaker.sent_at[spoken.end]
    while True:
        _, at = await ears.wait_for("asrFinal")
        if at > ended_at:
            await asyncio.sleep(0.5)
            return (at - ended_at) * 1e3


async def _barge_in(
    caller: Caller, speaker: Speaker, ears: Ears, spoken: Utterance, number: int
) -> float:
    """Milliseconds from the onset of what is said to the last frame that is played."""
    caller.command("tts", text=LONG, playId=f"long-{number}")
    await ears.wait_for("trackStart")
    await asyncio.sleep(0.5 + number % 5 * 0.1)
    ears.forget()
    speaker.say(spoken.frames)
    await ears.wait_for("speaking")
    caller.command("interrupt")
    await ears.wait_for("trackEnd")
    await asyncio.sleep(0.1)
    stopped_at = caller.last_frame_at
    await speaker.is_quiet.wait()
    await asyncio.sleep(1.0)
    return (stopped_at - speaker.sent_at[spoken.onset]) * 1e3


def utterances() -> list[Utterance]:
    """Of a person: 1 to 4 seconds each, with what is soft before and after it."""
    samples = recording(TELEPHONE_RATE)
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    peaks = np.abs(frames.astype(np.int32)).max(axis=1)
    octets = g711.encode(frames)
    found = []
    for first, last in _parts(np.flatnonzero(peaks >= LOUD).tolist()):
        part = peaks[first : last + 1]
        loud = np.flatnonzero(part >= ONSET_SHARE * part.max())
        rows = [row.tobytes() for row in octets[first : last + 1]]
        if SHORTEST_FRAMES <= len(rows) <= LONGEST_FRAMES:
            found.append(Utterance(rows, int(loud[0]), int(loud[-1])))
    return found


def _parts(places: Sequence[int]) -> list[tuple[int, int]]:
    """From where to where there is no pause."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and place - found[-1][1] < PAUSE_FRAMES:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found
