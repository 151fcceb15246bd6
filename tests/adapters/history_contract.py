"""What every repository of ended calls, live calls and push tokens must do."""

from dataclasses import replace

from chalicelib.domain.call import Call
from chalicelib.domain.commands import Join, Leave
from chalicelib.domain.history import Entry
from chalicelib.protocol.mobile_push import Environment, Platform, PushToken
from chalicelib.protocol.vocabulary import (
    Dialect,
    EndReason,
    Initiator,
    MediaType,
    Provider,
)
from chalicelib.services.devices.push_tokens import PushTokenRepository
from chalicelib.services.history import LATEST_MS, HistoryRepository, LiveCalls
from chalicelib.services.ports import CallRepository
from tests.builders import NOW_MS, commit, create

ENTRY = Entry(
    tenant="default",
    call_id="call-1",
    dialect=Dialect.TGORTC,
    provider=Provider.LIVEKIT,
    media_type=MediaType.VIDEO,
    caller="alice",
    uids=("alice", "bob"),
    created_at_ms=NOW_MS - 60_000,
    answered_at_ms=NOW_MS - 50_000,
    ended_at_ms=NOW_MS,
    reason=EndReason.HANGUP,
    initiator=Initiator.CALLEE,
    duration_seconds=50,
)
MISSED = replace(
    ENTRY,
    call_id="call-2",
    uids=("bob", "carol"),
    caller="bob",
    answered_at_ms=None,
    ended_at_ms=NOW_MS + 1000,
    reason=EndReason.MISSED,
    initiator=None,
    duration_seconds=0,
)
TOKEN = PushToken(
    tenant="default",
    uid="bob",
    device="phone",
    platform=Platform.APNS_VOIP,
    token="ab" * 32,
    app="com.example.app",
    environment=Environment.SANDBOX,
    registered_at_ms=NOW_MS,
    endpoint="arn:aws:sns:eu-central-1:123456789012:endpoint/APNS_VOIP/app/1",
)


class HistoryRepositoryContract:
    """Subclasses give a fixture ``history`` with an empty repository."""

    def test_ended_call_is_found_by_each_member_and_by_the_tenant(
        self, history: HistoryRepository
    ) -> None:
        history.keep(ENTRY)
        history.keep(MISSED)
        assert history.of_user("default", "alice", 0, 10) == (ENTRY,)
        assert history.of_user("default", "bob", 0, 10) == (MISSED, ENTRY)
        assert history.of_user("default", "carol", 0, 10) == (MISSED,)
        assert history.of_tenant("default", 0, LATEST_MS, "", 10) == (MISSED, ENTRY)

    def test_ended_call_is_kept_once_however_often(
        self, history: HistoryRepository
    ) -> None:
        for _ in range(3):
            history.keep(ENTRY)
        assert history.of_user("default", "alice", 0, 10) == (ENTRY,)
        assert history.of_tenant("default", 0, LATEST_MS, "", 10) == (ENTRY,)

    def test_history_of_another_tenant_is_not_seen(
        self, history: HistoryRepository
    ) -> None:
        history.keep(replace(ENTRY, tenant="other"))
        assert history.of_user("default", "alice", 0, 10) == ()
        assert history.of_tenant("default", 0, LATEST_MS, "", 10) == ()

    def test_times_of_a_search_are_included(self, history: HistoryRepository) -> None:
        history.keep(ENTRY)
        history.keep(MISSED)
        at_ms, later_ms = ENTRY.ended_at_ms, MISSED.ended_at_ms
        assert history.of_user("default", "bob", at_ms, 10, at_ms) == (ENTRY,)
        assert history.of_user("default", "bob", at_ms + 1, 10) == (MISSED,)
        assert history.of_tenant("default", at_ms, at_ms, "", 10) == (ENTRY,)
        assert history.of_tenant("default", later_ms, later_ms, "", 10) == (MISSED,)
        assert history.of_user("default", "bob", later_ms + 1, 10) == ()

    def test_pages_follow_each_other_without_a_gap(
        self, history: HistoryRepository
    ) -> None:
        kept = [
            replace(ENTRY, call_id=f"call-{place:02d}", ended_at_ms=NOW_MS + place // 2)
            for place in range(20)
        ]
        for entry in kept:
            history.keep(entry)
        newest_first = sorted(kept, key=lambda entry: entry.place, reverse=True)
        of_user: list[Entry] = []
        of_tenant: list[Entry] = []
        for _ in range(7):
            before = of_user[-1].place if of_user else ""
            of_user += history.of_user("default", "bob", 0, 3, LATEST_MS, before)
            before = of_tenant[-1].place if of_tenant else ""
            of_tenant += history.of_tenant("default", 0, LATEST_MS, before, 3)
        assert of_user == newest_first
        assert of_tenant == newest_first

    def test_place_before_the_period_has_nothing_behind_it(
        self, history: HistoryRepository
    ) -> None:
        history.keep(ENTRY)
        early = f"{1:013d}#call-0"
        now_ms = ENTRY.ended_at_ms
        assert history.of_user("default", "bob", now_ms, 5, LATEST_MS, early) == ()
        assert history.of_tenant("default", now_ms, LATEST_MS, early, 5) == ()

    def test_call_of_many_is_kept_for_all(self, history: HistoryRepository) -> None:
        uids = tuple(f"user-{number}" for number in range(32))
        history.keep(replace(ENTRY, uids=uids))
        for uid in (uids[0], uids[31]):
            assert history.of_user("default", uid, 0, 1)[0].uids == uids


class LiveCallsContract:
    """Subclasses give fixtures ``live`` and ``calls`` on the same empty table."""

    def test_live_calls_of_a_tenant_are_found(
        self, live: LiveCalls, calls: CallRepository
    ) -> None:
        one = self._stored(calls, "call-1", "alice", "bob")
        two = self._stored(calls, "call-2", "carol", "dave")
        self._stored(calls, "call-3", "alice", "bob", tenant="other")
        assert set(live.ids_of_tenant("default")) == {"call-1", "call-2"}
        assert set(live.ids_of_tenant("nobody")) == set()
        loaded = live.load("default", ["call-1", "call-2", "call-3"])
        assert sorted(loaded, key=lambda call: call.id) == [one, two]

    def test_loaded_call_is_as_it_is_now(
        self, live: LiveCalls, calls: CallRepository
    ) -> None:
        one = self._stored(calls, "call-1", "alice", "bob")
        joined = commit(one, Join("bob"), command_id="join")
        calls.commit(joined)
        calls.commit(commit(joined.after, Leave("bob"), command_id="leave"))
        (loaded,) = live.load("default", ["call-1"])
        assert not loaded.is_live

    def _stored(
        self,
        calls: CallRepository,
        call_id: str,
        creator: str,
        callee: str,
        tenant: str = "default",
    ) -> Call:
        number = int(call_id.removeprefix("call-"))
        command = create(
            creator,
            callee,
            call_id=call_id,
            tenant=tenant,
            trace_id=900 + number,
            room_number=900 + number,
        )
        stored = commit(None, command, command_id=f"create-{call_id}")
        calls.commit(stored)
        return stored.after


class PushTokenRepositoryContract:
    """Subclasses give a fixture ``tokens`` with an empty repository."""

    def test_token_is_found_as_it_was_kept(self, tokens: PushTokenRepository) -> None:
        assert tokens.of_user("default", "bob") == ()
        tokens.keep(TOKEN)
        assert tokens.of_user("default", "bob") == (TOKEN,)
        assert tokens.of_user("other", "bob") == ()
        assert tokens.of_user("default", "alice") == ()

    def test_device_has_one_token_of_a_platform(
        self, tokens: PushTokenRepository
    ) -> None:
        alert = replace(TOKEN, platform=Platform.APNS, token="cd" * 32)
        tablet = replace(TOKEN, device="a tablet", token="ef" * 32)
        for token in (TOKEN, alert, tablet):
            tokens.keep(token)
        renewed = replace(TOKEN, token="01" * 32, registered_at_ms=NOW_MS + 1)
        tokens.keep(renewed)
        assert tokens.of_user("default", "bob") == (tablet, alert, renewed)

    def test_phone_is_of_who_registered_it_last(
        self, tokens: PushTokenRepository
    ) -> None:
        tokens.keep(TOKEN)
        handed_on = replace(TOKEN, uid="carol", device="phone of carol")
        tokens.keep(handed_on)
        assert tokens.of_user("default", "bob") == ()
        assert tokens.of_user("default", "carol") == (handed_on,)
        tokens.keep(TOKEN)
        assert tokens.of_user("default", "carol") == ()

    def test_same_characters_for_another_app_are_another_token(
        self, tokens: PushTokenRepository
    ) -> None:
        tokens.keep(TOKEN)
        other = replace(TOKEN, uid="carol", app="com.example.other")
        tokens.keep(other)
        assert tokens.of_user("default", "bob") == (TOKEN,)

    def test_token_is_forgotten(self, tokens: PushTokenRepository) -> None:
        tokens.keep(TOKEN)
        tokens.forget(TOKEN)
        tokens.forget(TOKEN)
        assert tokens.of_user("default", "bob") == ()

    def test_token_that_was_replaced_is_not_forgotten_by_the_old_one(
        self, tokens: PushTokenRepository
    ) -> None:
        renewed = replace(TOKEN, token="01" * 32)
        tokens.keep(TOKEN)
        tokens.keep(renewed)
        tokens.forget(TOKEN)
        assert tokens.of_user("default", "bob") == (renewed,)

    def test_token_that_came_back_is_not_lost_with_its_former_place(
        self, tokens: PushTokenRepository
    ) -> None:
        tokens.keep(TOKEN)
        tokens.keep(replace(TOKEN, token="01" * 32))
        tokens.keep(replace(TOKEN, device="tablet"))
        held = tokens.of_user("default", "bob")
        assert {(one.device, one.token) for one in held} == {
            ("phone", "01" * 32),
            ("tablet", TOKEN.token),
        }
