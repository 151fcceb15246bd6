"""Commands against repositories that lose races, time out and forget."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain import errors
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Answer, Create, Join, Leave
from chalicelib.protocol.vocabulary import CallState, EndReason
from chalicelib.services import ports
from chalicelib.services.calls import Attempt, CallService, CommandReused
from chalicelib.services.ports import Commit
from chalicelib.services.retries import RETRY_BUDGET_MS, Unavailable
from tests.builders import NOW_MS, RING_MS, FakeClock, FakeDraws, create


class Unruly(MemoryCalls):
    """Does what it is told to, before or after a commit, once each."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.before: list[Callable[[], Any]] = []
        self.after: list[Callable[[], Any]] = []
        self.commits: list[Commit] = []
        self.reads = 0

    def load(self, tenant: str, call_id: str) -> Call | None:
        self.reads += 1
        return super().load(tenant, call_id)

    def call_id_of_trace(self, tenant: str, trace_id: int) -> str | None:
        self.reads += 1
        return super().call_id_of_trace(tenant, trace_id)

    def commit(self, commit: Commit) -> None:
        self.commits.append(commit)
        if self.before:
            self.before.pop(0)()
        super().commit(commit)
        if self.after:
            self.after.pop(0)()


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def calls(store: Store) -> Unruly:
    return Unruly(store)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(calls: Unruly, clock: FakeClock) -> CallService:
    return CallService(calls, clock, FakeDraws())


def attempt(command_id: str, fingerprint: str = "same") -> Attempt:
    return Attempt(command_id, fingerprint)


def second_call(*invitees: str, **changes: Any) -> Any:
    return create(
        "carol",
        *invitees,
        call_id="call-2",
        trace_id=102,
        room_number=8,
        **changes,
    )


def test_create_stores_the_call_and_its_events(
    service: CallService, store: Store
) -> None:
    call = service.create(create(), attempt("a"))
    assert store.calls["default", "call-1"] == call
    assert [e.type for e in store.events["default", "call-1"].values()] == [
        "participant.invited"
    ]


def test_command_without_effect_stores_nothing(
    service: CallService, calls: Unruly
) -> None:
    service.create(create(), attempt("a"))
    service.execute("default", "call-1", Leave("bob"), attempt("b"))
    service.execute("default", "call-1", Leave("bob"), attempt("c"))
    assert len(calls.commits) == 2


def keyed(command_id: str, fingerprint: str = "same") -> Attempt:
    return Attempt(command_id, fingerprint, is_keyed=True)


def test_key_of_a_done_command_is_known_when_nothing_is_left_to_do(
    service: CallService,
) -> None:
    service.create(create(), attempt("a"))
    answered = service.execute("default", "call-1", Join("bob"), keyed("k"))
    service.execute("default", "call-1", Join("alice"), attempt("b"))
    again = service.execute("default", "call-1", Join("bob"), keyed("k"))
    assert again == answered
    with pytest.raises(CommandReused):
        service.execute("default", "call-1", Join("bob"), keyed("k", "other"))
    with pytest.raises(CommandReused):
        service.execute("default", "nowhere", Join("bob"), keyed("k", "other"))


def test_key_of_a_command_without_effect_is_decided_again(
    service: CallService,
) -> None:
    service.create(create(), attempt("a"))
    service.execute("default", "call-1", Leave("bob"), attempt("b"))
    for _ in range(2):
        call = service.execute("default", "call-1", Leave("bob"), keyed("k"))
        assert call.state is CallState.ENDED


def test_command_on_an_unknown_call_names_it(service: CallService) -> None:
    with pytest.raises(errors.CallNotFound) as refused:
        service.execute("default", "nowhere", Join("bob"), attempt("a"))
    assert refused.value.subject == "nowhere"


def test_create_of_a_used_id_is_refused(service: CallService) -> None:
    service.create(create(), attempt("a"))
    with pytest.raises(errors.CallExists):
        service.create(create("carol", "dave"), attempt("b"))


def test_lost_race_is_decided_again(
    service: CallService, calls: Unruly, store: Store
) -> None:
    service.create(create(), attempt("a"))
    rival = CallService(MemoryCalls(store), FakeClock(), FakeDraws(1_000))
    calls.before = [
        lambda: rival.execute("default", "call-1", Join("bob"), attempt("rival"))
    ]
    call = service.execute("default", "call-1", Leave("alice"), attempt("b"))
    assert call.end_reason is EndReason.CANCELLED
    assert call.version == 3


@pytest.mark.parametrize("error", [ports.Conflict(), ports.Throttled()])
def test_refused_commit_is_tried_again_with_a_pause(
    service: CallService,
    calls: Unruly,
    clock: FakeClock,
    error: ports.RepositoryError,
) -> None:
    calls.before = [failing(error)] * 3
    assert service.create(create(), attempt("a")).state is CallState.WAITING
    assert clock.slept_ms == sorted(clock.slept_ms) and len(clock.slept_ms) == 3


def test_storage_that_never_answers_is_given_up(
    service: CallService, calls: Unruly, clock: FakeClock
) -> None:
    calls.before = [failing(ports.Throttled())] * 10_000
    with pytest.raises(Unavailable):
        service.create(create(), attempt("a"))
    assert RETRY_BUDGET_MS <= clock.at_ms - NOW_MS < 2 * RETRY_BUDGET_MS


def test_read_that_is_throttled_is_tried_again(
    service: CallService, calls: Unruly, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.create(create(), attempt("a"))
    load, failures = calls.load, [ports.Throttled(), ports.UnknownOutcome()]

    def flaky(tenant: str, call_id: str) -> Any:
        if failures:
            raise failures.pop()
        return load(tenant, call_id)

    monkeypatch.setattr(calls, "load", flaky)
    assert service.view("default", "call-1") is not None


@pytest.mark.parametrize("is_stored", [True, False])
def test_unknown_outcome_sends_the_same_again(
    service: CallService, calls: Unruly, store: Store, is_stored: bool
) -> None:
    lost = failing(ports.UnknownOutcome())
    if is_stored:
        calls.after = [lost]
    else:
        calls.before = [lost]
    call = service.create(create(), attempt("a"))
    assert calls.commits[0] == calls.commits[1]
    assert store.calls["default", "call-1"] == call
    assert len(store.events["default", "call-1"]) == 1


def test_unknown_outcome_is_found_by_its_record_once_the_token_is_forgotten(
    service: CallService, calls: Unruly, store: Store
) -> None:
    def forget() -> None:
        store.committed.clear()
        raise ports.UnknownOutcome

    calls.after = [forget]
    call = service.create(create(), attempt("a"))
    assert store.calls["default", "call-1"] == call
    assert call.version == 1


def test_repeated_command_gets_the_same_answer(
    service: CallService, calls: Unruly
) -> None:
    service.create(create(), attempt("a"))
    first = service.execute("default", "call-1", Join("bob", "web"), attempt("b"))
    service.execute("default", "call-1", Leave("alice"), attempt("c"))
    again = service.create(create(), attempt("a"))
    assert again.state is CallState.WAITING
    assert first.state is CallState.ACTIVE


def test_repeated_command_id_with_another_request_is_refused(
    service: CallService,
) -> None:
    service.create(create(), attempt("a", "one"))
    with pytest.raises(CommandReused):
        service.create(create("carol", "dave"), attempt("a", "two"))


def test_repeated_refusal_is_refused_again(service: CallService) -> None:
    service.create(create(), attempt("a"))
    for _ in range(2):
        with pytest.raises(errors.ParticipantBusy) as busy:
            service.create(second_call("bob"), attempt("b"))
        assert busy.value.subject == "bob"


def test_used_numbers_are_drawn_again(service: CallService) -> None:
    service.create(create(), attempt("a"))
    command = replace(second_call("dave"), trace_id=101, room_number=7)
    call = service.create(command, attempt("b"))
    assert (call.trace_id, call.room_number) != (101, 7)


class TestBusy:
    def test_busy_callee_is_told_of_and_the_call_is_kept(
        self, service: CallService
    ) -> None:
        service.create(create(), attempt("a"))
        with pytest.raises(errors.ParticipantBusy):
            service.create(second_call("bob"), attempt("b"))
        refused = service.view("default", "call-2")
        assert refused is not None and refused.end_reason is EndReason.BUSY
        call = service.active_call_of("default", "bob")
        assert call is not None and call.id == "call-1"

    def test_busy_creator_is_refused(self, service: CallService) -> None:
        service.create(create(), attempt("a"))
        glare = replace(second_call("alice"), creator="bob")
        with pytest.raises(errors.CreatorBusy):
            service.create(glare, attempt("b"))
        assert service.view("default", "call-2") is None

    def test_busy_member_of_a_group_is_left_out(self, service: CallService) -> None:
        service.create(create(), attempt("a"))
        group = second_call("bob", "dave", max_participants=3)
        call = service.create(group, attempt("b"))
        assert call.locked_uids == {"carol", "dave"}

    def test_busy_stranger_cannot_join(self, service: CallService) -> None:
        service.create(create(), attempt("a"))
        group = second_call("dave", max_participants=3, is_invite_only=False)
        service.create(group, attempt("b"))
        with pytest.raises(errors.ParticipantBusy):
            service.execute("default", "call-2", Join("bob"), attempt("c"))

    def test_lock_of_a_call_past_its_deadline_is_taken_over(
        self, service: CallService, clock: FakeClock, store: Store
    ) -> None:
        service.create(create(), attempt("a"))
        clock.pass_ms(RING_MS)
        call = service.create(second_call("bob"), attempt("b"))
        assert call.locked_uids == {"carol", "bob"}
        missed = store.calls["default", "call-1"]
        assert missed.end_reason is EndReason.MISSED
        told = [e.type for e in store.events["default", "call-1"].values()]
        assert told[-2:] == ["participant.missed", "room.finished"]

    @pytest.mark.parametrize("holder", ["missing", "ended"])
    def test_lock_that_no_call_holds_is_dropped(
        self, service: CallService, store: Store, holder: str
    ) -> None:
        if holder == "ended":
            service.create(create("erin", "frank", call_id="ended"), attempt("a"))
            service.execute("default", "ended", Leave("erin"), attempt("b"))
        store.locks["default", "bob"] = holder
        call = service.create(second_call("bob"), attempt("c"))
        assert call.locked_uids == {"carol", "bob"}


class TestViews:
    def test_view_past_the_deadline_is_of_a_missed_call(
        self, service: CallService, clock: FakeClock
    ) -> None:
        service.create(create(), attempt("a"))
        clock.pass_ms(RING_MS)
        call = service.view("default", "call-1")
        assert call is not None and call.end_reason is EndReason.MISSED
        assert service.active_call_of("default", "bob") is None

    def test_view_of_another_tenants_call_is_nothing(
        self, service: CallService
    ) -> None:
        service.create(create(), attempt("a"))
        assert service.view("other", "call-1") is None

    def test_active_call_of_a_member(self, service: CallService) -> None:
        call = service.create(create(), attempt("a"))
        assert service.active_call_of("default", "bob") == call
        assert service.active_call_of("default", "carol") is None


class TestByTrace:
    """Calls as dtalk knows them: by a number, which is its own calls' id."""

    NAMED = create(call_id="101")

    def test_call_named_by_its_number_is_found_in_one_read(
        self, service: CallService, calls: Unruly
    ) -> None:
        service.create(self.NAMED, attempt("a"))
        found = service.find_by_trace("default", 101)
        assert found is not None and found.id == "101"
        assert calls.reads == 1

    def test_call_of_another_name_is_found_too(self, service: CallService) -> None:
        service.create(create(), attempt("a"))
        found = service.find_by_trace("default", 101)
        assert found is not None and found.id == "call-1"
        assert service.find_by_trace("acme", 101) is None

    def test_call_that_has_the_number_for_a_name_is_not_it(
        self, service: CallService
    ) -> None:
        service.create(create(call_id="102"), attempt("a"))
        assert service.find_by_trace("default", 102) is None
        with pytest.raises(errors.CallNotFound):
            service.execute_by_trace("default", 102, Leave("bob"), attempt("b"))

    def test_call_that_was_forgotten_is_none(
        self, service: CallService, store: Store
    ) -> None:
        service.create(create(), attempt("a"))
        store.calls.clear()
        assert service.find_by_trace("default", 101) is None

    def test_found_call_is_as_time_has_made_it(
        self, service: CallService, clock: FakeClock
    ) -> None:
        service.create(self.NAMED, attempt("a"))
        clock.pass_ms(RING_MS)
        found = service.find_by_trace("default", 101)
        assert found is not None and found.end_reason is EndReason.MISSED

    def test_command_is_one_read_and_one_commit(
        self, service: CallService, calls: Unruly
    ) -> None:
        service.create(self.NAMED, attempt("a"))
        call = service.execute_by_trace("default", 101, Answer("bob"), attempt("b"))
        assert call.state is CallState.ACTIVE
        assert (calls.reads, len(calls.commits)) == (1, 2)

    def test_command_that_lost_a_race_is_decided_on_what_won(
        self, service: CallService, calls: Unruly
    ) -> None:
        service.create(self.NAMED, attempt("a"))

        def winner() -> None:
            service.execute("default", "101", Leave("alice"), attempt("w"))

        calls.before.append(winner)
        with pytest.raises(errors.CallEnded):
            service.execute_by_trace("default", 101, Answer("bob"), attempt("b"))

    def test_command_on_an_unknown_number_names_it(self, service: CallService) -> None:
        with pytest.raises(errors.CallNotFound) as refused:
            service.execute_by_trace("default", 7, Leave("bob"), attempt("a"))
        assert refused.value.subject == "7"

    @pytest.mark.parametrize(
        "there",
        [
            second_call("dave", ring_seconds=20),
            create("carol", "dave", call_id="101", trace_id=102, room_number=8),
            create("carol", "dave", call_id="call-2", trace_id=101, room_number=8),
            create("carol", "dave", call_id="call-2", trace_id=102, room_number=7),
        ],
    )
    def test_number_and_name_are_drawn_together(
        self, service: CallService, there: Create
    ) -> None:
        service.create(there, attempt("a"))
        call = service.create(self.NAMED, attempt("b"))
        assert call.id == str(call.trace_id)
        assert service.find_by_trace("default", call.trace_id) == call
