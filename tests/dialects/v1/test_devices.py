"""Push tokens over HTTP: one's own, checked, and never shown whole."""

from typing import Any

import pytest

from tests.builders import NOW_MS
from tests.dialects.conftest import VARIABLES, Api, install

VOIP = {
    "device": "phone-1",
    "platform": "apns_voip",
    "token": "AB" * 32,
    "app": "com.example.app",
}
FCM = {**VOIP, "device": "droid", "platform": "fcm", "token": "c7:APA91b-x_Y"}


def test_register_device_says_who_will_carry_its_pushes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    webhook = {
        "PARLEY_PUSH_WEBHOOK_URL": "https://push.example/in",
        "PARLEY_PUSH_WEBHOOK_SECRET": "a-secret-of-twenty-four-bytes",
    }
    api = install(monkeypatch, {**VARIABLES, **webhook})
    reply = api.post("/v1/devices", VOIP)
    assert reply.status == 201
    assert reply.json == {
        "device": "phone-1",
        "platform": "apns_voip",
        "token": "…ababab",
        "app": "com.example.app",
        "environment": "production",
        "sender": "webhook",
    }


def test_register_device_where_nothing_is_sent_says_so(api: Api) -> None:
    reply = api.post("/v1/devices", FCM)
    assert (reply.status, reply.json["sender"]) == (201, None)


def test_list_devices_shows_tokens_shortened(api: Api) -> None:
    api.post("/v1/devices", {**VOIP, "environment": "sandbox"})
    api.post("/v1/devices", FCM)
    api.post("/v1/devices", {**FCM, "token": "of-bob"}, uid="bob")
    reply = api.get("/v1/devices")
    assert reply.status == 200
    assert reply.json["next"] is None
    assert [one["device"] for one in reply.json["devices"]] == ["droid", "phone-1"]
    assert FCM["token"] not in reply.text
    assert all(one["registered_at_ms"] == NOW_MS for one in reply.json["devices"])


def test_register_device_again_replaces_it(api: Api) -> None:
    api.post("/v1/devices", VOIP)
    api.post("/v1/devices", {**VOIP, "token": "cd" * 32})
    (shown,) = api.get("/v1/devices").json["devices"]
    assert shown["token"] == "…cdcdcd"


def test_register_device_of_another_user_takes_it_over(api: Api) -> None:
    api.post("/v1/devices", VOIP)
    api.post("/v1/devices", VOIP, uid="bob")
    assert api.get("/v1/devices").json["devices"] == []
    assert len(api.get("/v1/devices", uid="bob").json["devices"]) == 1


def test_forget_device(api: Api) -> None:
    api.post("/v1/devices", VOIP)
    assert api.request("DELETE", "/v1/devices/phone-1", uid="bob").status == 404
    reply = api.request("DELETE", "/v1/devices/phone-1")
    assert (reply.status, reply.text) == (204, "")
    reply = api.request("DELETE", "/v1/devices/phone-1")
    assert (reply.status, reply.json["code"]) == (404, "not_found")
    assert api.get("/v1/devices").json["devices"] == []


@pytest.mark.parametrize("name", ["x" * 65, "%00", "%F0%9F%93%9E", "a%0Ab"])
def test_forget_device_of_no_possible_name(api: Api, name: str) -> None:
    reply = api.request("DELETE", f"/v1/devices/{name}")
    assert (reply.status, reply.json["code"]) == (404, "not_found")


def test_register_an_eleventh_device_is_refused(api: Api) -> None:
    for number in range(10):
        body = {**FCM, "device": f"phone-{number}", "token": f"token-{number}"}
        assert api.post("/v1/devices", body).status == 201
    reply = api.post("/v1/devices", {**VOIP, "device": "another"})
    assert (reply.status, reply.json["code"]) == (409, "too_many_devices")
    assert api.post("/v1/devices", {**FCM, "device": "phone-3"}).status == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"device": ""}, "device"),
        ({"device": "x" * 65}, "device"),
        ({"device": "a/b"}, "device"),
        ({"device": "50%"}, "device"),
        ({"device": "a\nb"}, "device"),
        ({"device": 7}, "device"),
        ({"device": None}, "device"),
        ({"platform": "pager"}, "platform"),
        ({"platform": ["fcm"]}, "platform"),
        ({"token": ""}, "token"),
        ({"token": "not hexadecimal"}, "token"),
        ({"token": "ab" * 101}, "token"),
        ({"token": "abc" * 11}, "token"),
        ({"platform": "fcm", "token": "with space"}, "token"),
        ({"platform": "fcm", "token": "t" * 4097}, "token"),
        ({"platform": "fcm", "token": {}}, "token"),
        ({"app": ""}, "app"),
        ({"app": "com.example app"}, "app"),
        ({"app": "a" * 156}, "app"),
        ({"environment": "moon"}, "environment"),
        ({"environment": None}, "environment"),
        ({"platform": "fcm", "token": "t", "environment": "sandbox"}, "environment"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_register_device_tells_what_is_wrong(
    api: Api, change: dict[str, Any], field: str
) -> None:
    reply = api.post("/v1/devices", {**VOIP, **change})
    assert (reply.status, reply.json["code"]) == (400, "invalid_request")
    assert reply.json["message"].startswith(field)
    assert api.get("/v1/devices").json["devices"] == []


@pytest.mark.parametrize("body", ["", "[]", "nonsense", "7"])
def test_register_device_needs_an_object(api: Api, body: str) -> None:
    assert api.post("/v1/devices", body).status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/devices"), ("GET", "/v1/devices"), ("DELETE", "/v1/devices/x")],
)
def test_devices_need_a_token(api: Api, method: str, path: str) -> None:
    reply = api.request(method, path, VOIP, uid=None)
    assert (reply.status, reply.json["code"]) == (401, "unauthenticated")
