"""Whatever is sent, TgoRTC answers in its own shape, and never with our mistake."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialects.conftest import Api

ROOM_PATHS = ("", "/room-1/join", "/room-1/leave", "/room-1/invite", "/room-1/kick")
PATHS = tuple(f"/api/v1/rooms{path}" for path in ROOM_PATHS) + (
    "/api/v1/participants/calling",
    "/api/v1/webhooks/logs/cleanup",
    "/api/v1/webhooks/livekit",
)
FIELDS = (
    "creator",
    "device_type",
    "room_id",
    "rtc_type",
    "invite_on",
    "max_participants",
    "uids",
    "uid",
    "timeout",
    "retention_days",
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=50)
    | st.sampled_from(["alice", "bob", "room-1", "app"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), values).map(
    json.dumps
) | st.text(max_size=60)

ANSWERS = frozenset({200, 400, 401, 403, 409, 415})


@settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    path=st.sampled_from(PATHS),
    body=bodies,
    query=st.text(st.characters(codec="ascii"), max_size=30),
    headers=st.dictionaries(
        st.sampled_from(["x-language", "accept-language", "idempotency-key"]),
        st.text(max_size=20),
        max_size=2,
    ),
)
def test_any_request_has_an_answer_in_shape(
    open_api: Api, path: str, body: str, query: str, headers: dict[str, str]
) -> None:
    reply = open_api.post(path, body, None, query=query, headers=headers)
    assert reply.status in ANSWERS
    if reply.status != 200:
        error: Any = reply.json
        assert set(error) == {"code", "message"}
        assert error["code"] == reply.status and error["message"]
