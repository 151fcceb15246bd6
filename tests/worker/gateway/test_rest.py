"""The REST of the worker's port."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from chalicelib.protocol.lease import Drain, EndSession
from chalicelib.protocol.session import schema
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.vocabulary import Role
from mediaworker.gateway import errors
from tests.worker.gateway.fakes import (
    NOW_MS,
    Place,
    Wire,
    part_token,
    run,
    token,
)

Talk = Callable[["Client"], Awaitable[None]]


class Client:
    """Asks with a token of its own, or with none."""

    def __init__(self, place: Place, http: aiohttp.ClientSession) -> None:
        self.place = place
        self._http = http

    async def ask(
        self, path: str, bearer: str | None = None, method: str = "GET", **more: Any
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        url = f"{self.place.url}{path}"
        async with self._http.request(method, url, headers=headers, **more) as response:
            self.headers = response.headers
            if response.content_type == "application/json":
                return response.status, await response.json()
            return response.status, await response.text()


def speak(talk: Talk, place: Place | None = None) -> None:
    async def whole() -> None:
        async with (
            (place or Place()).listening() as listening,
            aiohttp.ClientSession() as http,
        ):
            await talk(Client(listening, http))

    run(whole)


def refusal(code: int, message: str) -> tuple[int, dict[str, Any]]:
    return code, {"code": code, "message": message}


def test_tell_its_health_without_a_token() -> None:
    async def talk(client: Client) -> None:
        healthy = {
            "status": "ok",
            "worker_id": "w1",
            "protocol_version": 1,
            "sessions": 0,
        }
        assert await client.ask("/health") == (200, healthy)
        client.place.worker.drain()
        client.place.worker.drain()
        client.place.sessions.add("one", "alice")
        draining = {**healthy, "status": "draining", "sessions": 1}
        assert await client.ask("/health") == (200, draining)

    speak(talk)


def test_refuse_in_its_own_shape() -> None:
    async def talk(client: Client) -> None:
        assert await client.ask("/missing") == refusal(404, "Not Found")
        assert await client.ask("/call/kill/") == refusal(404, "Not Found")
        refused = refusal(405, "Method Not Allowed")
        assert await client.ask("/health", method="POST") == refused
        assert client.headers["Allow"] == "GET,HEAD"
        assert await client.ask("/internal/orders") == refused
        assert client.headers["Allow"] == "POST"
        for path in ("/call", "/call/webrtc", "/call/sip"):
            sentence = "this is a WebSocket: ask for the upgrade"
            assert await client.ask(path) == refusal(426, sentence)
            assert client.headers["Upgrade"] == "websocket"

    speak(talk)


@pytest.mark.covers(
    "GET /call/lists",
    "GET /call/lists.calls",
    "GET /call/lists.id",
    "GET /call/lists.call_type",
    "GET /call/lists.created_at",
    "GET /call/lists.option",
    "status 200",
)
def test_list_to_each_what_is_theirs() -> None:
    async def talk(client: Client) -> None:
        sessions = client.place.sessions
        sessions.add("a", "alice", caller="sip:a@example.com", callee="12")
        sessions.add("b", "bob", call_type=CallType.SIP)
        sessions.add("c", "alice", tenant="other")
        entry = {
            "id": "a",
            "call_type": "websocket",
            "created_at": "2026-09-21T14:13:20.000Z",
            "option": {"caller": "sip:a@example.com", "callee": "12"},
        }
        assert await client.ask("/call/lists", token()) == (200, {"calls": [entry]})
        _, body = await client.ask("/call/lists", token("root", Role.ADMIN))
        assert [call["id"] for call in body["calls"]] == ["a", "b"]
        assert body["calls"][1]["option"] == {}
        _, body = await client.ask("/call/lists", token("root", Role.SERVER))
        assert body["calls"] == []
        _, body = await client.ask(f"/call/lists?token={token(tenant='other')}")
        assert [call["id"] for call in body["calls"]] == ["c"]
        assert await client.ask("/call/lists") == refusal(
            401, "a Bearer token is required"
        )
        assert client.headers["WWW-Authenticate"] == "Bearer"

    speak(talk)


@pytest.mark.covers("POST /call/kill/{id}", "POST /call/kill/{id}.id", "status 404")
def test_kill_what_is_theirs_and_know_nothing_of_the_rest() -> None:
    async def talk(client: Client) -> None:
        sessions = client.place.sessions
        for session_id in ("a", "a2@b:c"):
            sessions.add(session_id, "alice")
        unknown = refusal(404, "there is no such call")
        assert await client.ask("/call/kill/none", token(), "POST") == unknown
        assert await client.ask("/call/kill/a", token("bob"), "POST") == unknown
        stranger = token("root", Role.ADMIN, "other")
        assert await client.ask("/call/kill/a", stranger, "POST") == unknown
        assert (await client.ask("/call/kill/a", method="POST"))[0] == 401
        assert sessions.ended == []
        assert await client.ask("/call/kill/a", token(), "POST") == (200, True)
        admin = token("root", Role.ADMIN)
        assert await client.ask("/call/kill/a2@b:c", admin) == (200, True)
        assert await client.ask("/call/kill/a", token()) == unknown
        assert sessions.ended[0] == EndSession("a", "bySystem", "system", "a-command")

    speak(talk)


def test_describe_the_protocol_to_everybody() -> None:
    async def talk(client: Client) -> None:
        assert await client.ask("/protocol.schema.json") == (200, schema.document())

    speak(talk)


@pytest.mark.covers(
    "GET /iceservers",
    "GET /iceservers.urls",
    "GET /iceservers.username",
    "GET /iceservers.credential",
)
def test_name_the_ice_servers() -> None:
    async def talk(client: Client) -> None:
        assert (await client.ask("/iceservers"))[0] == 401
        status, body = await client.ask("/iceservers", token())
        assert status == 200
        turn = {"urls": ["turn:t:3478"], "username": f"{NOW_MS // 1000 + 86400}:alice"}
        assert {**body[0], "credential": None} == {**turn, "credential": None}
        assert client.headers["Cache-Control"] == "no-store"

    environment = {"TURN_URLS": "turn:t:3478", "TURN_SECRET": "s"}
    speak(talk, Place(environment=environment))


def test_show_metrics_to_operators() -> None:
    async def talk(client: Client) -> None:
        forbidden = refusal(403, "metrics are for admins and servers")
        assert await client.ask("/metrics", token()) == forbidden
        assert (await client.ask("/metrics"))[0] == 401
        _, text = await client.ask("/metrics", token("root", Role.ADMIN))
        assert "# TYPE parley_worker_sessions gauge" in text
        assert "parley_worker_sessions 3.0" in text
        assert "# TYPE parley_worker_events_total counter" in text
        assert "parley_worker_events_total 7.0" in text
        assert "process_resident_memory_bytes" in text

    speak(talk, Place(readings={"sessions": 3, "events_total": 7}))


def test_show_metrics_to_all_where_the_dialect_is_open() -> None:
    async def talk(client: Client) -> None:
        assert (await client.ask("/metrics"))[0] == 200

    speak(talk, Place(is_open=True))


END = EndSession("a", "bySystem", "system", "command-1")
DRAIN = Drain("w1", 5)


def test_take_orders_of_parleys_parts_alone() -> None:
    async def talk(client: Client) -> None:
        path, place = "/internal/orders", client.place
        for bearer in (None, token(), token("root", Role.ADMIN)):
            assert (await client.ask(path, bearer, "POST", json=END.render()))[0] == 401
        status, _ = await client.ask(
            f"{path}?token={part_token()}", None, "POST", json=END.render()
        )
        assert status == 401
        for order in (END, DRAIN):
            body = order.render()
            assert await client.ask(path, part_token(), "POST", json=body) == (204, "")
        assert place.orders == [END, DRAIN]
        place.obeys = False
        answer = await client.ask(path, part_token(), "POST", json=END.render())
        assert answer == refusal(404, "there is no such session")
        answer = await client.ask(path, part_token(), "POST", json=DRAIN.render())
        assert answer == refusal(409, "the order is for another worker")

    speak(talk)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"[" * 50_000, 400),
        (b'{"v": 9}', 400),
        (b'{"v": 1, "type": "session.end"}', 400),
        (b'{"v": 1, "type": "nothing"}', 400),
        (b" " * 70_000, 413),
    ],
)
def test_refuse_what_is_no_order(body: bytes, status: int) -> None:
    async def talk(client: Client) -> None:
        answer = await client.ask("/internal/orders", part_token(), "POST", data=body)
        assert answer[0] == status
        assert answer[1]["code"] == status
        assert client.place.orders == []

    speak(talk)


def test_refuse_a_fact_where_an_order_is_wanted() -> None:
    fact = {
        "v": 1,
        "type": "session.started",
        "tenant": "default",
        "session_id": "a",
        "worker_id": "w1",
        "epoch": 1,
        "uid": "alice",
        "call_type": "websocket",
        "started_at_ms": 1,
    }

    async def talk(client: Client) -> None:
        answer = await client.ask("/internal/orders", part_token(), "POST", json=fact)
        assert answer == refusal(400, "this is no order")

    speak(talk)


def test_not_wait_for_a_body_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "REQUEST_SECONDS", 0.05)

    async def talk(client: Client) -> None:
        async with Wire.to(client.place) as wire:
            wire.send(
                b"POST /internal/orders HTTP/1.1\r\nHost: w\r\nContent-Length: 9\r\n"
                b"Authorization: Bearer " + part_token().encode() + b"\r\n\r\n{"
            )
            assert (await wire.head()).startswith(b"HTTP/1.1 408 ")

    speak(talk)


def test_take_no_body_in_chunks() -> None:
    async def talk(client: Client) -> None:
        async with Wire.to(client.place) as wire:
            wire.send(
                b"POST /internal/orders HTTP/1.1\r\nHost: w\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n"
            )
            answer = await wire.rest()
            assert answer.startswith(b"HTTP/1.1 411 Length Required\r\n")
            assert answer.endswith(b'"a body is sent with its Content-Length"}')

    speak(talk)


def test_serve_one_request_of_those_that_come_at_once() -> None:
    async def talk(client: Client) -> None:
        async with Wire.to(client.place) as wire:
            request = b"GET /health HTTP/1.1\r\nHost: w\r\n\r\n"
            wire.send(request + request + b"\x00junk\r\n\r\n")
            assert (await wire.rest()).count(b"HTTP/1.1 200 OK") == 1

    speak(talk)


@pytest.mark.covers("status 500")
def test_hide_a_failure_of_ours() -> None:
    async def talk(client: Client) -> None:
        client.place.readings = None  # type: ignore[assignment]
        answer = await client.ask("/metrics", token("root", Role.ADMIN))
        assert answer == refusal(500, "Internal Server Error")

    speak(talk)
