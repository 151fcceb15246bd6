"""A worker without sockets, processes and time: all that stands around the runtime."""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.lease import SessionFact
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import CallType, VadType
from mediaworker.recording.messages import Reply as Recorded
from mediaworker.recording.messages import Request as Recording
from mediaworker.recording.ring import Side
from mediaworker.runtime.archive import Archive, Kept
from mediaworker.runtime.backlog import Backlog
from mediaworker.runtime.bridge import Bridges
from mediaworker.runtime.carriers import Carriers
from mediaworker.runtime.detectors import Detector, Rows, Window
from mediaworker.runtime.engine import Engine
from mediaworker.runtime.house import House
from mediaworker.runtime.isolation import Failed
from mediaworker.runtime.legs import Legs
from mediaworker.runtime.passes import Passes
from mediaworker.runtime.ports import SessionHandle
from mediaworker.runtime.recorders import Recorders
from mediaworker.runtime.roster import Draws, Roster
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.speech.replies import Chunk, Made, Ready, Reply
from mediaworker.speech.requests import Cancel, Request
from tests.worker.runtime.media_door import FakeDoor
from tests.worker.runtime.peer import FakePeer

ALICE = Principal("acme", "alice")
EPOCH_MS = 1_700_000_000_000
SLOT = 0.020
NOTHING_KEPT = Kept()
RESUME_SECONDS = 5.0
LOUD = 1_000
POISON = 12_345
POISONED_KEY = 12_346
KEYS = {20_001: "1", 20_002: "2", 20_003: "#"}
"""First sample of a frame -> the key that is heard in it."""


@dataclass
class FakeSpeech:
    """Takes requests while it is up; what it answers, the test says."""

    requests: list[Request] = field(default_factory=list)
    is_up: bool = True
    hear: Callable[[Reply], None] = lambda reply: None
    die: Callable[[], None] = lambda: None

    def send(self, request: Request) -> bool:
        if self.is_up:
            self.requests.append(request)
        return self.is_up

    def listen(self, hear: Callable[[Reply], None], died: Callable[[], None]) -> None:
        self.hear, self.die = hear, died

    def come_up(self) -> None:
        self.is_up = True
        self.hear(Ready(("fake",), True))

    def fall(self) -> None:
        self.is_up = False
        self.die()

    def asked(self, kind: type[Any]) -> list[Any]:
        return [request for request in self.requests if isinstance(request, kind)]

    def speak(self, job: int, samples: bytes, *, is_all: bool = True) -> None:
        if not any(cancel.job == job for cancel in self.asked(Cancel)):
            self.hear(Chunk(job, samples))
        if is_all:
            self.hear(Made(job, "embedded", len(samples) // 16, 1, 2))


@dataclass
class FakeRecording:
    """Takes all that it is told while it is up; the frames by recording and side."""

    requests: list[Recording] = field(default_factory=list)
    frames: dict[tuple[int, Side], dict[int, list[Any]]] = field(default_factory=dict)
    """Then by slot."""
    slots: list[int] = field(default_factory=list)
    is_up: bool = True
    is_full: bool = False
    hear: Callable[[Recorded], None] = lambda reply: None
    die: Callable[[], None] = lambda: None

    def listen(
        self, hear: Callable[[Recorded], None], died: Callable[[], None]
    ) -> None:
        self.hear, self.die = hear, died

    def send(self, request: Recording) -> bool:
        if self.is_up:
            self.requests.append(request)
        return self.is_up

    def put(
        self, side: Side, slot: int, recordings: Sequence[int], samples: Any
    ) -> bool:
        if self.is_full:
            return False
        for recording, frame in zip(recordings, samples, strict=True):
            slots = self.frames.setdefault((recording, side), {})
            slots.setdefault(slot, []).append(frame.copy())
        return True

    def turn(self, slot: int) -> None:
        self.slots.append(slot)

    def advance(self) -> None:
        """Who reads it reads it at once."""

    async def run(self) -> None:
        """It is up."""

    def asked(self, kind: type[Any]) -> list[Any]:
        return [request for request in self.requests if isinstance(request, kind)]

    def levels(self, recording: int, side: Side) -> dict[int, list[int]]:
        """The first sample of each frame, by slot."""
        found = self.frames.get((recording, side), {})
        return {
            slot: [int(frame[0]) for frame in frames] for slot, frames in found.items()
        }


class LevelDetector:
    """Whatever is loud is speech; a window is a frame. A poisoned frame fails."""

    def __init__(self) -> None:
        self._rows = Rows()

    def take_row(self) -> int:
        return self._rows.take()

    def free_row(self, row: int) -> None:
        self._rows.give_back(row)

    def hear(self, samples: Any, rows: Sequence[int], failed: Failed) -> list[Window]:
        found = []
        for row, frame in zip(rows, samples, strict=True):
            if frame[0] == POISON:
                failed(row, FloatingPointError("poisoned"))
            else:
                loudness = np.abs(frame.astype(int)).max()
                found.append(Window(row, float(loudness >= LOUD), 0))
        return found


class FakeKeys:
    """A frame that begins with a key's own level is the key. A poisoned one fails."""

    def __init__(self) -> None:
        self._rows = Rows()

    def take_row(self) -> int:
        return self._rows.take()

    def free_row(self, row: int) -> None:
        self._rows.give_back(row)

    def hear(self, frames: Any, rows: Sequence[int]) -> list[tuple[int, str]]:
        if (frames[:, 0] == POISONED_KEY).any():
            raise FloatingPointError("poisoned")
        firsts = zip(rows, frames[:, 0].tolist(), strict=True)
        return [(row, KEYS[first]) for row, first in firsts if first in KEYS]


def level_detector(rate: int, kind: VadType) -> Detector:
    return LevelDetector()


@dataclass
class FakeFacts:
    """Remembers what was told."""

    facts: list[SessionFact] = field(default_factory=list)

    def tell(self, fact: SessionFact) -> None:
        self.facts.append(fact)


class World:
    """Everything of the runtime but its ticker, in a time that the test moves."""

    def __init__(
        self,
        capacity: int = 100,
        detector_of: Callable[[int, VadType], Detector] = level_detector,
        legs: Legs | None = None,
        kept: Kept = NOTHING_KEPT,
        carriers: Carriers | None = None,
    ) -> None:
        self.now = 1_000.0
        self.slot = 0
        self.is_overloaded = False
        self.speech = FakeSpeech()
        self.facts = FakeFacts()
        self.desk = SpeechDesk(self.speech)
        self.recording = FakeRecording()
        self.recorders = Recorders(self.recording, self.facts, lambda: EPOCH_MS)
        self.engine = Engine(
            detector_of,
            lambda rate: FakeKeys(),
            self.desk,
            self.recorders,
            carriers,
        )
        self.backlog = Backlog(lambda: self.now)
        self.media = FakeDoor()
        self.passes = Passes(self.media, self.engine.rearrange)
        numbers = itertools.count(1)
        house = House(
            self.engine,
            Bridges(lambda name: self.roster.find(name), self.engine.rearrange),
            self.desk,
            self.backlog,
            self.facts,
            lambda: self.now,
            RESUME_SECONDS,
            lambda seat: self.roster.forget(seat),
            self.recorders,
            Archive(self.recording, kept, lambda: EPOCH_MS),
            self.passes,
        )
        self.roster = Roster(
            house,
            "0000abcd",
            7,
            capacity,
            lambda: self.is_overloaded,
            legs or {},
            Draws(
                lambda: f"00000000-0000-4000-8000-{next(numbers):012x}",
                lambda: 42,
                lambda: EPOCH_MS,
            ),
        )
        self.speech.come_up()

    def open(
        self,
        principal: Principal = ALICE,
        call_type: CallType = CallType.WEBSOCKET,
        **query: str,
    ) -> "Application":
        peer = FakePeer()
        parsed = SessionQuery.parse({"ping": "0", **query})
        handle = self.roster.open(principal, parsed, call_type, peer)
        return Application(self, handle, peer)

    def work(self) -> None:
        """What happens between two ticks."""
        self.backlog.renew()
        while self.backlog.drain():
            self.backlog.renew()

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += SLOT
            self.slot += 1
            self.engine.play(self.now, self.slot)
            self.engine.hear(self.now)
            self.roster.handle_timers(self.now)
            self.work()


@dataclass
class Application:
    """One session as its application has it."""

    world: World
    handle: SessionHandle
    peer: FakePeer

    def command(self, name: str, **fields: Any) -> None:
        self.text(json.dumps({"command": name, **fields}).encode())

    def text(self, text: bytes) -> None:
        self.handle.receive_text(text)
        self.world.work()

    def invite(self, **option: Any) -> "Application":
        self.command("invite", option=option)
        return self

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.peer.texts]

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


def pcm(level: int, frames: int = 1, rate: int = 16_000) -> bytes:
    """Frames of samples that all have this level."""
    return np.full(frames * rate // 50, level, np.int16).tobytes()
