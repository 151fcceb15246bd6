"""What all sessions of a worker share, and how their effects are done with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.protocol.lease import Fact
from mediaworker.runtime.backlog import Backlog
from mediaworker.runtime.inbound import Inbound
from mediaworker.runtime.ports import FactSink
from mediaworker.runtime.speechdesk import Client, SpeechDesk
from mediaworker.runtime.wires import Wire
from mediaworker.session.effects import (
    AskText,
    Close,
    Connect,
    CreditJob,
    DropJob,
    Effect,
    FetchFile,
    MuteCaller,
    Report,
    SayText,
)


class Occupant(Client, Protocol):
    """A session's seat, as the tick and its effects know it."""

    inbound: Inbound | None
    wire: Wire | None
    """None, as is the former, until the session is connected."""
    row: int | None
    """In its detector; None when no voice is to be detected."""
    heard_ms: int
    is_playing: bool
    """There may be a frame to take."""
    is_muted: bool
    transcribes: bool

    @property
    def session_id(self) -> str: ...

    def hear(self, probability: float, to_ms: int, now: float) -> None:
        """A window of the detector."""

    def take_frame(self, now: float) -> bytes | None:
        """The next samples to be sent."""

    def count_missing(self) -> int:
        """Frames of what plays that were not there in time, since it was asked."""

    def send_audio(self, payload: bytes) -> bool:
        """False when it was dropped."""

    def fail(self, error: Exception) -> None:
        """The session cannot go on; all others can."""

    def counted(self, fact: Fact) -> Fact:
        """With what went over the socket, which only the seat has seen."""

    def close(self, code: int, reason: str) -> None:
        """The session is over, and has told it."""


class Floor(Protocol):
    """Where seats stand: the engine."""

    def connect(self, seat: Occupant, effect: Connect) -> None:
        """Give it a place in the tick."""

    def disconnect(self, seat: Occupant) -> None:
        """Take its place away, if it has one."""


@dataclass(frozen=True, slots=True)
class House:
    """What all seats share."""

    floor: Floor
    speech: SpeechDesk
    backlog: Backlog
    facts: FactSink
    clock: Callable[[], float]
    resume_seconds: float
    closed: Callable[[Occupant], None]
    """Told once, when the session is over."""


def perform(effect: Effect, seat: Occupant, house: House) -> None:
    """Do what a session wants done."""
    match effect:
        case Connect():
            _connect(effect, seat, house)
        case MuteCaller(is_muted):
            seat.is_muted = is_muted
        case SayText():
            house.speech.say(seat, effect)
        case FetchFile():
            house.speech.fetch(seat, effect)
        case DropJob(job):
            house.speech.drop(seat, job)
        case CreditJob(job, ms):
            house.speech.credit(seat, job, ms)
        case AskText():
            house.speech.ask(seat, effect)
        case Report(fact):
            house.facts.tell(seat.counted(fact))
        case Close(code, reason):
            seat.close(code, reason)


def _connect(effect: Connect, seat: Occupant, house: House) -> None:
    house.floor.connect(seat, effect)
    if effect.transcribes:
        seat.transcribes = True
        house.speech.listen(seat, effect.language)
