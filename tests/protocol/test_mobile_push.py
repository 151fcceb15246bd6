"""Pushes as Apple's and Google's documents have them."""

import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.mobile_push import (
    MOST_BYTES_APNS,
    MOST_BYTES_FCM,
    MOST_BYTES_VOIP,
    Environment,
    Platform,
    Push,
    PushToken,
    PushTooLarge,
    Ring,
    RingEnd,
    RingEnded,
    call_uuid,
    dump,
    push_id,
    ring_ended_push,
    ring_push,
)
from chalicelib.protocol.vocabulary import MediaType
from tests.builders import NOW_MS, RING_MS

VOIP = PushToken("default", "bob", "phone", Platform.APNS_VOIP, "ab" * 32, "com.ex.app")
APNS = replace(VOIP, platform=Platform.APNS)
FCM = replace(VOIP, platform=Platform.FCM, token="fcm:token")
DEADLINE_MS = NOW_MS + RING_MS
RING = Ring("call-1", 1, "alice", MediaType.VIDEO, DEADLINE_MS)
ENDED = RingEnded("call-1", 3, "alice", MediaType.VIDEO, RingEnd.CANCELLED)
UUID = str(uuid.uuid5(uuid.NAMESPACE_URL, "parley:call:call-1"))


def test_ring_wakes_an_app_by_pushkit() -> None:
    push = ring_push(VOIP, RING, NOW_MS)
    assert push.headers == {
        "apns-push-type": "voip",
        "apns-topic": "com.ex.app.voip",
        "apns-priority": "10",
        "apns-expiration": str(DEADLINE_MS // 1000),
        "apns-collapse-id": UUID,
    }
    assert push.payload == {
        "aps": {},
        "event": "call.ringing",
        "call_id": "call-1",
        "uuid": UUID,
        "seq": 1,
        "caller": "alice",
        "media_type": "video",
        "deadline_at_ms": DEADLINE_MS,
    }
    assert push.ttl_seconds == 30


def test_ring_is_data_alone_for_fcm() -> None:
    push = ring_push(FCM, RING, NOW_MS)
    assert push.headers == {}
    message = push.payload["message"]
    assert message["token"] == "fcm:token"
    assert message["android"] == {
        "priority": "high",
        "ttl": "30s",
        "collapse_key": UUID,
        "restricted_package_name": "com.ex.app",
    }
    assert set(message) == {"token", "data", "android"}
    assert all(isinstance(value, str) for value in message["data"].values())
    assert message["data"]["deadline_at_ms"] == str(DEADLINE_MS)
    assert message["data"]["event"] == "call.ringing"


def test_ring_is_an_alert_where_there_is_no_pushkit() -> None:
    push = ring_push(APNS, replace(RING, media_type=MediaType.AUDIO), NOW_MS)
    assert push.headers["apns-push-type"] == "alert"
    assert push.headers["apns-topic"] == "com.ex.app"
    assert push.payload["aps"]["alert"] == {"title": "alice", "body": "Incoming call"}
    assert push.payload["aps"]["interruption-level"] == "time-sensitive"


def test_ring_ends_by_a_background_push() -> None:
    push = ring_ended_push(APNS, ENDED, NOW_MS)
    assert push is not None
    assert push.headers["apns-push-type"] == "background"
    assert push.headers["apns-priority"] == "5"
    assert push.headers["apns-topic"] == "com.ex.app"
    assert push.headers["apns-expiration"] == str(NOW_MS // 1000 + 60)
    assert push.payload["aps"] == {"content-available": 1}
    assert push.payload["reason"] == "cancelled"
    assert push.payload["uuid"] == UUID


def test_missed_ring_is_shown() -> None:
    push = ring_ended_push(APNS, replace(ENDED, reason=RingEnd.MISSED), NOW_MS)
    assert push is not None
    assert push.headers["apns-push-type"] == "alert"
    assert push.headers["apns-priority"] == "10"
    alert = {"title": "alice", "body": "Missed video call"}
    assert push.payload["aps"]["alert"] == alert


def test_ring_ends_by_data_for_fcm() -> None:
    push = ring_ended_push(FCM, ENDED, NOW_MS)
    assert push is not None
    message = push.payload["message"]
    assert message["data"]["event"] == "call.ring_ended"
    assert message["data"]["reason"] == "cancelled"
    assert message["android"]["ttl"] == "60s"


def test_ring_never_ends_by_pushkit() -> None:
    assert ring_ended_push(VOIP, ENDED, NOW_MS) is None


def test_last_second_of_a_ring_is_worth_a_second() -> None:
    assert ring_push(FCM, RING, DEADLINE_MS - 1).ttl_seconds == 1


@given(st.text(max_size=80))
def test_uuid_of_a_call_is_version_5(call_id: str) -> None:
    encodable = call_id.encode(errors="replace").decode()
    expected = uuid.uuid5(uuid.NAMESPACE_URL, f"parley:call:{encodable}")
    assert call_uuid(encodable) == str(expected)


def test_push_has_one_id_however_often() -> None:
    assert push_id(VOIP, "call-1", 1) == push_id(
        replace(VOIP, token="new"), "call-1", 1
    )
    different = {
        push_id(VOIP, "call-1", 1),
        push_id(APNS, "call-1", 1),
        push_id(VOIP, "call-1", 2),
        push_id(VOIP, "call-2", 1),
        push_id(replace(VOIP, device="other"), "call-1", 1),
    }
    assert len(different) == 5


@pytest.mark.parametrize("token", [VOIP, APNS, FCM])
def test_push_fits_with_the_longest_names(token: PushToken) -> None:
    call_id, uid = "\U0001f4de" * 64, "\U0001f4de" * 64
    long = replace(token, app="a" * 155, token="t" * 4096)
    rung = ring_push(long, replace(RING, call_id=call_id, caller=uid), NOW_MS)
    assert _bytes(token, rung) <= _most(token)
    over = replace(ENDED, call_id=call_id, caller=uid, reason=RingEnd.MISSED)
    ended = ring_ended_push(long, over, NOW_MS)
    assert ended is None or _bytes(token, ended) <= _most(token)


def _most(token: PushToken) -> int:
    return {
        Platform.APNS_VOIP: MOST_BYTES_VOIP,
        Platform.APNS: MOST_BYTES_APNS,
        Platform.FCM: MOST_BYTES_FCM,
    }[token.platform]


def _bytes(token: PushToken, push: Push) -> int:
    if token.platform is Platform.FCM:
        data = push.payload["message"]["data"]
        return sum(len((name + value).encode()) for name, value in data.items())
    return len(dump(push.payload).encode())


@pytest.mark.parametrize(
    ("token", "fits", "too_many"),
    [(VOIP, 4_900, 5_121), (APNS, 3_700, 4_097), (FCM, 3_900, 4_097)],
)
def test_push_that_is_too_large_is_refused(
    token: PushToken, fits: int, too_many: int
) -> None:
    assert ring_push(token, replace(RING, caller="x" * (fits // 2)), NOW_MS)
    with pytest.raises(PushTooLarge):
        ring_push(token, replace(RING, caller="x" * too_many), NOW_MS)


def test_token_is_not_shown() -> None:
    shown = repr(replace(VOIP, endpoint="arn:of-it"))
    assert VOIP.token not in shown and "arn:of-it" not in shown


def test_push_is_dumped_as_json() -> None:
    push = ring_push(replace(VOIP, environment=Environment.SANDBOX), RING, NOW_MS)
    assert json.loads(dump(push.payload)) == push.payload
