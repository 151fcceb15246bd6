"""Whatever is sent, dtalk answers in its envelope, and never with our mistake."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch, fixture

from chalicelib.dialects.dtalk import wire
from tests.dialects.conftest import VARIABLES, Api, install

PATHS = tuple(
    f"{prefix}/{name}"
    for prefix in wire.PREFIXES
    for name in ("start-call", "check-call", "handle-call", "reply-busy")
)
FIELDS = ("groupId", "invitees", "RTCType", "traceId", "traceIdStr", "answer", "uid")
HEADERS = ("fzm-signature", "fzm-device", "idempotency-key", "authorization")

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(1_000_000, 1_000_040)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=70)
    | st.sampled_from(["alice", "bob", "carol", "0", "7", 1, 2])
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


@fixture
def open_api(monkeypatch: MonkeyPatch) -> Api:
    return install(monkeypatch, {**VARIABLES, "PARLEY_OPEN_DIALECTS": "dtalk"})


@settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    path=st.sampled_from(PATHS),
    body=bodies,
    query=st.sampled_from(["", "uid=alice", "uid=bob", "uid=", "%"]),
    headers=st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=30), max_size=2),
)
def test_any_request_has_an_answer_in_the_envelope(
    open_api: Api, path: str, body: str, query: str, headers: dict[str, str]
) -> None:
    reply = open_api.post(path, body, None, query=query, headers=headers)
    assert reply.status == 200
    answer = reply.json
    assert set(answer) == {"result", "message", "data"}
    assert answer["message"] == wire.TEXTS[answer["result"]]
    assert answer["result"] != wire.BUSY_SERVER
