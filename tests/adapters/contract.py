"""What every repository must do, whatever it keeps its things in."""

import uuid
from dataclasses import replace

import pytest

from chalicelib.domain.commands import Join, Leave
from chalicelib.domain.errors import ParticipantBusy
from chalicelib.services import agenda, ports
from chalicelib.services.ports import CallRepository, OutboxEvent
from chalicelib.services.webhooks.tallies import Tally, TallyRepository
from tests.builders import NOW_MS, RING_MS, commit, create

DAY_MS = 24 * 3600 * 1000


class CallRepositoryContract:
    """Subclasses give a fixture ``calls`` with an empty repository."""

    def test_load_finds_nothing_of_an_unknown_call(self, calls: CallRepository) -> None:
        assert calls.load("default", "call-1") is None
        assert calls.outbox("default", "call-1", 1) == ()

    def test_commit_stores_the_call_as_it_was_decided(
        self, calls: CallRepository
    ) -> None:
        created = commit(None, create())
        calls.commit(created)
        assert calls.load("default", "call-1") == created.after
        assert calls.load("other", "call-1") is None

    def test_commit_keeps_what_a_finished_call_says(
        self, calls: CallRepository
    ) -> None:
        step = commit(None, create())
        calls.commit(step)
        for name, command in (("b", Join("bob", "web")), ("c", Leave("bob"))):
            step = commit(step.after, command, command_id=name, at_ms=NOW_MS + 5000)
            calls.commit(step)
        assert calls.load("default", "call-1") == step.after
        assert step.after.ended_at_ms is not None

    def test_commit_locks_the_members_and_frees_them_at_the_end(
        self, calls: CallRepository
    ) -> None:
        created = commit(None, create())
        calls.commit(created)
        assert calls.call_id_of("default", "alice") == "call-1"
        assert calls.call_id_of("default", "bob") == "call-1"
        assert calls.call_id_of("other", "bob") is None
        calls.commit(commit(created.after, Leave("bob"), command_id="leave"))
        assert calls.call_id_of("default", "alice") is None
        assert calls.call_id_of("default", "bob") is None

    def test_commit_tells_events_in_order(self, calls: CallRepository) -> None:
        created = commit(None, create())
        calls.commit(created)
        joined = commit(created.after, Join("bob", "web"), command_id="join")
        calls.commit(joined)
        told = (*created.events, *joined.events)
        assert calls.outbox("default", "call-1", 1) == told
        assert calls.outbox("default", "call-1", 3) == told[2:]
        assert [event.seq for event in told] == [1, 2, 3]

    def test_commit_of_a_used_id_is_refused(self, calls: CallRepository) -> None:
        calls.commit(commit(None, create()))
        again = create("carol", "dave", trace_id=102, room_number=8)
        with pytest.raises(ports.CallIdTaken):
            calls.commit(commit(None, again, command_id="again"))
        assert calls.call_id_of("default", "carol") is None

    def test_commit_after_a_lost_race_is_refused(self, calls: CallRepository) -> None:
        created = commit(None, create())
        calls.commit(created)
        calls.commit(commit(created.after, Join("bob"), command_id="winner"))
        with pytest.raises(ports.Conflict):
            calls.commit(commit(created.after, Leave("bob"), command_id="loser"))
        assert [event.seq for event in calls.outbox("default", "call-1", 1)] == [
            1,
            2,
            3,
        ]

    def test_commit_names_all_who_are_in_other_calls(
        self, calls: CallRepository
    ) -> None:
        calls.commit(commit(None, create()))
        group = create(
            "carol",
            "alice",
            "bob",
            "dave",
            call_id="call-2",
            trace_id=102,
            room_number=8,
            max_participants=4,
        )
        with pytest.raises(ports.LocksHeld) as held:
            calls.commit(commit(None, group, command_id="group"))
        assert held.value.holders == {"alice": "call-1", "bob": "call-1"}
        assert calls.load("default", "call-2") is None
        assert calls.call_id_of("default", "dave") is None

    @pytest.mark.parametrize(
        "numbers",
        [{"trace_id": 101, "room_number": 8}, {"trace_id": 102, "room_number": 7}],
    )
    def test_commit_with_a_used_number_is_refused(
        self, calls: CallRepository, numbers: dict[str, int]
    ) -> None:
        calls.commit(commit(None, create()))
        other = create("carol", "dave", call_id="call-2", **numbers)
        with pytest.raises(ports.NumberTaken):
            calls.commit(commit(None, other, command_id="other"))

    def test_call_is_found_by_its_trace_id_in_its_tenant_alone(
        self, calls: CallRepository
    ) -> None:
        assert calls.call_id_of_trace("default", 101) is None
        calls.commit(commit(None, create(call_id="a#b", trace_id=2**63 - 1)))
        assert calls.call_id_of_trace("default", 2**63 - 1) == "a#b"
        assert calls.call_id_of_trace("acme", 2**63 - 1) is None
        assert calls.call_id_of_trace("default", 7) is None

    def test_load_finds_the_details_again(self, calls: CallRepository) -> None:
        created = commit(None, create(details={"groupId": "9", "имя": "会"}))
        calls.commit(created)
        found = calls.load("default", "call-1")
        assert found is not None and found == created.after
        assert found.details == {"groupId": "9", "имя": "会"}

    def test_commit_of_a_done_command_returns_its_record(
        self, calls: CallRepository
    ) -> None:
        created = commit(None, create())
        record = replace(
            created.record, refusal=ParticipantBusy.__name__, refusal_subject="bob"
        )
        created = replace(created, record=record)
        calls.commit(created)
        with pytest.raises(ports.AlreadyDone) as done:
            calls.commit(replace(created, token=uuid.uuid4().hex))
        assert done.value.record == record
        assert calls.record("default", record.command_id) == record

    def test_record_of_a_command_that_was_never_stored_is_none(
        self, calls: CallRepository
    ) -> None:
        created = commit(None, create())
        assert calls.record("default", created.record.command_id) is None
        calls.commit(created)
        assert calls.record("another", created.record.command_id) is None

    def test_commit_sent_twice_is_stored_once(self, calls: CallRepository) -> None:
        created = commit(None, create())
        calls.commit(created)
        try:
            calls.commit(created)
        except ports.AlreadyDone as done:
            assert done.record == created.record
        assert len(calls.outbox("default", "call-1", 1)) == 1

    def test_drop_lock_frees_only_of_the_call_named(
        self, calls: CallRepository
    ) -> None:
        calls.commit(commit(None, create()))
        calls.drop_lock("default", "bob", "another-call")
        assert calls.call_id_of("default", "bob") == "call-1"
        calls.drop_lock("default", "bob", "call-1")
        calls.drop_lock("default", "bob", "call-1")
        assert calls.call_id_of("default", "bob") is None

    def test_ids_of_any_letters_are_kept_apart(self, calls: CallRepository) -> None:
        odd = create("ал#ice", "会#议", call_id="a#b c:é")
        calls.commit(commit(None, odd))
        found = calls.load("default", "a#b c:é")
        assert found is not None and found.uids == ("ал#ice", "会#议")

    def test_commit_keeps_the_id_when_the_call_is_forgotten(
        self, calls: CallRepository
    ) -> None:
        created = commit(None, create())
        calls.commit(created)
        self.forget(calls)
        assert calls.load("default", "call-1") is None
        again = create("carol", "dave", trace_id=102, room_number=8)
        with pytest.raises(ports.CallIdTaken):
            calls.commit(commit(None, again, command_id="again"))

    def forget(self, calls: CallRepository) -> None:
        """Remove call-1 as its retention does; each repository in its own way."""
        raise AssertionError("for subclasses")

    def effects(self, calls: CallRepository) -> list[OutboxEvent]:
        """Those that are stored."""
        raise AssertionError("for subclasses")

    def test_commit_stores_the_effects_of_an_end(self, calls: CallRepository) -> None:
        created = commit(None, create())
        calls.commit(created)
        ended = commit(created.after, Leave("bob"), command_id="leave")
        calls.commit(ended)
        assert self.effects(calls) == list(ended.effects)
        assert [effect.type for effect in ended.effects] == ["effect.delete_room"]

    def test_request_stores_an_effect_of_no_command(
        self, calls: CallRepository
    ) -> None:
        effect = OutboxEvent("default", "gone", 0, "e1", "effect.x", NOW_MS, {})
        calls.request(effect)
        assert self.effects(calls) == [effect]

    def due(self, calls: CallRepository, at_ms: int) -> list[tuple[str, str]]:
        found = (calls.due(shard, at_ms) for shard in range(agenda.SHARDS))
        return [key for keys in found for key in keys]

    def test_due_are_the_calls_whose_time_has_come(self, calls: CallRepository) -> None:
        calls.commit(commit(None, create()))
        other = create(
            "carol", "dave", tenant="acme", call_id="b", trace_id=102, room_number=8
        )
        calls.commit(commit(None, other, at_ms=NOW_MS + 1000, command_id="other"))
        assert self.due(calls, NOW_MS + RING_MS - 1) == []
        assert self.due(calls, NOW_MS + RING_MS) == [("default", "call-1")]
        assert sorted(self.due(calls, NOW_MS + RING_MS + 1000)) == [
            ("acme", "b"),
            ("default", "call-1"),
        ]

    def test_due_is_an_ended_call_once_more_until_it_is_disarmed(
        self, calls: CallRepository
    ) -> None:
        created = commit(None, create())
        calls.commit(created)
        ended = commit(created.after, Leave("bob"), command_id="leave")
        calls.commit(ended)
        audit_ms = NOW_MS + agenda.AUDIT_MS
        assert self.due(calls, audit_ms - 1) == []
        assert self.due(calls, audit_ms) == [("default", "call-1")]
        calls.disarm(created.after)
        assert self.due(calls, audit_ms) == [("default", "call-1")]
        calls.disarm(ended.after)
        assert self.due(calls, audit_ms) == []
        assert calls.load("default", "call-1") == ended.after

    def test_postponed_call_is_due_when_it_says(self, calls: CallRepository) -> None:
        created = commit(None, create())
        calls.commit(created)
        ended = commit(created.after, Leave("bob"), command_id="leave")
        calls.commit(ended)
        later_ms = NOW_MS + agenda.AUDIT_MS + 600_000
        calls.postpone(created.after, later_ms)
        assert self.due(calls, later_ms - 1) == [("default", "call-1")]
        calls.postpone(ended.after, later_ms)
        assert self.due(calls, later_ms - 1) == []
        assert self.due(calls, later_ms) == [("default", "call-1")]
        calls.disarm(ended.after)
        assert self.due(calls, later_ms) == []

    def test_rearm_of_a_call_changes_nothing_of_it(self, calls: CallRepository) -> None:
        created = commit(None, create())
        calls.commit(created)
        calls.rearm(created.after)
        assert calls.load("default", "call-1") == created.after


class TallyRepositoryContract:
    """Subclasses give a fixture ``tallies`` with an empty repository."""

    def test_total_is_of_all_that_was_added(self, tallies: TallyRepository) -> None:
        tallies.add("default", NOW_MS, Tally(3, 2, 1, {"room.started": 2}))
        tallies.add("default", NOW_MS + 1, Tally(1, 1, 0, {"room.started": 1, "x": 1}))
        tallies.add("acme", NOW_MS, Tally(7))
        assert tallies.total("default") == Tally(4, 3, 1, {"room.started": 3, "x": 1})
        assert tallies.total("nobody") == Tally()

    def test_forget_drops_whole_days_only(self, tallies: TallyRepository) -> None:
        for days_ago in range(3):
            tallies.add("default", NOW_MS - days_ago * DAY_MS, Tally(1, 0, 0, {"x": 1}))
        tallies.forget_before("default", NOW_MS - DAY_MS)
        assert tallies.total("default") == Tally(2, 0, 0, {"x": 2})
        tallies.forget_before("other", NOW_MS + DAY_MS)
        assert tallies.total("default").told == 2
