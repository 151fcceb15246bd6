"""Webhook endpoints, as a business's administrator meets them."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from chalicelib.adapters.memory_delivery import MemoryRetries
from chalicelib.domain.endpoints import Disabled, Health
from chalicelib.protocol.session import instants
from chalicelib.protocol.vocabulary import CONTRACT_EVENTS, Role
from chalicelib.services.ports import Answer
from chalicelib.services.webhooks.endpoints import MOST_ENDPOINTS
from chalicelib.services.webhooks.lanes import Attempt, LaneKey
from chalicelib.services.webhooks.tallies import Tally
from tests.builders import NOW_MS
from tests.dialects.conftest import VARIABLES, Api, Reply, install
from tests.services.deliverers import FakePoster

PLACE = "/v1/webhooks/endpoints"
URL = "https://shop.example/hook"
SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtbG9uZyE="
NOW = instants.render(NOW_MS)
ATTEMPT = Attempt("101-1", "room.started", 1, 1, NOW_MS, 12, 500)


def ask(api: Api, method: str, path: str, body: Any = None, **how: Any) -> Reply:
    given = {"uid": "root", "role": Role.ADMIN, **how}
    return api.request(method, path, body, **given)


def create(api: Api, url: str = URL, **wanted: Any) -> dict[str, Any]:
    reply = ask(api, "POST", PLACE, {"url": url, **wanted})
    assert reply.status == 201, reply.text
    made: dict[str, Any] = reply.json
    return made


def refused(reply: Reply) -> tuple[int, str]:
    assert set(reply.json) == {"code", "message"}, reply.text
    return reply.status, reply.json["code"]


def start_call(api: Api, call_id: str = "call-1", caller: str = "alice") -> None:
    room = {"creator": caller, "room_id": call_id, "rtc_type": 0, "invite_on": 1}
    more = {"uids": [f"{caller}-s-friend"], "device_type": "app"}
    assert api.post("/api/v1/rooms", {**room, **more}, caller).status == 200
    me = {"uid": caller, "device_type": "app"}
    assert api.post(f"/api/v1/rooms/{call_id}/join", me, caller).status == 200


@pytest.fixture
def endpoint(api: Api) -> str:
    made: str = create(api)["id"]
    return f"{PLACE}/{made}"


def test_create_shows_the_secret_once(api: Api) -> None:
    made = create(api, description="the shop's", events=["room.*"], timeout_seconds=5)
    secret = made.pop("secret")
    assert Webhook(secret) and len(secret) == len("whsec_") + 44
    assert made == {
        "id": made["id"],
        "url": URL,
        "events": ["room.*"],
        "description": "the shop's",
        "timeout_seconds": 5,
        "status": "enabled",
        "disabled_because": None,
        "failing_since": None,
        "source": "api",
        "created_at": NOW,
        "updated_at": NOW,
        "rotating_until": None,
    }
    shown = ask(api, "GET", f"{PLACE}/{made['id']}")
    assert (shown.status, shown.json) == (200, made)
    listed = ask(api, "GET", PLACE)
    assert listed.json == {"endpoints": [made], "next": None}


def test_create_takes_a_secret_and_hears_of_the_contract_s_events(api: Api) -> None:
    made = create(api, secret=SECRET)
    assert made["secret"] == SECRET
    assert made["events"] == list(CONTRACT_EVENTS)
    assert (made["timeout_seconds"], made["description"]) == (10, "")
    assert create(api, secret="sixteen-or-more!")["secret"] == "sixteen-or-more!"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": 7},
        {"url": ""},
        {"url": URL + "x" * 2_048},
        {"url": URL, "uri": URL},
        {"url": URL, "events": []},
        {"url": URL, "events": "room.*"},
        {"url": URL, "events": ["room.opened"]},
        {"url": URL, "events": [["room.*"]]},
        {"url": URL, "description": "x" * 257},
        {"url": URL, "description": "\ud800"},
        {"url": URL, "timeout_seconds": 0},
        {"url": URL, "timeout_seconds": 31},
        {"url": URL, "timeout_seconds": "5"},
        {"url": URL, "secret": ""},
        {"url": URL, "secret": "short"},
        {"url": URL, "secret": "s" * 256},
        {"url": URL, "secret": "not\nprintable, but long enough"},
        {"url": URL, "secret": "whsec_!!!"},
        {"url": URL, "secret": "whsec_c2hvcnQ="},
        {"url": URL, "secret": None},
    ],
)
def test_create_refuses_what_is_not_an_endpoint(api: Api, body: Any) -> None:
    reply = ask(api, "POST", PLACE, body)
    assert refused(reply) == (400, "invalid_request")
    assert body.get("secret") in (None, "") or body["secret"] not in reply.text


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://user:word@shop.example/",
        "https://shop.example/a b",
        "https://\ud800.example/",
    ],
)
def test_create_refuses_where_webhooks_may_not_go(api: Api, url: str) -> None:
    reply = ask(api, "POST", PLACE, {"url": url})
    assert refused(reply) == (400, "invalid_url")
    assert reply.json["message"].startswith("url: ")


def test_create_asks_for_https_outside_development(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = install(monkeypatch, {**VARIABLES, "PARLEY_ENV": "production"})
    for url in ("http://shop.example/", "https://127.0.0.1/"):
        assert refused(ask(api, "POST", PLACE, {"url": url})) == (400, "invalid_url")
    create(api)


def test_create_loopback_in_development(api: Api) -> None:
    create(api, "http://127.0.0.1:9000/hook")


def test_create_refuses_more_than_a_tenant_may_have(api: Api) -> None:
    for _ in range(MOST_ENDPOINTS):
        create(api)
    reply = ask(api, "POST", PLACE, {"url": URL})
    assert refused(reply) == (409, "limit_reached")
    assert ask(api, "POST", PLACE, {"url": URL}, tenant="other").status == 201


@pytest.mark.parametrize("role", [Role.USER, Role.SERVER])
@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", PLACE),
        ("GET", PLACE),
        ("GET", f"{PLACE}/ep_1"),
        ("PATCH", f"{PLACE}/ep_1"),
        ("DELETE", f"{PLACE}/ep_1"),
        *(
            ("POST", f"{PLACE}/ep_1/{verb}")
            for verb in ("rotate", "test", "enable", "disable", "replay")
        ),
        ("GET", f"{PLACE}/ep_1/attempts"),
        ("GET", "/v1/webhooks/stats"),
        ("POST", "/v1/webhooks/cleanup"),
    ],
)
def test_only_administrators_are_answered(
    api: Api, method: str, path: str, role: Role
) -> None:
    assert refused(ask(api, method, path, {}, role=role)) == (403, "forbidden")
    assert refused(ask(api, method, path, {}, uid=None)) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("GET", "", None),
        ("PATCH", "", {"description": "mine"}),
        ("DELETE", "", None),
        ("POST", "/rotate", {}),
        ("POST", "/test", {}),
        ("POST", "/enable", None),
        ("POST", "/disable", None),
        ("POST", "/replay", {"call_id": "call-1"}),
        ("GET", "/attempts", None),
    ],
)
def test_other_tenant_s_endpoint_is_not_there(
    api: Api, endpoint: str, method: str, path: str, body: Any
) -> None:
    for place in (endpoint, f"{PLACE}/ep_none", f"{PLACE}/{'x' * 2_000}"):
        reply = ask(api, method, place + path, body, tenant="other")
        assert refused(reply) == (404, "not_found")
    assert ask(api, "GET", endpoint).status == 200


def test_change_changes_what_is_named(api: Api, endpoint: str) -> None:
    api.clock.pass_ms(5_000)
    changes = {"url": "https://new.example/", "events": ["call.ended", "call.ended"]}
    changed = ask(api, "PATCH", endpoint, changes).json
    assert (changed["url"], changed["events"]) == (changes["url"], ["call.ended"])
    assert changed["updated_at"] == instants.render(NOW_MS + 5_000)
    assert changed["created_at"] == NOW
    more = {"description": "", "timeout_seconds": 30}
    again = ask(api, "PATCH", endpoint, more).json
    assert again["timeout_seconds"] == 30 and again["url"] == changes["url"]
    assert "secret" not in again
    ask(api, "POST", f"{endpoint}/test")
    assert poster(api).posted[-1][0] == "new.example"


@pytest.mark.parametrize(
    "body, code",
    [
        ({}, "invalid_request"),
        ({"secret": SECRET}, "invalid_request"),
        ({"description": None}, "invalid_request"),
        ({"url": "https://127.0.0.1.nip.io:0/"}, "invalid_url"),
        ({"url": "https://10.1.2.3/"}, "invalid_url"),
    ],
)
def test_change_refuses_what_an_endpoint_cannot_be(
    api: Api, endpoint: str, body: Any, code: str
) -> None:
    assert refused(ask(api, "PATCH", endpoint, body)) == (400, code)


def test_delete_removes_it(api: Api, endpoint: str) -> None:
    assert ask(api, "DELETE", endpoint).status == 204
    assert refused(ask(api, "GET", endpoint)) == (404, "not_found")
    assert refused(ask(api, "DELETE", endpoint)) == (404, "not_found")


def test_rotate_signs_with_both_secrets_for_a_while(api: Api) -> None:
    made = create(api)
    place = f"{PLACE}/{made['id']}"
    rotated = ask(api, "POST", f"{place}/rotate", {"overlap_seconds": 60}).json
    assert rotated["secret"] not in ("", made["secret"])
    assert rotated["rotating_until"] == instants.render(NOW_MS + 60_000)
    standing = api.webhooks.endpoints.find("default", made["id"])
    assert standing is not None
    both = (rotated["secret"], made["secret"])
    assert standing.endpoint.secrets(NOW_MS) == both
    api.clock.pass_ms(60_000)
    assert ask(api, "GET", place).json["rotating_until"] is None


def test_rotate_takes_a_secret_and_a_day_unless_it_is_told(api: Api) -> None:
    place = f"{PLACE}/{create(api)['id']}"
    rotated = ask(api, "POST", f"{place}/rotate", {"secret": SECRET}).json
    assert rotated["secret"] == SECRET
    assert rotated["rotating_until"] == instants.render(NOW_MS + 24 * 3_600_000)
    at_once = ask(api, "POST", f"{place}/rotate", {"overlap_seconds": 0}).json
    assert at_once["rotating_until"] is None
    bodies: tuple[Any, ...] = (
        {"overlap_seconds": 604_801},
        {"overlap_seconds": -1},
        {"secret": "short"},
        {"overlap": 1},
    )
    for body in bodies:
        reply = ask(api, "POST", f"{place}/rotate", body)
        assert refused(reply) == (400, "invalid_request")


def test_disable_and_enable(api: Api, endpoint: str) -> None:
    disabled = ask(api, "POST", f"{endpoint}/disable").json
    assert (disabled["status"], disabled["disabled_because"]) == ("disabled", "asked")
    assert ask(api, "POST", f"{endpoint}/disable").json == disabled
    replay = ask(api, "POST", f"{endpoint}/replay", {"call_id": "call-1"})
    assert refused(replay) == (409, "endpoint_disabled")
    enabled = ask(api, "POST", f"{endpoint}/enable", {}).json
    assert (enabled["status"], enabled["disabled_because"]) == ("enabled", None)
    assert ask(api, "POST", f"{endpoint}/enable").json == enabled
    reply = ask(api, "POST", f"{endpoint}/enable", {"now": True})
    assert refused(reply) == (400, "invalid_request")


def test_enable_forgets_that_it_failed(api: Api, endpoint: str) -> None:
    endpoint_id = endpoint.rpartition("/")[2]
    since_ms = NOW_MS - 1_000
    health = Health(5, since_ms, NOW_MS + 1_000, 0, Disabled.FAILING, NOW_MS)
    api.webhooks.health.keep("default", endpoint_id, Health(), health)
    shown = ask(api, "GET", endpoint).json
    assert shown["disabled_because"] == "failing"
    assert shown["failing_since"] == instants.render(since_ms)
    enabled = ask(api, "POST", f"{endpoint}/enable").json
    assert (enabled["status"], enabled["failing_since"]) == ("enabled", None)
    standing = api.webhooks.endpoints.find("default", endpoint_id)
    assert standing is not None and standing.health == Health(version=2)


def poster(api: Api) -> FakePoster:
    found = api.webhooks.poster
    assert isinstance(found, FakePoster)
    return found


@pytest.mark.parametrize(
    "answer, delivered",
    [
        (Answer(204), True),
        (Answer(500), False),
        (Answer(None, "ConnectTimeoutError"), False),
    ],
)
def test_test_tells_what_the_receiver_does(
    api: Api, endpoint: str, answer: Answer, delivered: bool
) -> None:
    poster(api).answers["shop.example"] = [answer]
    reply = ask(api, "POST", f"{endpoint}/test")
    assert reply.status == 200
    assert reply.json == {
        "webhook_id": reply.json["webhook_id"],
        "status": answer.status,
        "error": answer.error or None,
        "duration_ms": 0,
        "delivered": delivered,
    }
    assert poster(api).posted == [("shop.example", reply.json["webhook_id"])]
    assert ask(api, "GET", endpoint).json["failing_since"] is None


def test_test_takes_the_type_of_a_known_event(api: Api, endpoint: str) -> None:
    assert ask(api, "POST", f"{endpoint}/test", {"type": "call.ended"}).status == 200
    for body in ({"type": "room.opened"}, {"type": 1}, {"kind": "room.started"}):
        reply = ask(api, "POST", f"{endpoint}/test", body)
        assert refused(reply) == (400, "invalid_request")


@pytest.fixture
def given_by_operator(monkeypatch: pytest.MonkeyPatch) -> Api:
    urls = {"BUSINESS_WEBHOOK_URLS": "https://ops.example/hook"}
    return install(monkeypatch, {**VARIABLES, **urls})


def test_operator_s_own_is_read_only_but_can_be_used(given_by_operator: Api) -> None:
    api = given_by_operator
    (shown,) = ask(api, "GET", PLACE).json["endpoints"]
    assert (shown["source"], shown["created_at"]) == ("environment", None)
    place = f"{PLACE}/{shown['id']}"
    assert ask(api, "GET", place).json == shown
    for method, path, body in (
        ("PATCH", "", {"description": "mine"}),
        ("DELETE", "", None),
        ("POST", "/rotate", None),
    ):
        assert refused(ask(api, method, place + path, body)) == (409, "read_only")
    assert ask(api, "POST", f"{place}/disable").json["status"] == "disabled"
    assert ask(api, "POST", f"{place}/enable").json["status"] == "enabled"
    assert ask(api, "POST", f"{place}/test").json["delivered"]
    start_call(api)
    replayed = ask(api, "POST", f"{place}/replay", {"call_id": "call-1"})
    assert replayed.status == 202
    assert ask(api, "GET", PLACE, tenant="other").json["endpoints"] == []


def test_replay_of_a_call_is_one_machine_in_order(api: Api, endpoint: str) -> None:
    start_call(api)
    reply = ask(api, "POST", f"{endpoint}/replay", {"call_id": "call-1"})
    assert (reply.status, reply.json["webhooks"]) == (202, 3)
    assert reply.json["replay_id"].startswith("rp_")
    (started,) = retries(api).started
    assert (started.seq, started.through_seq, started.attempt) == (1, 3, 1)


def retries(api: Api) -> MemoryRetries:
    found = api.webhooks.retries
    assert isinstance(found, MemoryRetries)
    return found


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"at": "2026-01-01T00:00:00Z"},
        {"event_id": "1-1", "from_seq": 1},
        {"event_id": 1},
        {"event_id": "\ud800"},
        {"call_id": ""},
        {"call_id": "call-1", "from_seq": 0},
        {"from": "2026-01-01T00:00:00Z"},
        {"from": "yesterday", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:01Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z", "only": "some"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z", "events": []},
    ],
)
def test_replay_refuses_what_it_cannot_find(
    api: Api, endpoint: str, body: dict[str, Any]
) -> None:
    reply = ask(api, "POST", f"{endpoint}/replay", body)
    assert refused(reply) == (400, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        {"call_id": "none"},
        {"event_id": "1-1"},
        {"event_id": "9" * 19 + "-1"},
        {"event_id": "1-1", "call_id": "call-1"},
        {"event_id": "nothing"},
    ],
)
def test_replay_of_what_there_is_not_is_not_found(
    api: Api, endpoint: str, body: dict[str, Any]
) -> None:
    start_call(api)
    reply = ask(api, "POST", f"{endpoint}/replay", body)
    assert refused(reply) == (404, "not_found")


def test_replay_of_a_time_takes_what_failed_in_it(api: Api, endpoint: str) -> None:
    start_call(api)
    event = api.store.events["default", "call-1"][1]
    failed = Attempt(event.event_id, event.type, 1, 1, NOW_MS, 12, 500)
    endpoint_id = endpoint.rpartition("/")[2]
    api.webhooks.failures.add("default", endpoint_id, "call-1", (failed,), True)
    period = {"from": instants.render(NOW_MS - 1), "to": instants.render(NOW_MS + 1)}
    reply = ask(api, "POST", f"{endpoint}/replay", period)
    assert (reply.status, reply.json["webhooks"]) == (202, 1)
    every = {**period, "only": "all", "events": ["room.*"]}
    reply = ask(api, "POST", f"{endpoint}/replay", every)
    assert (reply.status, reply.json["webhooks"]) == (202, 1)
    never = {"from": "2020-01-01T00:00:00+01:00", "to": "2020-01-01T01:00:00Z"}
    assert ask(api, "POST", f"{endpoint}/replay", never).json["webhooks"] == 0


def test_attempts_are_shown_with_their_pages(api: Api, endpoint: str) -> None:
    endpoint_id = endpoint.rpartition("/")[2]
    more = Attempt("101-1", "room.started", 1, 2, NOW_MS + 5, 7, None, "ReadTimeout")
    for place, one in enumerate((ATTEMPT, more)):
        given_up = bool(place)
        api.webhooks.failures.add("default", endpoint_id, "call-1", (one,), given_up)
    page = ask(api, "GET", f"{endpoint}/attempts", query="limit=1").json
    assert page["attempts"] == [
        {
            "webhook_id": "101-1",
            "call_id": "call-1",
            "type": "room.started",
            "seq": 1,
            "attempt": 2,
            "at": instants.render(NOW_MS + 5),
            "duration_ms": 7,
            "status": None,
            "error": "ReadTimeout",
            "delivered": False,
            "given_up": True,
        }
    ]
    query = f"limit=1&cursor={page['next']}"
    following = ask(api, "GET", f"{endpoint}/attempts", query=query).json
    assert [one["attempt"] for one in following["attempts"]] == [1]


def test_attempts_of_a_call_are_all_there(api: Api, endpoint: str) -> None:
    taken = Attempt("101-1", "room.started", 1, 2, NOW_MS, 3, 200)
    key = LaneKey("default", "call-1", endpoint.rpartition("/")[2])
    api.webhooks.lanes.note(key, (ATTEMPT, taken))
    asked = f"{endpoint}/attempts"
    every = ask(api, "GET", asked, query="call_id=call-1&status=all").json
    assert [one["status"] for one in every["attempts"]] == [500, 200]
    failed = ask(api, "GET", asked, query="call_id=call-1").json
    assert [one["status"] for one in failed["attempts"]] == [500]
    recent = ask(api, "GET", asked, query="status=all").json
    assert recent == {"attempts": [], "next": None}


@pytest.mark.parametrize(
    "query",
    [
        "status=taken",
        "limit=0",
        "cursor=!",
        "cursor=bm9uZQ",
        "status=all&cursor=bm9uZQ",
        "call_id=a&cursor=bm9uZQ",
        "page=2",
        f"call_id={'x' * 257}",
    ],
)
def test_attempts_refuse_a_query_that_says_nothing(
    api: Api, endpoint: str, query: str
) -> None:
    reply = ask(api, "GET", f"{endpoint}/attempts", query=query)
    assert refused(reply) == (400, "invalid_request")


def test_stats_tell_of_webhooks_and_endpoints(api: Api, endpoint: str) -> None:
    api.tallies.add("default", NOW_MS, Tally(5, 3, 1, {"room.started": 2}))
    endpoint_id = endpoint.rpartition("/")[2]
    health = Health(3, NOW_MS, NOW_MS + 5_000)
    api.webhooks.health.keep("default", endpoint_id, Health(), health)
    assert ask(api, "GET", "/v1/webhooks/stats").json == {
        "webhooks": {
            "told": 5,
            "delivered": 3,
            "given_up": 1,
            "failed_attempts": {"room.started": 2},
        },
        "endpoints": [
            {
                "id": endpoint_id,
                "status": "enabled",
                "disabled_because": None,
                "failures_in_a_row": 3,
                "failing_since": NOW,
                "paused_until": instants.render(NOW_MS + 5_000),
            }
        ],
    }


@pytest.mark.parametrize(
    "path", ["/v1/webhooks/cleanup", "/api/v1/webhooks/logs/cleanup"]
)
def test_cleanup_forgets_counts_and_failures(
    api: Api, endpoint: str, path: str
) -> None:
    endpoint_id = endpoint.rpartition("/")[2]
    api.tallies.add("default", NOW_MS, Tally(5))
    api.webhooks.failures.add("default", endpoint_id, "call-1", (ATTEMPT,), False)
    days = {"retention_days": 2}
    assert ask(api, "POST", path, days).json == {}
    assert api.webhooks.failures.page("default", endpoint_id, "", 9)
    api.clock.pass_ms(4 * 24 * 3_600_000)
    assert ask(api, "POST", path, days).json == {}
    assert not api.webhooks.failures.page("default", endpoint_id, "", 9)
    assert api.tallies.total("default").told == 0


def test_cleanup_refuses_no_days(api: Api) -> None:
    bodies: tuple[Any, ...] = ({}, {"retention_days": 0}, {"days": 1})
    for body in bodies:
        reply = ask(api, "POST", "/v1/webhooks/cleanup", body)
        assert refused(reply) == (400, "invalid_request")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["url", "events", "secret", "timeout_seconds", "call_id", "from", "to"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=JSON, verb=st.sampled_from(["", "/rotate", "/test", "/replay", "/enable"]))
def test_any_body_is_answered_in_our_shape(
    api: Api, endpoint: str, body: Any, verb: str
) -> None:
    method = "POST" if verb else "PATCH"
    reply = ask(api, method, endpoint + verb, json.dumps(body))
    assert reply.status < 500, reply.text
    if reply.status >= 400:
        refused(reply)
