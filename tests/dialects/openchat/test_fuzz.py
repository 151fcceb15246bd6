"""Whatever is sent, OpenChat answers in its own shape, and never with our mistake."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialects.openchat.clients import ERROR_KEYS, ROOMS, RTC, Rooms, data_of

PATHS = (
    ("POST", ROOMS),
    ("GET", f"{ROOMS}/r1"),
    ("POST", f"{ROOMS}/r1/join"),
    ("POST", f"{ROOMS}/r1/leave"),
    ("POST", f"{ROOMS}/r1/end"),
    ("PUT", f"{ROOMS}/r1/end"),
    ("GET", f"{ROOMS}/r1/participants"),
    ("POST", f"{ROOMS}/r1/participants"),
    ("DELETE", f"{ROOMS}/r1/participants/bob"),
    ("GET", f"{ROOMS}/user/alice"),
    ("POST", f"{ROOMS}/r1/connection"),
    ("POST", f"{RTC}/tokens"),
    ("POST", f"{RTC}/tokens/validate"),
    ("GET", f"{RTC}/tokens/validate"),
)
FIELDS = (
    *("type", "callerId", "creatorId", "calleeId", "userId", "participants"),
    *("mediaType", "name", "channelId", "provider", "aiMetadata"),
    *("roomId", "role", "expireSeconds", "token"),
)
ANSWERS = frozenset({200, 201, 400, 401, 403, 404, 409})

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=50)
    | st.sampled_from(["alice", "bob", "r1", "p2p", "group", "livekit", "video"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
bodies = st.dictionaries(
    st.sampled_from(FIELDS) | st.text(max_size=5), values, max_size=5
).map(json.dumps) | st.text(max_size=60)


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    where=st.sampled_from(PATHS),
    body=bodies,
    query=st.text(st.characters(codec="ascii"), max_size=30),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "idempotency-key"]),
        st.text(max_size=20),
        max_size=2,
    ),
)
def test_any_request_has_an_answer_in_shape(
    open_rooms: Rooms,
    where: tuple[str, str],
    body: str,
    query: str,
    headers: dict[str, str],
) -> None:
    method, path = where
    reply = open_rooms.api.request(
        method, path, body, uid=None, query=query, headers=headers
    )
    assert reply.status in ANSWERS
    reply.text.encode()
    if reply.status in (200, 201):
        data_of(reply)
    else:
        error = reply.json
        assert set(error) == ERROR_KEYS
        assert error["code"] == reply.status and error["message"]
