"""API Gateway's events in and out of Chalice."""

import base64
import json
from typing import Any

import pytest

import entry
from app import app
from tests.dialects.conftest import Api, token

ROOMS = "/api/v1/rooms"
BODY = json.dumps({"creator": "алиса", "device_type": "app"})


def event_1(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    return {
        "version": "1.0",
        "httpMethod": method,
        "path": path,
        "headers": {"Authorization": f"Bearer {token('алиса')}"},
        "multiValueQueryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": "127.0.0.1"}},
        "body": body,
        "isBase64Encoded": False,
    }


def test_payload_1_is_read_as_2_is(api: Api) -> None:
    answer = entry.http(event_1("POST", ROOMS, BODY), None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["creator"] == "алиса"


def test_payload_1_finds_its_query(api: Api) -> None:
    event = event_1("GET", f"{ROOMS}/sync")
    event["multiValueQueryStringParameters"] = {
        "uid": ["nobody", "алиса"],
        "device_type": ["app"],
    }
    answer = entry.http(event, None)
    assert (answer["statusCode"], answer["body"]) == (200, "[]")


def test_base64_body_is_decoded(api: Api) -> None:
    event = event_1("POST", ROOMS, base64.b64encode(BODY.encode()).decode())
    event["isBase64Encoded"] = True
    assert entry.http(event, None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/api/v10", 404), ("PUT", "/health", 405)],
)
def test_path_of_no_dialect_is_refused_plainly(
    api: Api, method: str, path: str, status: int
) -> None:
    reply = api.request(method, path)
    assert reply.status == status
    assert set(reply.json) == {"code", "message"}


def test_literal_route_comes_before_one_with_parameters() -> None:
    assert entry.match(f"{ROOMS}/sync") == (f"{ROOMS}/sync", {})
    assert entry.match(f"{ROOMS}/a%20b/join") == (
        f"{ROOMS}/{{room_id}}/join",
        {"room_id": "a b"},
    )
    assert entry.match(f"{ROOMS}/a/b/join") == (None, {})
    assert entry.match(f"{ROOMS}//join") == (None, {})


def test_every_route_is_matched_by_its_own_path() -> None:
    for route in app.routes:
        assert entry.match(route.replace("{", "").replace("}", ""))[0] == route


def test_cookies_go_both_ways(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def chalice(event: dict[str, Any], context: object) -> dict[str, Any]:
        seen.update(event)
        return {
            "statusCode": 200,
            "headers": {"a": "1"},
            "multiValueHeaders": {"Set-Cookie": ["x=1", "y=2"], "b": [2, 3]},
            "body": "",
        }

    chalice.routes = app.routes  # type: ignore[attr-defined]
    monkeypatch.setattr(entry, "app", chalice)
    api.get("/health")
    answer = entry.http({**api.last_event, "cookies": ["c=1", "d=2"]}, None)
    assert seen["headers"]["cookie"] == "c=1; d=2"
    assert answer["cookies"] == ["x=1", "y=2"]
    assert answer["headers"] == {"a": "1", "b": "2,3"}
