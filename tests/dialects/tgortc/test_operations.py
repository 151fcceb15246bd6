"""TgoRTC's management API, with LiveKit's own signatures on its webhooks."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from livekit.protocol.models import DisconnectReason
from livekit.protocol.webhook import WebhookEvent

from chalicelib.protocol.vocabulary import Role
from chalicelib.services import ports
from chalicelib.services.webhooks.tallies import Tally
from tests.builders import NOW_MS
from tests.dialects.conftest import VARIABLES, Api, install
from tests.dialects.tgortc.test_routes import create, join, leave
from tests.peers.fake_livekit import API_KEY, API_SECRET, FakeLiveKit

LIVEKIT = "/api/v1/webhooks/livekit"
STATS = "/api/v1/webhooks/logs/stats"
CLEANUP = "/api/v1/webhooks/logs/cleanup"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    keys = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
    return install(monkeypatch, {**VARIABLES, **keys})


@pytest.fixture
def livekit() -> Iterator[FakeLiveKit]:
    """Its rooms and its webhooks, which the test carries itself."""
    with FakeLiveKit() as server:
        yield server


def tell(api: Api, event: WebhookEvent | bytes, **changed: str) -> Any:
    headers, body = FakeLiveKit.signed(event)
    lowered = {name.lower(): value for name, value in headers.items()}
    text = body.decode()
    return api.post(LIVEKIT, text, None, headers={**lowered, **changed})


def arrive(livekit: FakeLiveKit, *uids: str) -> list[WebhookEvent]:
    """Connect each; the room begins with the first."""
    for uid in uids:
        livekit.rooms.connect("room-1", uid, metadata='{"device_type": "web"}')
    return livekit.take()


WHOLE_STORY = [
    "participant.invited",
    "room.started",
    "participant.joined",
    "participant.joined",
    "participant.left",
    "participant.left",
    "room.finished",
]


class TestLiveKit:
    def test_livekits_word_alone_suffices(self, api: Api, livekit: FakeLiveKit) -> None:
        create(api)
        for event in arrive(livekit, "alice", "bob"):
            reply = tell(api, event)
            assert (reply.status, reply.json) == (200, {"code": 200, "message": "ok"})
        reason = DisconnectReason.CLIENT_INITIATED
        livekit.rooms.disconnect("room-1", "bob", reason)
        for event in livekit.take():
            tell(api, event)
        assert api.events("room-1") == WHOLE_STORY

    def test_livekits_word_of_what_was_told_adds_nothing(
        self, api: Api, livekit: FakeLiveKit
    ) -> None:
        create(api)
        join(api, "alice")
        join(api, "bob")
        told = arrive(livekit, "alice", "bob")
        for event in told * 2:
            assert tell(api, event).status == 200
        leave(api, "bob")
        livekit.rooms.close("room-1", DisconnectReason.ROOM_DELETED)
        for event in livekit.take():
            assert tell(api, event).status == 200
        assert api.events("room-1") == WHOLE_STORY

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_livekits_words_in_any_order_come_to_the_same(
        self, api: Api, livekit: FakeLiveKit, order: tuple[int, ...]
    ) -> None:
        create(api)
        events = arrive(livekit, "alice", "bob")
        for place in order:
            tell(api, events[place])
        assert sorted(api.events("room-1")) == sorted(WHOLE_STORY[:4])

    def test_connection_that_moves_does_not_end_the_call(
        self, api: Api, livekit: FakeLiveKit
    ) -> None:
        create(api)
        for event in arrive(livekit, "alice", "bob"):
            tell(api, event)
        livekit.rooms.disconnect("room-1", "bob", DisconnectReason.DUPLICATE_IDENTITY)
        for event in livekit.take():
            tell(api, event)
        assert "room.finished" not in api.events("room-1")

    def test_joined_for_an_unknown_call_deletes_its_room(
        self, api: Api, livekit: FakeLiveKit
    ) -> None:
        for event in arrive(livekit, "alice"):
            assert tell(api, event).status == 200
        (effect,) = api.store.effects.values()
        assert (effect.type, effect.call_id) == ("effect.delete_room", "room-1")

    def test_events_of_no_concern_are_taken(self, api: Api) -> None:
        body = b'{"event": "egress_updated", "id": "EV_1", "createdAt": "17"}'
        assert tell(api, body).json == {"code": 200, "message": "ok"}
        unknown = b'{"event": "of_a_later_release", "room": {"name": "room-1"}}'
        assert tell(api, unknown).status == 200
        aborted = (
            b'{"event": "participant_connection_aborted", "room": {"name": "room-1"},'
            b' "participant": {"identity": "bob", "sid": "PA_1"}}'
        )
        assert tell(api, aborted).status == 200
        nameless = b'{"event": "participant_joined", "room": {"name": "room-1"}}'
        assert tell(api, nameless).status == 200
        foreign = (
            b'{"event": "room_started", "room": {"name": "not ours.", "sid": "R"}}'
        )
        assert tell(api, foreign).status == 200

    @pytest.mark.parametrize(
        ("changed", "status"),
        [
            ({"authorization": "nonsense"}, 401),
            ({"authorization": ""}, 401),
            ({"content-type": "text/plain"}, 415),
        ],
    )
    def test_what_is_not_livekits_is_refused(
        self, api: Api, changed: dict[str, str], status: int
    ) -> None:
        reply = tell(
            api, b'{"event": "room_started", "room": {"name": "a"}}', **changed
        )
        assert reply.status == status and reply.json["code"] == status

    def test_user_token_is_no_signature(self, api: Api) -> None:
        assert api.post(LIVEKIT, {"event": "room_started"}).status == 401

    def test_open_dialect_does_not_open_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = install(monkeypatch, {**VARIABLES, "PARLEY_OPEN_DIALECTS": "tgortc"})
        assert api.post(LIVEKIT, {"event": "room_started"}, None).status == 401

    def test_signed_nonsense_is_400(self, api: Api) -> None:
        assert tell(api, b"{").status == 400

    def test_failing_storage_asks_livekit_to_come_again(
        self, api: Api, livekit: FakeLiveKit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create(api)
        event = arrive(livekit, "bob")[-1]
        with monkeypatch.context() as patch:

            def throttled(*args: Any) -> None:
                raise ports.Throttled

            patch.setattr("chalicelib.adapters.memory.MemoryCalls.commit", throttled)
            assert tell(api, event).status == 503
        assert tell(api, event).status == 200
        assert api.events("room-1")[-1] == "participant.joined"

    def test_without_livekit_nobody_is_believed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without = {k: v for k, v in VARIABLES.items() if not k.startswith("LIVEKIT")}
        assert tell(install(monkeypatch, without), b"{}").status == 503


class TestLogs:
    def test_stats_have_both_sets_of_fields(self, api: Api) -> None:
        tally = Tally(9, 6, 1, {"room.started": 4, "room.finished": 1})
        api.tallies.add("default", NOW_MS, tally)
        reply = api.get(STATS, "root", role=Role.ADMIN)
        assert reply.json == {
            "code": 200,
            "message": "ok",
            "data": {
                "total_failure_count": 5,
                "failure_by_event": {"room.started": 4, "room.finished": 1},
                "max_id": 5,
                "total_count": 9,
                "success_count": 6,
                "failed_count": 1,
                "pending_count": 2,
            },
        }

    def test_cleanup_forgets_what_is_old(self, api: Api) -> None:
        day_ms = 24 * 3600 * 1000
        api.tallies.add("default", NOW_MS - 9 * day_ms, Tally(1))
        api.tallies.add("default", NOW_MS, Tally(2))
        reply = api.post(CLEANUP, {"retention_days": 7}, "root", role=Role.ADMIN)
        assert (reply.status, reply.json) == (200, {})
        assert api.tallies.total("default") == Tally(2)

    def test_cleanup_of_a_million_years_forgets_nothing(self, api: Api) -> None:
        body = {"retention_days": 10**9}
        assert api.post(CLEANUP, body, "root", role=Role.ADMIN).status == 200

    @pytest.mark.parametrize(
        "body", [{}, {"retention_days": 0}, {"retention_days": "7"}, []]
    )
    def test_cleanup_needs_a_day_at_least(self, api: Api, body: Any) -> None:
        assert api.post(CLEANUP, body, "root", role=Role.ADMIN).status == 400

    @pytest.mark.parametrize("role", [Role.USER, Role.SERVER])
    def test_logs_are_for_administrators(self, api: Api, role: Role) -> None:
        assert api.get(STATS, role=role).status == 403
        assert api.post(CLEANUP, {"retention_days": 7}, role=role).status == 403

    def test_open_dialect_opens_the_logs(self, open_api: Api) -> None:
        assert open_api.get(STATS, None).status == 200
        assert open_api.post(CLEANUP, {"retention_days": 7}, None).status == 200
