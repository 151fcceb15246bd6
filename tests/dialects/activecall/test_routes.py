"""Active Call's REST API, across all workers."""

from typing import Any

import pytest

from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.protocol.ice import CREDENTIAL_SECONDS, DEFAULT_STUN_URL
from chalicelib.protocol.lease import EndSession
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.tokens import worker_token
from chalicelib.protocol.vocabulary import Role
from chalicelib.services import ports
from chalicelib.services.sessions import SessionService
from tests.adapters.fleet_contract import ended, lease, started
from tests.builders import NOW_MS, FakeDraws
from tests.dialects.conftest import JWT_SECRET, VARIABLES, Api, install

LISTS = "/call/lists"
KILL = "/call/kill/s1"
ALICES = {
    "id": "s1",
    "call_type": "websocket",
    "created_at": "2023-11-14T22:13:20.000Z",
    "option": {"caller": "sip:alice@example.com"},
}


def hold(api: Api, *facts: Any) -> None:
    MemoryFleet(api.store).renew(lease())
    SessionService(MemorySessions(api.store), api.clock, FakeDraws()).hear(facts)


def ids(api: Api, uid: str, **how: Any) -> list[str]:
    return [call["id"] for call in api.get(LISTS, uid, **how).json["calls"]]


class TestLists:
    def test_body_is_the_contract_s(self, api: Api) -> None:
        assert api.get(LISTS).json == {"calls": []}
        hold(api, started(), started("s2", callee="1", caller=None), ended("s2"))
        reply = api.get(LISTS)
        assert (reply.status, reply.json) == (200, {"calls": [ALICES]})

    def test_users_see_their_own_and_an_administrator_the_tenant_s(
        self, api: Api
    ) -> None:
        hold(
            api,
            started(),
            started("s2", uid="bob"),
            started("s3", tenant="acme", uid="alice"),
        )
        assert ids(api, "alice") == ["s1"]
        assert ids(api, "bob") == ["s2"]
        assert ids(api, "shop", role=Role.SERVER) == []
        assert ids(api, "root", role=Role.ADMIN) == ["s1", "s2"]
        assert ids(api, "root", role=Role.ADMIN, tenant="acme") == ["s3"]

    def test_token_may_stand_in_the_query(self, api: Api) -> None:
        hold(api, started())
        api.get(LISTS)
        token = api.last_event["headers"]["authorization"].removeprefix("Bearer ")
        reply = api.get(LISTS, None, query=f"token={token}")
        assert reply.json == {"calls": [ALICES]}


class TestKill:
    @pytest.mark.parametrize("method", ["POST", "GET"])
    @pytest.mark.parametrize(
        ("uid", "role"), [("alice", Role.USER), ("root", Role.ADMIN)]
    )
    def test_order_is_kept(self, api: Api, method: str, uid: str, role: Role) -> None:
        hold(api, started())
        reply = api.request(method, KILL, uid=uid, role=role)
        assert (reply.status, reply.text) == (200, "true")
        (order,) = MemoryFleet(api.store).orders("w1", 1)
        assert isinstance(order, EndSession)
        assert (order.session_id, order.reason) == ("s1", "bySystem")

    @pytest.mark.parametrize(
        ("uid", "how"),
        [
            ("bob", {}),
            ("shop", {"role": Role.SERVER}),
            ("root", {"role": Role.ADMIN, "tenant": "acme"}),
        ],
    )
    def test_strangers_find_nothing(
        self, api: Api, uid: str, how: dict[str, Any]
    ) -> None:
        hold(api, started())
        reply = api.post(KILL, None, uid, **how)
        assert (reply.status, reply.json["code"]) == (404, 404)
        assert api.store.orders == {}

    @pytest.mark.parametrize("name", ["s9", "%00", "a%23b", "x" * 5000, "s1%2F.."])
    def test_unknown_session_is_not_there(self, api: Api, name: str) -> None:
        hold(api, started())
        reply = api.post(f"/call/kill/{name}", None)
        assert reply.status == 404
        assert set(reply.json) == {"code", "message"}

    def test_ended_session_is_not_there(self, api: Api) -> None:
        hold(api, started(), ended())
        assert api.post(KILL, None).status == 404


class TestAliases:
    """The server's own names, for its clients."""

    def test_list_has_the_server_s_words(self, api: Api) -> None:
        assert api.get("/list").json == {"active_calls": []}
        sip = started("s2", caller=None, callee="1", call_type=CallType.SIP)
        hold(api, started(), sip)
        first, second = api.get("/list").json["active_calls"]
        assert first == {
            "id": "s1",
            "callType": "webSocket",
            "cs.option": {"caller": "sip:alice@example.com"},
            "ringTime": None,
            "startTime": "2023-11-14T22:13:20.000Z",
        }
        assert (second["callType"], second["cs.option"]) == ("sip", {"callee": "1"})
        assert api.get("/list", "bob").json == {"active_calls": []}

    @pytest.mark.parametrize("method", ["POST", "GET"])
    def test_kill_tells_whom(self, api: Api, method: str) -> None:
        hold(api, started())
        reply = api.request(method, "/kill/s1")
        assert (reply.status, reply.json) == (200, {"status": "killed", "id": "s1"})
        (order,) = MemoryFleet(api.store).orders("w1", 1)
        assert isinstance(order, EndSession)
        assert order.session_id == "s1"

    @pytest.mark.parametrize("session_id", ["s9", "s1"])
    def test_kill_of_what_is_not_there_or_a_stranger_s(
        self, api: Api, session_id: str
    ) -> None:
        hold(api, started())
        reply = api.get(f"/kill/{session_id}", "bob")
        assert reply.status == 404
        assert reply.json == {
            "code": 404,
            "message": "there is no such call",
            "status": "not_found",
            "id": session_id,
        }


class TestIceServers:
    def test_default_is_one_stun_server(self, api: Api) -> None:
        assert api.get("/iceservers").json == [
            {"urls": [DEFAULT_STUN_URL], "username": None, "credential": None}
        ]

    def test_turn_credential_is_the_user_s_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turn = {"TURN_URLS": "turn:turn.example", "TURN_SECRET": "north"}
        api = install(monkeypatch, {**VARIABLES, **turn})
        (entry,) = api.get("/iceservers").json
        assert entry["username"] == f"{NOW_MS // 1000 + CREDENTIAL_SECONDS}:alice"
        assert "north" not in str(entry)


class TestAccess:
    PATHS = pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", LISTS),
            ("POST", KILL),
            ("GET", KILL),
            ("GET", "/iceservers"),
            ("GET", "/list"),
            ("GET", "/kill/s1"),
        ],
    )

    @PATHS
    def test_nobody_comes_without_a_token(
        self, api: Api, method: str, path: str
    ) -> None:
        for headers in ({}, {"authorization": "Basic YTpi"}):
            reply = api.request(method, path, uid=None, headers=headers)
            assert reply.status == 401
            assert reply.json["code"] == 401
            assert reply.json["message"]

    @PATHS
    def test_worker_s_token_opens_nothing(
        self, api: Api, method: str, path: str
    ) -> None:
        token = worker_token(JWT_SECRET, "w1", 4e9)
        headers = {"authorization": f"Bearer {token}"}
        assert api.request(method, path, uid=None, headers=headers).status == 401

    def test_open_dialect_acts_as_an_administrator(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = install(monkeypatch, {**VARIABLES, "PARLEY_OPEN_DIALECTS": "activecall"})
        hold(api, started())
        assert api.get(LISTS, None).json == {"calls": [ALICES]}
        assert api.post(KILL, None, None).text == "true"
        assert api.get("/iceservers", None, query="uid=bob").status == 200
        headers = {"authorization": "Bearer nonsense"}
        assert api.get(LISTS, None, headers=headers).status == 401

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/call/list", 404),
            ("POST", "/call/kill", 404),
            ("POST", "/call/kill/a/b", 404),
            ("POST", LISTS, 405),
            ("DELETE", KILL, 405),
            ("POST", "/iceservers", 405),
            ("GET", "/iceservers/x", 404),
            ("GET", "/list/x", 404),
            ("POST", "/list", 405),
            ("GET", "/kill", 404),
            ("DELETE", "/kill/s1", 405),
        ],
    )
    def test_wrong_paths_and_methods_have_the_shape(
        self, api: Api, method: str, path: str, status: int
    ) -> None:
        reply = api.request(method, path)
        assert reply.status == status
        assert reply.json["code"] == status
        assert set(reply.json) == {"code", "message"}

    def test_body_of_another_type_is_refused(self, api: Api) -> None:
        reply = api.post(KILL, "a=b", headers={"content-type": "text/plain"})
        assert (reply.status, reply.json["code"]) == (415, 415)

    def test_storage_that_is_away_says_when_to_come_back(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*arguments: Any) -> None:
            raise ports.Throttled

        monkeypatch.setattr(MemorySessions, "live_of_user", away)
        reply = api.get(LISTS)
        assert (reply.status, reply.json["code"]) == (503, 503)
        assert reply.headers["Retry-After"] == "1"

    def test_mistake_of_ours_tells_nothing_of_itself(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*arguments: Any) -> None:
            raise RuntimeError("table arn:aws:dynamodb")

        monkeypatch.setattr(MemorySessions, "live_of_user", broken)
        reply = api.get(LISTS)
        assert reply.status == 500
        assert reply.json == {"code": 500, "message": "internal error"}
