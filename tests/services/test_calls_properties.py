"""Several clients at once on storage that fails in every way, in any order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain import calls
from chalicelib.domain.commands import (
    Command,
    Create,
    End,
    Invite,
    Join,
    Leave,
    ReplyBusy,
    Wake,
)
from chalicelib.domain.errors import CallError
from chalicelib.services import calls as service_module
from chalicelib.services.calls import Attempt, CallService, Unavailable
from tests.builders import MAX_CALL_SECONDS, RING_MS, FakeClock, FakeDraws, create
from tests.faults.history import (
    Answered,
    Decided,
    check_answers,
    check_decisions,
    check_store,
)
from tests.faults.interleaving import Crashed, Interleaving
from tests.faults.repository import Fault, FaultyCalls

UIDS = ("alice", "bob", "carol")
CALLS = ("call-1", "call-2", "call-3")
uids = st.sampled_from(UIDS)
call_ids = st.sampled_from((CALLS[0], *CALLS))
"""The first is the likeliest."""

Step = tuple[str, Command]


def creating(call_id: str, creator: str, invitees: list[str], most: int) -> Step:
    number = 1 + CALLS.index(call_id)
    command = create(
        creator,
        *[uid for uid in dict.fromkeys(invitees) if uid != creator][: most - 1],
        call_id=call_id,
        trace_id=number,
        room_number=number,
        max_participants=most,
    )
    return call_id, command


creates = st.builds(
    creating,
    call_ids,
    uids,
    st.lists(uids, min_size=1, max_size=2),
    st.sampled_from([2, 3]),
)
others: st.SearchStrategy[Step] = st.tuples(
    call_ids,
    st.one_of(
        uids.map(Join),
        uids.map(Leave),
        uids.map(ReplyBusy),
        uids.map(End),
        st.builds(Invite, st.lists(uids, max_size=2).map(tuple), st.none()),
        st.just(Wake()),
    ),
)
scripts = st.lists(creates | others, min_size=1, max_size=3)
faults = st.sampled_from([Fault.NONE] * 6 + list(Fault))


@dataclass
class World:
    """Clients, one storage, and a record of all that happened."""

    choices: list[int]
    faults: list[Fault]
    answers: list[Answered] = field(default_factory=list)
    decisions: list[Decided] = field(default_factory=list)
    unanswered: list[tuple[Step, Attempt]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store()
        self.turns = Interleaving(self.choose)
        self.repository = FaultyCalls(self.store, self.turns, self.draw)
        self.clock = FakeClock()
        self.draws = FakeDraws()

    def choose(self, count: int) -> int:
        return self.choices.pop(0) % count if self.choices else 0

    def draw(self) -> Fault:
        return self.faults.pop(0) if self.faults else Fault.NONE

    def service(self) -> CallService:
        return CallService(self.repository, self.clock, self.draws)

    def version(self, call_id: str) -> int:
        call = self.store.calls.get(("default", call_id))
        return call.version if call else 0

    def client(self, name: str, script: list[Step]) -> Callable[[], None]:
        def run() -> None:
            for place, step in enumerate(script):
                self.ask(step, Attempt(f"{name}-{place}", repr(step)))

        return run

    def ask(self, step: Step, attempt: Attempt, is_repeated: bool = False) -> None:
        call_id, command = step
        first = self.version(call_id)
        try:
            if isinstance(command, Create):
                call = self.service().create(command, attempt)
            else:
                call = self.service().execute("default", call_id, command, attempt)
        except CallError:
            return
        except Unavailable:
            self.unanswered.append((step, attempt))
            return
        except Crashed:
            self.unanswered.append((step, attempt))
            raise
        last = self.version(call_id)
        self.answers.append(Answered(call, first, last, is_repeated))

    def repeat(self) -> None:
        """Whoever was left without an answer asks again, as clients do."""
        self.faults.clear()
        again, self.unanswered = self.unanswered, []
        for step, attempt in again:
            self.ask(step, attempt, is_repeated=True)

    def let_time_pass(self, duration_ms: int) -> None:
        self.clock.pass_ms(duration_ms)
        for tenant, call_id in list(self.store.calls):
            self.service().act(tenant, call_id, Wake())


@contextmanager
def recorded(decisions: list[Decided]) -> Iterator[None]:
    """Every decision of the service goes to the list, too."""

    def handle(before: Any, command: Command, now_ms: int) -> calls.Decision:
        decision = calls.handle(before, command, now_ms)
        decisions.append(Decided(before, command, now_ms, decision.call))
        return decision

    machine = SimpleNamespace(handle=handle, Decision=calls.Decision)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_module, "calls", machine)
        yield


@settings(max_examples=400, deadline=None)
@given(
    first=st.none() | creates,
    clients=st.lists(scripts, min_size=2, max_size=4),
    choices=st.lists(st.integers(0, 3), max_size=60),
    drawn=st.lists(faults, max_size=30),
)
def test_clients_at_once_on_failing_storage_break_nothing(
    first: Step | None,
    clients: list[list[Step]],
    choices: list[int],
    drawn: list[Fault],
) -> None:
    world = World(choices, [])
    with recorded(world.decisions):
        if first is not None:
            world.ask(first, Attempt("first", "first"))
        world.faults = drawn
        world.turns.run(
            [world.client(str(place), script) for place, script in enumerate(clients)]
        )
        world.repeat()
    check_decisions(world.repository.history, world.decisions)
    check_answers(world.repository.history, world.answers)
    check_store(world.store)
    world.let_time_pass(RING_MS)
    check_store(world.store)
    world.let_time_pass(MAX_CALL_SECONDS * 1000)
    check_store(world.store)
    assert not any(call.is_live for call in world.store.calls.values())
    assert world.store.locks == {}


def test_glare_has_one_winner_in_every_order() -> None:
    for first in range(2):
        for length in range(8):
            world = World([first] * length + [1 - first] * 20, [])
            pair = [
                creating("call-1", "alice", ["bob"], 2),
                creating("call-2", "bob", ["alice"], 2),
            ]
            world.turns.run(
                [world.client(str(n), [step]) for n, step in enumerate(pair)]
            )
            live = [call for call in world.store.calls.values() if call.is_live]
            assert len(live) == 1 and len(world.answers) == 1
            check_store(world.store)


def test_repository_without_faults_is_the_one_in_memory() -> None:
    assert issubclass(FaultyCalls, MemoryCalls)
