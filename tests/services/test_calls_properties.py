"""Several clients at once on storage that fails in every way, in any order."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain import calls
from chalicelib.domain.commands import (
    Answer,
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
from chalicelib.services.calls import Attempt, CallService
from chalicelib.services.ports import CallRepository
from chalicelib.services.retries import Unavailable
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

IS_BRIEF = "CI" in os.environ
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
        uids.map(Answer),
        uids.map(Leave),
        uids.map(ReplyBusy),
        uids.map(End),
        st.builds(Invite, st.lists(uids, max_size=2).map(tuple), st.none()),
        st.just(Wake()),
    ),
)
scripts = st.lists(creates | others, min_size=1, max_size=3)
faults = st.sampled_from([Fault.NONE] * 6 + list(Fault))


class World:
    """Clients, one storage, and a record of all that happened."""

    def __init__(
        self, choices: list[int], repository: CallRepository | None = None
    ) -> None:
        self.choices = choices
        self.faults: list[Fault] = []
        self.answers: list[Answered] = []
        self.decisions: list[Decided] = []
        self.unanswered: list[tuple[Step, Attempt]] = []
        self.stored = repository or MemoryCalls(Store())
        self.turns = Interleaving(self.choose)
        self.repository = FaultyCalls(self.stored, self.turns, self.draw)
        self.clock = FakeClock()
        self.draws = FakeDraws()

    def choose(self, count: int) -> int:
        return self.choices.pop(0) % count if self.choices else 0

    def draw(self) -> Fault:
        return self.faults.pop(0) if self.faults else Fault.NONE

    def service(self) -> CallService:
        return CallService(self.repository, self.clock, self.draws)

    def version(self, call_id: str) -> int:
        call = self.stored.load("default", call_id)
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
        for call_id in CALLS:
            if self.stored.load("default", call_id) is not None:
                self.service().act("default", call_id, Wake())

    def snapshot(self) -> Store:
        """What is stored, as a repository of any kind tells it."""
        store = Store()
        for call_id in CALLS:
            call = self.stored.load("default", call_id)
            if call is not None:
                store.calls["default", call_id] = call
            events = self.stored.outbox("default", call_id, 1)
            store.events["default", call_id] = {event.seq: event for event in events}
        for uid in UIDS:
            held = self.stored.call_id_of("default", uid)
            if held is not None:
                store.locks["default", uid] = held
        for commit in self.repository.history:
            store.effects.update({effect.event_id: effect for effect in commit.effects})
        return store


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


def play(
    world: World, first: Step | None, clients: list[list[Step]], drawn: list[Fault]
) -> None:
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
    check_store(world.snapshot())
    world.let_time_pass(RING_MS)
    check_store(world.snapshot())
    world.let_time_pass(MAX_CALL_SECONDS * 1000)
    last = world.snapshot()
    check_store(last)
    assert not any(call.is_live for call in last.calls.values())
    assert last.locks == {}


firsts = st.none() | creates
crowds = st.lists(scripts, min_size=2, max_size=4)
orders = st.lists(st.integers(0, 3), max_size=60)
troubles = st.lists(faults, max_size=30)


@settings(max_examples=600 if IS_BRIEF else 2_000)
@given(first=firsts, clients=crowds, choices=orders, drawn=troubles)
def test_clients_at_once_on_failing_storage_break_nothing(
    first: Step | None,
    clients: list[list[Step]],
    choices: list[int],
    drawn: list[Fault],
) -> None:
    play(World(choices), first, clients, drawn)


@settings(
    max_examples=15 if IS_BRIEF else 40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(first=firsts, clients=crowds, choices=orders, drawn=troubles)
def test_clients_at_once_on_a_failing_table_break_nothing(
    table: type[Row],
    first: Step | None,
    clients: list[list[Step]],
    choices: list[int],
    drawn: list[Fault],
) -> None:
    with table.batch_write() as batch:
        for row in table.scan():
            batch.delete(row)
    world = World(choices, DynamoDBCalls(table, rows.connection_of(table)))
    play(world, first, clients, drawn)


def test_glare_has_one_winner_in_every_order() -> None:
    for first in range(2):
        for length in range(8):
            world = World([first] * length + [1 - first] * 20)
            pair = [
                creating("call-1", "alice", ["bob"], 2),
                creating("call-2", "bob", ["alice"], 2),
            ]
            world.turns.run(
                [world.client(str(n), [step]) for n, step in enumerate(pair)]
            )
            store = world.snapshot()
            live = [call for call in store.calls.values() if call.is_live]
            assert len(live) == 1 and len(world.answers) == 1
            check_store(store)
