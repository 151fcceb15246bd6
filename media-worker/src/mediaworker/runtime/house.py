"""What all sessions of a worker share, and how their effects are done with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mediaworker.runtime.backlog import Backlog
from mediaworker.runtime.ports import FactSink
from mediaworker.runtime.speechdesk import SpeechDesk
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

if TYPE_CHECKING:
    from mediaworker.runtime.seat import Seat


class Floor(Protocol):
    """Where seats stand: the engine."""

    def connect(self, seat: "Seat", effect: Connect) -> None:
        """Give it a place in the tick."""

    def disconnect(self, seat: "Seat") -> None:
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
    closed: Callable[["Seat"], None]
    """Told once, when the session is over."""


def perform(effect: Effect, seat: "Seat", house: House) -> None:
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


def _connect(effect: Connect, seat: "Seat", house: House) -> None:
    house.floor.connect(seat, effect)
    if effect.transcribes:
        seat.transcribes = True
        house.speech.listen(seat, effect.language)
