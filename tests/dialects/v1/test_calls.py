"""Calls over HTTP, as they are and as they were."""

import base64
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.commands import Create, Join, Leave, Wake
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.calls import Attempt
from chalicelib.services.webhooks.lanes import Attempt as Post
from tests.builders import NOW_MS, RING_MS, create
from tests.dialects.conftest import Api, Reply

ADMIN: dict[str, Any] = {"uid": "root", "role": Role.ADMIN}


def begin(number: int, *uids: str, **changes: Any) -> None:
    plane = bootstrap.control_plane()
    command: Create = create(
        *uids,
        call_id=f"call-{number}",
        trace_id=900 + number,
        room_number=900 + number,
        **changes,
    )
    tenant = changes.get("tenant", "default")
    plane.calls.create(command, Attempt(f"create-{tenant}-{number}", "f"))


def do(number: int, command: Join | Leave | Wake) -> None:
    plane = bootstrap.control_plane()
    attempt = Attempt(f"{command}-{number}", "f")
    plane.calls.execute("default", f"call-{number}", command, attempt)


def tell(api: Api, number: int, tenant: str = "default") -> None:
    """What is told on the bus reaches who keeps the history."""
    story = tuple(api.store.events[tenant, f"call-{number}"].values())
    bootstrap.control_plane().history.hear(story)


def end(api: Api, number: int, *uids: str) -> None:
    begin(number, *uids)
    api.clock.pass_ms(1_000)
    do(number, Leave(uids[0]))
    tell(api, number)


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    return [call["id"] for call in reply.json["calls"]]


def refused(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["code"]


# One call.


def test_call_is_shown_to_its_parties(api: Api) -> None:
    begin(1, "alice", "bob")
    api.clock.pass_ms(2_000)
    do(1, Join("alice", "web"))
    do(1, Join("bob", "ios", "phone-1"))
    assert api.get("/v1/calls/call-1", uid="bob").json == {
        "call": {
            "id": "call-1",
            "state": "active",
            "end_reason": None,
            "initiator": None,
            "media_type": "video",
            "dialect": "tgortc",
            "provider": "livekit",
            "creator": "alice",
            "uids": ["alice", "bob"],
            "created_at_ms": NOW_MS,
            "answered_at_ms": NOW_MS + 2_000,
            "duration": 0,
            "participants": [
                {
                    "uid": "alice",
                    "state": "joined",
                    "end_reason": None,
                    "device_type": "web",
                    "device": "",
                    "joined_at_ms": NOW_MS + 2_000,
                },
                {
                    "uid": "bob",
                    "state": "joined",
                    "end_reason": None,
                    "device_type": "ios",
                    "device": "phone-1",
                    "joined_at_ms": NOW_MS + 2_000,
                },
            ],
        }
    }


def test_call_is_not_there_for_others(api: Api) -> None:
    begin(1, "alice", "bob")
    begin(2, "carol", "dave", tenant="other")
    missing = api.get("/v1/calls/call-9").json
    for path in ("/v1/calls/call-1", "/v1/calls/call-1/timeline"):
        for how in (
            {"uid": "mallory"},
            {"uid": "server", "role": Role.SERVER},
            {"uid": "root", "role": Role.ADMIN, "tenant": "other"},
        ):
            reply = api.get(path, **how)
            assert refused(reply) == (404, "not_found")
            assert reply.json == missing
    assert refused(api.get("/v1/calls/call-2", uid="carol")) == (404, "not_found")


@pytest.mark.parametrize("call_id", ["x" * 65, "%00", "a%0Ab", "%F0%9F%93%9E" * 60])
def test_call_of_no_possible_id_is_not_there(api: Api, call_id: str) -> None:
    for path in (f"/v1/calls/{call_id}", f"/v1/calls/{call_id}/timeline"):
        assert refused(api.get(path, **ADMIN)) == (404, "not_found")


def test_ring_that_nobody_answered_is_over_at_its_deadline(api: Api) -> None:
    begin(1, "alice", "bob")
    api.clock.pass_ms(RING_MS)
    call = api.get("/v1/calls/call-1").json["call"]
    assert (call["state"], call["end_reason"]) == ("ended", "missed")
    assert call["ended_at_ms"] == NOW_MS + RING_MS
    assert "answered_at_ms" not in call


# Its timeline.


def test_timeline_tells_all_of_it_in_order(api: Api) -> None:
    begin(1, "alice", "bob")
    do(1, Join("alice"))
    do(1, Join("bob", "ios", "phone-1"))
    api.clock.pass_ms(65_000)
    do(1, Leave("bob"))
    told = api.get("/v1/calls/call-1/timeline").json
    assert told["call"] == api.get("/v1/calls/call-1").json["call"]
    assert told["call"]["duration"] == 65
    assert told["attempts"] == []
    events = told["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    by_type = {event["type"]: event for event in events}
    assert by_type["participant.invited"]["data"]["invited_uids"] == ["bob"]
    joined = by_type["participant.joined"]["data"]
    assert joined == {"uid": "bob", "device_type": "ios", "device": "phone-1"}
    finished = by_type["room.finished"]
    assert finished["at_ms"] == NOW_MS + 65_000
    assert finished["data"] == {
        "duration_seconds": 65,
        "initiator": "callee",
        "answered_at_ms": NOW_MS,
    }


def test_timeline_shows_posts_to_administrators(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(1, "alice", "bob")
    first = Post("901-1", "participant.invited", 1, 1, NOW_MS + 5, 40, 503)
    second = Post("901-1", "participant.invited", 1, 2, NOW_MS + 9, 8, None, "lost")
    timelines = bootstrap.control_plane().timelines
    made = {"ep_2": (second,), "ep_1": (first,)}
    monkeypatch.setattr(timelines._lanes, "attempts_of", lambda *call: made)
    assert api.get("/v1/calls/call-1/timeline").json["attempts"] == []
    attempts = api.get("/v1/calls/call-1/timeline", **ADMIN).json["attempts"]
    assert attempts == [
        {
            "endpoint_id": "ep_1",
            "webhook_id": "901-1",
            "type": "participant.invited",
            "seq": 1,
            "number": 1,
            "at_ms": NOW_MS + 5,
            "duration_ms": 40,
            "status": 503,
            "error": "",
        },
        {
            "endpoint_id": "ep_2",
            "webhook_id": "901-1",
            "type": "participant.invited",
            "seq": 1,
            "number": 2,
            "at_ms": NOW_MS + 9,
            "duration_ms": 8,
            "status": None,
            "error": "lost",
        },
    ]


# Live calls.


def test_own_live_call_is_listed(api: Api) -> None:
    begin(1, "alice", "bob")
    begin(2, "carol", "dave")
    for query in ("state=active", ""):
        reply = api.get("/v1/calls", uid="bob", query=query)
        assert ids(reply) == ["call-1"]
        assert reply.json["next"] is None
        assert reply.json["calls"][0]["participants"][1]["uid"] == "bob"
    assert ids(api.get("/v1/calls", uid="mallory")) == []


def test_administrator_sees_the_live_calls_of_the_tenant(api: Api) -> None:
    for number in range(1, 4):
        begin(number, f"a-{number}", f"b-{number}")
    begin(9, "alice", "bob", tenant="other")
    do(2, Leave("a-2"))
    assert sorted(ids(api.get("/v1/calls", **ADMIN))) == ["call-1", "call-3"]
    assert ids(api.get("/v1/calls", query="uid=b-3", **ADMIN)) == ["call-3"]
    other = api.get("/v1/calls", **ADMIN, tenant="other")
    assert ids(other) == ["call-9"]


def test_live_calls_come_in_pages(api: Api) -> None:
    for number in range(1, 4):
        begin(number, f"a-{number}", f"b-{number}")
    first = api.get("/v1/calls", query="limit=2", **ADMIN)
    following = first.json["next"]
    second = api.get("/v1/calls", query=f"limit=2&cursor={following}", **ADMIN)
    assert second.json["next"] is None
    assert sorted(ids(first) + ids(second)) == ["call-1", "call-2", "call-3"]


# Ended calls.


def test_ended_calls_are_listed_newest_first(api: Api) -> None:
    end(api, 1, "alice", "bob")
    end(api, 2, "carol", "bob")
    reply = api.get("/v1/calls", uid="bob", query="state=ended")
    assert ids(reply) == ["call-2", "call-1"]
    assert reply.json["calls"][1] == {
        "id": "call-1",
        "state": "ended",
        "end_reason": "cancelled",
        "initiator": "caller",
        "media_type": "video",
        "dialect": "tgortc",
        "provider": "livekit",
        "creator": "alice",
        "uids": ["alice", "bob"],
        "created_at_ms": NOW_MS,
        "ended_at_ms": NOW_MS + 1_000,
        "duration": 0,
    }
    assert ids(api.get("/v1/calls", query="state=ended")) == ["call-1"]


def test_administrator_sees_ended_calls_of_all_or_of_one(api: Api) -> None:
    end(api, 1, "alice", "bob")
    end(api, 2, "carol", "dave")
    assert ids(api.get("/v1/calls", query="state=ended", **ADMIN)) == [
        "call-2",
        "call-1",
    ]
    query = "state=ended&uid=alice"
    assert ids(api.get("/v1/calls", query=query, **ADMIN)) == ["call-1"]
    assert ids(api.get("/v1/calls", query=query, **ADMIN, tenant="other")) == []


def test_other_users_calls_are_for_administrators(api: Api) -> None:
    for state in ("active", "ended"):
        reply = api.get("/v1/calls", query=f"state={state}&uid=bob")
        assert refused(reply) == (403, "forbidden")
        own = api.get("/v1/calls", query=f"state={state}&uid=alice")
        assert ids(own) == []


def test_ended_calls_come_in_pages(api: Api) -> None:
    for number in range(5):
        end(api, number, "alice", "bob")
    for who in ({"uid": "bob"}, ADMIN):
        seen: list[str] = []
        cursor = ""
        while True:
            query = f"state=ended&limit=2&cursor={cursor}"
            reply = api.get("/v1/calls", query=query, **who)
            seen += ids(reply)
            cursor = reply.json["next"]
            if cursor is None:
                break
        assert seen == [f"call-{number}" for number in (4, 3, 2, 1, 0)]


def test_ended_calls_of_a_time(api: Api) -> None:
    end(api, 1, "alice", "bob")
    end(api, 2, "alice", "bob")
    first, second = NOW_MS + 1_000, NOW_MS + 2_000
    for query, expected in (
        (f"from={second}", ["call-2"]),
        (f"to={first}", ["call-1"]),
        (f"from={first}&to={second}", ["call-2", "call-1"]),
        (f"from={second + 1}", []),
    ):
        found = api.get("/v1/calls", query=f"state=ended&{query}")
        assert ids(found) == expected


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "query",
    [
        "state=lost",
        "state=",
        "state=ended&limit=0",
        "state=ended&limit=201",
        "state=ended&limit=%C2%B2",
        "state=ended&from=yesterday",
        "state=ended&from=-1",
        "state=ended&from=%D9%A1",
        "state=ended&to=99999999999999",
        "state=ended&from=2&to=1",
        "state=active&from=1",
        "state=ended&cursor=%21",
        f"state=ended&cursor={_cursor('call-1')}",
        f"state=ended&cursor={_cursor('0000000000001#' + 'x' * 65)}",
        f"cursor={_cursor('x' * 65)}",
        f"state=ended&uid={'x' * 65}",
        "status=ended",
    ],
)
def test_list_tells_what_is_wrong(api: Api, query: str) -> None:
    assert refused(api.get("/v1/calls", query=query)) == (400, "invalid_request")


def test_cursor_of_another_time_finds_nothing(api: Api) -> None:
    end(api, 1, "alice", "bob")
    early = _cursor(f"{1:013d}#call-0")
    query = f"state=ended&from={NOW_MS}&cursor={early}"
    assert ids(api.get("/v1/calls", query=query)) == []
    assert ids(api.get("/v1/calls", query=query, **ADMIN)) == []


@pytest.mark.parametrize(
    "path", ["/v1/calls", "/v1/calls/call-1", "/v1/calls/call-1/timeline"]
)
def test_calls_need_a_token(api: Api, path: str) -> None:
    begin(1, "alice", "bob")
    assert refused(api.get(path, uid=None)) == (401, "unauthenticated")


def test_lists_cannot_be_posted_to(api: Api) -> None:
    assert api.post("/v1/calls/call-1", {}).status == 405
