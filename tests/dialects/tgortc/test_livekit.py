"""LiveKit's webhooks: signed by livekit-api, told by a fake server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol.models import DisconnectReason as Reason
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from chalicelib.adapters.providers.livekit_json import DisconnectReason
from chalicelib.dialects.requests import MalformedRequest
from chalicelib.dialects.tgortc.livekit import (
    LiveKitEvent,
    LiveKitEventType,
    parse,
)
from tests.builders import NOW_MS
from tests.peers.fake_livekit import FakeLiveKit, rendered

BODY = b'{"event":"room_started","room":{"name":"call-1"}}'
OTHER_SECRET = "another-secret-of-at-least-thirty-two-bytes"


@pytest.fixture
def livekit() -> Iterator[FakeLiveKit]:
    with FakeLiveKit(now_ms=lambda: NOW_MS + 999) as livekit:
        yield livekit


def told(livekit: FakeLiveKit) -> list[LiveKitEvent | None]:
    return [parse(rendered(event)) for event in livekit.take()]


def test_parse_reads_a_whole_call(livekit: FakeLiveKit) -> None:
    alice = livekit.rooms.connect("call-1", "alice", "web")
    bob = livekit.rooms.connect("call-1", "bob", "app")
    livekit.rooms.disconnect("call-1", "bob", Reason.SIGNAL_CLOSE)
    livekit.rooms.close("call-1")
    started, joined, *_, left, alice_left, finished = told(livekit)
    assert started is not None
    room_sid = started.room_sid
    assert started == LiveKitEvent(
        id=started.id,
        type=LiveKitEventType.ROOM_STARTED,
        room="call-1",
        room_sid=room_sid,
        at_ms=NOW_MS,
        identity=None,
        sid=None,
        device_type="",
        disconnect_reason=DisconnectReason.UNKNOWN_REASON,
    )
    assert joined is not None and joined.id.startswith("EV_")
    assert joined.type is LiveKitEventType.PARTICIPANT_JOINED
    assert (joined.identity, joined.sid, joined.device_type) == ("alice", alice, "web")
    assert left is not None and left.type is LiveKitEventType.PARTICIPANT_LEFT
    assert (left.identity, left.sid, left.device_type) == ("bob", bob, "app")
    assert left.disconnect_reason is DisconnectReason.SIGNAL_CLOSE
    assert alice_left is not None and finished is not None
    assert alice_left.disconnect_reason is DisconnectReason.ROOM_CLOSED
    assert finished.type is LiveKitEventType.ROOM_FINISHED
    assert finished.room_sid == room_sid and finished.identity is None


def test_parse_knows_a_second_device_from_a_departure(livekit: FakeLiveKit) -> None:
    first = livekit.rooms.connect("call-1", "bob", "app")
    second = livekit.rooms.connect("call-1", "bob", "web")
    *_, left, joined = told(livekit)
    assert left is not None and left.sid == first
    assert left.disconnect_reason.is_handover
    assert joined is not None and joined.sid == second
    assert joined.device_type == "web"


def test_parse_knows_who_never_connected(livekit: FakeLiveKit) -> None:
    state = ParticipantInfo.State.JOINING
    livekit.rooms.connect("call-1", "bob", state=state)
    livekit.rooms.disconnect("call-1", "bob", Reason.JOIN_FAILURE)
    _, aborted = told(livekit)
    assert aborted is not None
    assert aborted.type is LiveKitEventType.PARTICIPANT_CONNECTION_ABORTED
    assert aborted.disconnect_reason is DisconnectReason.JOIN_FAILURE


def test_parse_overlooks_machines(livekit: FakeLiveKit) -> None:
    livekit.rooms.create("call-1")
    livekit.take()
    livekit.rooms.connect("call-1", "EG_1", kind=ParticipantInfo.Kind.EGRESS)
    livekit.rooms.disconnect("call-1", "EG_1")
    assert told(livekit) == [None, None]


@pytest.mark.parametrize(
    "event",
    [
        WebhookEvent(event="track_published", created_at=1),
        WebhookEvent(event="egress_ended", id="EV_1", created_at=1),
        WebhookEvent(event="room_exploded"),
        WebhookEvent(),
    ],
)
def test_parse_overlooks_other_events(event: WebhookEvent) -> None:
    assert parse(rendered(event)) is None


@pytest.mark.parametrize(
    "body",
    [
        {
            "event": "participant_left",
            "id": "EV_1",
            "createdAt": "1700000000",
            "room": {"name": "call-1", "sid": "RM_1"},
            "participant": {
                "identity": "bob",
                "sid": "PA_1",
                "metadata": '{"device_type":"web"}',
                "disconnectReason": "MIGRATION",
            },
        },
        {
            "event": "participant_left",
            "id": "EV_1",
            "created_at": 1700000000,
            "room": {"name": "call-1", "sid": "RM_1", "unknown": [None]},
            "participant": {
                "identity": "bob",
                "sid": "PA_1",
                "metadata": '{"device_type":"web"}',
                "disconnect_reason": 8,
                "permission": None,
            },
            "egress_info": None,
        },
    ],
)
def test_parse_takes_both_spellings(body: dict[str, Any]) -> None:
    assert parse(json.dumps(body).encode()) == LiveKitEvent(
        id="EV_1",
        type=LiveKitEventType.PARTICIPANT_LEFT,
        room="call-1",
        room_sid="RM_1",
        at_ms=NOW_MS,
        identity="bob",
        sid="PA_1",
        device_type="web",
        disconnect_reason=DisconnectReason.MIGRATION,
    )


def test_parse_does_without_what_an_old_livekit_does_not_say() -> None:
    event = parse(BODY)
    assert event is not None
    assert (event.id, event.room_sid, event.at_ms) == ("", "", 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"room": None},
        {"room": {}},
        {"room": {"name": ""}},
        {"room": {"name": 7}},
        {"room": "call-1"},
        {"participant": "bob"},
        {"participant": {"identity": 7}},
        {"participant": {"disconnect_reason": True}},
        {"createdAt": "yesterday"},
        {"createdAt": 2**63 - 1},
        {"id": 7},
        {"event": 7},
    ],
)
def test_parse_refuses_what_livekit_does_not_write(changes: dict[str, Any]) -> None:
    body = json.dumps({**json.loads(BODY), **changes}).encode()
    with pytest.raises(MalformedRequest):
        parse(body)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b'"room_started"', b"\xff", b"[" * 100_000]
)
def test_parse_refuses_what_is_no_object(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="the body must be"):
        parse(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
PARTICIPANT = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("identity", "sid", "kind", "state", "metadata", "joinedAt", "joined_at_ms"),
        JSON,
    ),
)
ALMOST = st.fixed_dictionaries(
    {
        "event": st.sampled_from(LiveKitEventType),
        "room": st.just({"name": "call-1"}) | JSON,
    },
    optional={
        "id": JSON,
        "createdAt": JSON,
        "created_at": JSON,
        "participant": JSON | PARTICIPANT,
    },
)


@given(body=st.binary() | JSON.map(json.dumps).map(str.encode))
def test_parse_of_any_bytes_fails_in_one_way(body: bytes) -> None:
    _parse_or_refuse(body)


@given(event=ALMOST)
def test_parse_of_almost_an_event_fails_in_one_way(event: dict[str, Any]) -> None:
    _parse_or_refuse(json.dumps(event).encode())


def _parse_or_refuse(body: bytes) -> None:
    try:
        event = parse(body)
    except MalformedRequest as refusal:
        assert str(refusal)
    else:
        assert event is None or event.room
