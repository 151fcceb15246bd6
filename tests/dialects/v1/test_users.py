"""Users erased, over HTTP."""

import pytest

from chalicelib.protocol.vocabulary import Role
from chalicelib.services import erasure
from tests.dialects.conftest import Api, Reply
from tests.dialects.scenes import Scene


def erase(api: Api, uid: str, query: str = "") -> Reply:
    path = f"/v1/users/{uid}"
    return api.request("DELETE", path, uid="root", role=Role.ADMIN, query=query)


def test_user_is_erased_and_the_others_keep_their_calls(api: Api) -> None:
    scene = Scene(api)
    scene.ring()
    reply = erase(api, "alice")
    assert reply.status == 409
    assert reply.json["code"] == "user_in_call"
    scene.end()
    reply = erase(api, "alice")
    assert reply.status == 202
    assert reply.json["uid"] == "alice" and reply.json["next"] is None
    assert reply.json["erased"]["calls"] == 1
    shown = api.get("/v1/calls/call-of-alice", "bob").json["call"]
    assert "alice" not in str(shown).replace("call-of-alice", "")
    again = erase(api, "alice")
    assert again.json == {"uid": "alice", "erased": {}, "next": None}


def test_name_is_decoded_and_checked(api: Api) -> None:
    assert erase(api, "zo%C3%A9%20%231").json["uid"] == "zoé #1"
    reply = erase(api, "a" * 65)
    assert (reply.status, reply.json["code"]) == (400, "invalid_request")


def test_request_goes_on_where_the_last_one_ended(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "BUDGET_MS", -1)
    scene = Scene(api)
    scene.ring()
    scene.end()
    first = erase(api, "alice")
    assert first.json["erased"] and first.json["next"]
    requests = 1
    cursor = first.json["next"]
    while cursor:
        reply = erase(api, "alice", f"cursor={cursor}")
        assert reply.status == 202
        cursor, requests = reply.json["next"], requests + 1
    assert requests > 2


@pytest.mark.parametrize("cursor", ["nonsense!", "bm9uc2Vuc2U"])
def test_cursor_of_nobody_is_refused(api: Api, cursor: str) -> None:
    reply = erase(api, "alice", f"cursor={cursor}")
    assert (reply.status, reply.json["code"]) == (400, "invalid_request")
