"""A concurrent history held against the machine and the invariants of calls."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.adapters.memory import Store
from chalicelib.domain.call import Call
from chalicelib.domain.calls import handle
from chalicelib.domain.commands import Command
from chalicelib.protocol.vocabulary import CallState, EndReason, EventType
from chalicelib.services.ports import Commit


@dataclass(frozen=True)
class Decided:
    """A decision that a service took, whether it could store it or not."""

    before: Call | None
    command: Command
    now_ms: int
    after: Call | None


@dataclass(frozen=True)
class Answered:
    """What a client was told of its command, and what was stored meanwhile."""

    call: Call
    first_version: int
    """Stored when the command was given; 0 for no call."""
    last_version: int
    is_repeated: bool


def check_decisions(history: Iterable[Commit], decisions: list[Decided]) -> None:
    """Every stored change is the machine's, one after the other, without a gap."""
    stored: dict[tuple[str, str], Call] = {}
    for commit in history:
        key = (commit.after.tenant, commit.after.id)
        assert commit.before == stored.get(key)
        decided = next(
            one
            for one in decisions
            if one.before == commit.before and one.after == commit.after
        )
        replayed = handle(stored.get(key), decided.command, decided.now_ms)
        assert replayed.call == commit.after
        stored[key] = commit.after


def check_answers(history: list[Commit], answers: Iterable[Answered]) -> None:
    """Every answer is a state that stood at some moment while it was waited for."""
    versions = {(c.after.id, c.after.version): c.after for c in history}
    for answer in answers:
        call = answer.call
        stored = versions[call.id, call.version]
        assert stored == call or stored.participants == call.participants
        if not answer.is_repeated:
            assert answer.first_version <= call.version <= answer.last_version


def check_store(store: Store) -> None:
    """What must hold of everything that is stored, whenever nobody is at work."""
    locks: dict[tuple[str, str], str] = {}
    for call in store.calls.values():
        for uid in call.locked_uids:
            assert (call.tenant, uid) not in locks, f"{uid} is in two calls"
            locks[call.tenant, uid] = call.id
        assert call.duration_seconds >= 0
        _check_events(store, call)
    assert store.locks == locks


def _check_events(store: Store, call: Call) -> None:
    events = store.events[call.tenant, call.id]
    assert sorted(events) == list(range(1, call.next_seq))
    types = [events[seq].type for seq in sorted(events)]
    has_ended = call.state is CallState.ENDED
    never_rang = call.end_reason is EndReason.BUSY and not events
    finished = Counter(types)[EventType.ROOM_FINISHED]
    assert finished == (0 if never_rang else int(has_ended))
    if finished:
        assert types[-1] == EventType.ROOM_FINISHED
    effects = [e for e in store.effects.values() if e.call_id == call.id]
    deletions = sum(e.type == "effect.delete_room" for e in effects)
    assert deletions == finished
