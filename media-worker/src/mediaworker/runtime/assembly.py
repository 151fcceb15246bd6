"""The runtime, put together: what the worker's process owns beside its port."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chalicelib.protocol.session.vocabulary import VadType
from mediaworker.audio.denoising import Denoiser
from mediaworker.audio.gain import GainControl
from mediaworker.audio.key_tones import KeyTones
from mediaworker.audio.opus import OpusLibrary
from mediaworker.audio.silero import Network, Weights
from mediaworker.runtime import clock as world
from mediaworker.runtime import garbage
from mediaworker.runtime.admission import Ticks
from mediaworker.runtime.archive import Archive, Kept
from mediaworker.runtime.backlog import Backlog
from mediaworker.runtime.bridge import Bridges
from mediaworker.runtime.carriers import Carriers
from mediaworker.runtime.detectors import Detector, SileroDetector, WebRtcDetector
from mediaworker.runtime.engine import Engine
from mediaworker.runtime.house import House
from mediaworker.runtime.legs import Legs
from mediaworker.runtime.occupant import Occupant
from mediaworker.runtime.passes import MediaDoor, Passes
from mediaworker.runtime.ports import FactSink, SpeechProcess
from mediaworker.runtime.preparations import Preparations
from mediaworker.runtime.readings import Parts, readings_of
from mediaworker.runtime.recorders import Recorders, RecordingProcess
from mediaworker.runtime.roster import Roster
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.runtime.ticker import Ticker
from mediaworker.runtime.wires import WIRES
from mediaworker.session.rules import Rules

WEIGHTS_FILE = "silero.npz"
WARM_UP_ROUNDS = 32
PATIENCE_SECONDS = 10.0
"""After which a worker serves sessions without speech, too."""
PATIENT_SECONDS, HASTY_SECONDS = 15.0, 1.5
"""How long recordings may take to be kept, when the worker ends."""


class ModelsMissing(Exception):
    """One sentence that says which file is not there, and how to get it."""


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """What the runtime has to know of its surroundings."""

    models: Path
    """The folder that ``scripts/fetch-models`` fills."""
    capacity: int
    """The most sessions at once."""
    resume_seconds: float
    """How long a session outlives the loss of its socket."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Who records sessions, and what is written of them beside."""

    process: RecordingProcess
    kept: Kept


class Runtime:
    """Sessions, their tick, and what they share."""

    def __init__(
        self,
        settings: RuntimeSettings,
        worker_id: str,
        epoch: int,
        facts: FactSink,
        speech: SpeechProcess,
        may_take: Callable[[], bool],
        legs: Legs,
        recording: Recording,
        opus: OpusLibrary | None = None,
        *,
        media: MediaDoor,
    ) -> None:
        """Raises `ModelsMissing`. ``may_take`` tells whether the fleet lets it."""
        clock = world.monotonic
        weights = _weights(settings.models / WEIGHTS_FILE)
        self._ticks = Ticks()
        self._clock = clock
        self._began = clock()
        self._was_ready = False
        self._speech = SpeechDesk(speech)
        self.prepare = Preparations(self._speech).prepare
        self._recorders = Recorders(recording.process, facts, world.epoch_ms)
        carriers = Carriers(opus)
        self._engine = Engine(
            lambda rate, kind: _detector(weights, rate, kind),
            KeyTones,
            self._speech,
            self._recorders,
            carriers,
        )
        backlog = Backlog(clock)
        self._passes = Passes(media, self._engine.rearrange)
        house = House(
            self._engine,
            Bridges(lambda name: self.sessions.find(name), self._engine.rearrange),
            self._speech,
            backlog,
            facts,
            clock,
            settings.resume_seconds,
            self._forget,
            self._recorders,
            Archive(recording.process, recording.kept, world.epoch_ms),
            self._passes,
        )
        self.sessions = Roster(
            house,
            worker_id,
            epoch,
            settings.capacity,
            lambda: not (self.is_ready and may_take()) or self._is_overloaded(),
            legs,
            rules=Rules(codecs=carriers.codecs),
        )
        self._collector = garbage.Collector(clock)
        self._ticker = Ticker(
            (self._engine.play, self._hear),
            backlog,
            self._ticks,
            self._collector,
            clock,
        )
        backlog.rung = self._ticker.work_soon
        self._has_left = asyncio.Event()
        self._recorders.moved = self._has_left.set
        _warm_up(weights)

    @property
    def is_ready(self) -> bool:
        """Whether sessions would find all that they need."""
        return self._speech.is_up or self._clock() > self._began + PATIENCE_SECONDS

    async def run(self) -> None:
        """Until cancelled."""
        garbage.settle()
        await self._ticker.run()

    async def drain(self, seconds: float) -> None:
        """Open no more sessions, wait so long for the last to end, end the rest."""
        self.sessions.drain()
        try:
            async with asyncio.timeout(seconds):
                while len(self.sessions):
                    self._has_left.clear()
                    await self._has_left.wait()
        except TimeoutError:
            self.sessions.end_all("the worker stops")
        await self._keep(PATIENT_SECONDS if seconds else HASTY_SECONDS)

    async def _keep(self, seconds: float) -> None:
        """Let recordings get to where they are kept."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._recorders.unfinished:
                    self._has_left.clear()
                    await self._has_left.wait()

    def readings(self) -> Mapping[str, float]:
        """For Prometheus: gauges, and counters whose names end in ``_total``."""
        parts = Parts(
            self.sessions,
            self._engine,
            self._speech,
            self._recorders,
            self._ticker,
            self._collector,
        )
        return {**readings_of(parts), **self._passes.readings()}

    def _is_overloaded(self) -> bool:
        return self._ticks.is_overloaded(self._clock())

    def _hear(self, now: float, slot: int) -> None:
        if not self._was_ready and self.is_ready:
            self._was_ready = True
            # Another process was being started, which takes its time.
            self._ticks.forget()
        self._engine.hear(now)
        self.sessions.handle_timers(now)

    def _forget(self, seat: Occupant) -> None:
        self.sessions.forget(seat)
        self._has_left.set()


def _weights(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except FileNotFoundError:
        raise ModelsMissing(
            f"{path} is missing: scripts/fetch-models {path.parent}"
        ) from None


def _detector(weights: Mapping[str, np.ndarray], rate: int, kind: VadType) -> Detector:
    if kind is VadType.WEBRTC:
        return WebRtcDetector(rate)
    return SileroDetector(rate, Network(Weights.of(weights, rate)))


def _warm_up(weights: Mapping[str, np.ndarray]) -> None:
    """Let the first tick find all code and memory in place."""
    for wire in WIRES.values():
        detector = _detector(weights, wire.rate, VadType.SILERO)
        rows = [detector.take_row() for _ in range(8)]
        frames = np.zeros((len(rows), wire.rate // 50), np.int16)
        for _ in range(WARM_UP_ROUNDS):
            detector.hear(frames, rows, lambda row, error: None)
        keys = KeyTones(wire.rate)
        keys.hear(frames, [keys.take_row() for _ in rows])
        for processor in (Denoiser(wire.rate), GainControl(wire.rate)):
            processor.process(frames, np.asarray(rows))
