"""What all sessions of a worker share, and how their effects are done with it."""

from collections.abc import Callable
from dataclasses import dataclass

from mediaworker.runtime.archive import Archive
from mediaworker.runtime.backlog import Backlog
from mediaworker.runtime.bridge import Bridges
from mediaworker.runtime.occupant import Floor, Occupant
from mediaworker.runtime.passes import Passes
from mediaworker.runtime.ports import FactSink
from mediaworker.runtime.recorders import Recorders
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.session.effects import (
    AskText,
    ClearMedia,
    Close,
    Connect,
    CreditJob,
    DropJob,
    Effect,
    FetchFile,
    JoinSession,
    JudgeTurn,
    Listen,
    MuteCaller,
    MuteMedia,
    PartSession,
    PassMedia,
    PassMessage,
    Record,
    Report,
    SayText,
)
from mediaworker.session.legs import LegEffect


@dataclass(frozen=True, slots=True)
class House:
    """What all seats share."""

    floor: Floor
    bridges: Bridges
    speech: SpeechDesk
    backlog: Backlog
    facts: FactSink
    clock: Callable[[], float]
    resume_seconds: float
    closed: Callable[[Occupant], None]
    """Told once, when the session is over."""
    recorders: Recorders
    archive: Archive
    passes: Passes


def perform(effect: Effect, seat: Occupant, house: House) -> None:
    """Do what a session wants done. Raises what its leg does."""
    match effect:
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
        case JudgeTurn():
            house.speech.judge(seat, effect)
        case Record():
            house.recorders.begin(seat, effect)
        case Report(fact):
            counted = seat.counted(fact)
            house.facts.tell(counted)
            house.archive.hear(seat, counted)
        case Close(code, reason):
            seat.close(code, reason)
        case _:
            _carry(effect, seat, house)


Carried = (
    Connect
    | Listen
    | MuteCaller
    | JoinSession
    | PartSession
    | PassMessage
    | PassMedia
    | ClearMedia
    | MuteMedia
    | LegEffect
)


def _carry(effect: Carried, seat: Occupant, house: House) -> None:
    """What concerns the call's audio."""
    match effect:
        case Connect():
            house.floor.connect(seat, effect)
            _transcribe(effect, seat, house)
        case Listen():
            house.floor.listen(seat, effect)
            _transcribe(effect, seat, house)
        case MuteCaller(is_muted):
            seat.is_muted = is_muted
        case JoinSession(session_id):
            house.bridges.join(seat, session_id)
        case PartSession(session_id):
            house.bridges.part(seat, session_id)
        case PassMessage(body, content_type):
            house.bridges.pass_message(seat, body, content_type)
        case PassMedia() | ClearMedia() | MuteMedia():
            house.passes.obey(seat, effect)
        case _:
            seat.obey(effect)


def _transcribe(effect: Connect | Listen, seat: Occupant, house: House) -> None:
    if effect.transcribes and not seat.transcribes:
        seat.transcribes = True
        house.speech.listen(
            seat,
            effect.language,
            effect.remote,
            judges=effect.judges,
            seeks_beeps=effect.seeks_beeps,
        )
