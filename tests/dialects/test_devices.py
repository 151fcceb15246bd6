"""Which device created, joined or answered is known where the request says so."""

import pytest

from tests.dialects.conftest import Api

LONG = "x" * 65


def device_of(api: Api, call_id: str, uid: str) -> str:
    member = api.store.calls["default", call_id].participant(uid)
    assert member is not None
    return member.device


@pytest.mark.parametrize("header", ["X-Device-Id", "FZM-UUID"])
@pytest.mark.parametrize(
    ("named", "known"), [("phone-1", "phone-1"), (LONG, ""), ("a b", ""), ("", "")]
)
def test_tgortc_knows_the_devices(
    api: Api, header: str, named: str, known: str
) -> None:
    headers = {header: named}
    body = {"creator": "alice", "uids": ["bob"], "device_type": "app", "rtc_type": 1}
    made = api.post("/api/v1/rooms", body, headers=headers).json["room_id"]
    joining = {"uid": "bob", "device_type": "web"}
    api.post(f"/api/v1/rooms/{made}/join", joining, "bob", headers=headers)
    assert device_of(api, made, "alice") == device_of(api, made, "bob") == known


def test_openchat_knows_the_devices(api: Api) -> None:
    headers = {"x-device-id": "tab"}
    from_alice = {"callerId": "alice", "calleeId": "bob"}
    body = {**from_alice, "type": "p2p", "mediaType": "video"}
    made = api.post("/im/api/v1/rtc/rooms", body, headers=headers)
    (call_id,) = (key[1] for key in api.store.calls)
    assert made.status == 201
    path = f"/im/api/v1/rtc/rooms/{call_id}/join"
    api.post(path, {}, "bob", headers={"x-device-id": "phone"})
    assert device_of(api, call_id, "alice") == "tab"
    assert device_of(api, call_id, "bob") == "phone"


def test_dtalk_knows_the_devices_and_refuses_a_second_one(api: Api) -> None:
    body = {"groupId": "0", "RTCType": 1, "invitees": ["bob"]}
    headers = {"fzm-uuid": "one"}
    api.post("/app/start-call", body, headers=headers)
    (call_id,) = (key[1] for key in api.store.calls)
    assert device_of(api, call_id, "alice") == "one"
    answer = {"traceIdStr": call_id, "answer": True}

    def handle(device: str) -> int:
        given = {"fzm-uuid": device, "fzm-device": "android"}
        told = api.post("/app/handle-call", answer, "bob", headers=given).json
        return int(told["result"])

    assert [handle("two"), handle("two"), handle("three")] == [0, 0, -10102]
    assert device_of(api, call_id, "bob") == "two"
