"""API keys and users' tokens, as a business's administrator meets them."""

import itertools
import json
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.adapters.clock import SystemClock
from chalicelib.protocol.tokens import Trust, verify
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity import keys as service
from chalicelib.services.identity.keys import KEPT_MS
from tests.builders import NOW_MS
from tests.dialects.conftest import JWT_SECRET, Api, Reply

KEYS = "/v1/keys"
TOKENS = "/v1/tokens"


def create(api: Api, name: str = "shop", **wanted: Any) -> Reply:
    return api.post(KEYS, {"name": name, **wanted}, "root", role=Role.ADMIN)


def made(api: Api, name: str = "shop", **wanted: Any) -> dict[str, Any]:
    reply = create(api, name, **wanted)
    assert reply.status == 201, reply.text
    found: dict[str, Any] = reply.json
    return found


def listed(api: Api, query: str = "", **how: Any) -> Any:
    reply = api.get(KEYS, "root", role=Role.ADMIN, query=query, **how)
    assert reply.status == 200, reply.text
    return reply.json


def revoke(api: Api, key_id: str, **how: Any) -> Reply:
    given: dict[str, Any] = {"uid": "root", "role": Role.ADMIN, **how}
    return api.request("DELETE", f"{KEYS}/{key_id}", **given)


def by_key(api: Api, key: str, method: str, path: str, body: Any = None) -> Reply:
    headers = {"x-api-key": key}
    return api.request(method, path, body, uid=None, headers=headers)


def assert_refused(reply: Reply, status: int, code: str, says: str = "") -> None:
    assert (reply.status, reply.json["code"]) == (status, code), reply.text
    assert set(reply.json) == {"code", "message"}
    assert says in reply.json["message"]


def test_key_is_shown_once(api: Api) -> None:
    found = made(api, expires_in_seconds=3_600)
    key = found.pop("key")
    assert key.startswith(f"parley.default.{found['id']}.")
    assert found == {
        "id": found["id"],
        "name": "shop",
        "role": "server",
        "state": "live",
        "created_at_ms": NOW_MS,
        "created_by": "root",
        "expires_at_ms": NOW_MS + 3_600_000,
        "revoked_at_ms": None,
    }
    assert listed(api) == {"keys": [found], "next": None}


def test_key_s_end_is_shown(api: Api) -> None:
    revoked, expired = made(api, "a"), made(api, "b", expires_in_seconds=60)
    assert revoke(api, revoked["id"]).status == 204
    assert revoke(api, revoked["id"]).status == 204
    api.clock.pass_ms(60_000)
    states = {key["name"]: key["state"] for key in listed(api)["keys"]}
    assert states == {"a": "revoked", "b": "expired"}
    assert {k["revoked_at_ms"] for k in listed(api)["keys"]} == {NOW_MS, None}
    assert revoke(api, expired["id"]).status == 204
    api.clock.pass_ms(KEPT_MS)
    assert listed(api)["keys"] == []


def test_keys_come_in_pages(api: Api) -> None:
    for number in range(5):
        made(api, f"k{number}")
        api.clock.pass_ms(1)
    names: list[str] = []
    query = "limit=2"
    for _ in range(3):
        page = listed(api, query)
        names += [key["name"] for key in page["keys"]]
        query = f"limit=2&cursor={page['next']}"
    assert page["next"] is None
    assert names == ["k4", "k3", "k2", "k1", "k0"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=%25"])
def test_page_that_is_none_is_refused(api: Api, query: str) -> None:
    reply = api.get(KEYS, "root", role=Role.ADMIN, query=query)
    assert_refused(reply, 400, "invalid_request", query.partition("=")[0])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "name must be"),
        ({"name": ""}, "name must be"),
        ({"name": 7}, "name must be"),
        ({"name": "x" * 101}, "name has at most 100"),
        ({"name": "a\nb"}, "name must be printable"),
        ({"name": "\ud800"}, "name must be printable"),
        ({"name": "a", "role": "user"}, "role must be"),
        ({"name": "a", "role": "worker"}, "role must be"),
        ({"name": "a", "role": ["admin"]}, "role must be"),
        ({"name": "a", "role": None}, "role must be"),
        ({"name": "a", "expires_in_seconds": 59}, "expires_in_seconds must be"),
        ({"name": "a", "expires_in_seconds": 10**12}, "expires_in_seconds must be"),
        ({"name": "a", "expires_in_seconds": True}, "expires_in_seconds must be"),
        ({"name": "a", "expires_in_seconds": None}, "expires_in_seconds must be"),
        ({"name": "a", "roles": "admin"}, "roles is not a field"),
    ],
)
def test_key_that_cannot_be_is_refused(api: Api, body: Any, says: str) -> None:
    reply = api.post(KEYS, body, "root", role=Role.ADMIN)
    assert_refused(reply, 400, "invalid_request", says)
    assert listed(api)["keys"] == []


def test_only_administrators_may(api: Api) -> None:
    server, admin = made(api)["key"], made(api, "ops", role="admin")["key"]
    asks = (
        ("POST", KEYS, {"name": "x"}),
        ("GET", KEYS, None),
        ("DELETE", f"{KEYS}/key_0123456789abcdef", None),
    )
    for method, path, body in asks:
        for role in (Role.USER, Role.SERVER):
            assert_refused(api.request(method, path, body, role=role), 403, "forbidden")
        assert_refused(by_key(api, server, method, path, body), 403, "forbidden")
        assert_refused(
            api.request(method, path, body, uid=None), 401, "unauthenticated"
        )
        assert by_key(api, admin, method, path, body).status in (200, 201, 404)


def test_admin_s_key_makes_keys_in_its_own_name(api: Api) -> None:
    admin = made(api, "ops", role="admin")
    reply = by_key(api, admin["key"], "POST", KEYS, {"name": "shop", "role": "admin"})
    assert reply.json["created_by"] == admin["id"]
    assert revoke(api, admin["id"]).status == 204
    assert by_key(api, reply.json["key"], "GET", KEYS).status == 200


def test_another_tenant_s_keys_are_not_there(api: Api) -> None:
    mine = made(api)
    assert listed(api, tenant="acme") == {"keys": [], "next": None}
    never = revoke(api, "key_0123456789abcdef", tenant="acme")
    theirs = revoke(api, mine["id"], tenant="acme")
    assert_refused(never, 404, "not_found")
    assert theirs.text == never.text
    assert listed(api)["keys"][0]["state"] == "live"


@pytest.mark.parametrize(
    "key_id", ["x", "key_0123456789abcdef", "%00", "key_" + "f" * 99]
)
def test_key_that_there_is_not_cannot_be_revoked(api: Api, key_id: str) -> None:
    assert_refused(revoke(api, key_id), 404, "not_found", "no such key")


def test_tenant_has_so_many_keys(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_LIVE", 1)
    made(api)
    assert_refused(create(api), 409, "too_many_keys", "at most 1 live")


def test_request_that_comes_again_makes_no_second_key(api: Api) -> None:
    how: dict[str, Any] = {"role": Role.ADMIN, "headers": {"idempotency-key": "k"}}
    first = api.post(KEYS, {"name": "shop"}, "root", **how)
    again = api.post(KEYS, {"name": "shop"}, "root", **how)
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(listed(api)["keys"]) == 1
    # Whose key it is, matters.
    assert api.post(KEYS, {"name": "shop"}, "other", **how).status == 201


class TestTokens:
    @pytest.fixture(autouse=True)
    def now(self, api: Api) -> None:
        """Tokens are verified by the machine's clock."""
        api.clock.at_ms = SystemClock().now_ms()

    @pytest.mark.parametrize("role", [Role.SERVER, Role.ADMIN])
    def test_server_hands_a_user_its_token(self, api: Api, role: Role) -> None:
        body = {"uid": "bob", "device_type": "phone", "ttl_seconds": 60}
        reply = api.post(TOKENS, body, "shop", role=role, tenant="acme")
        assert reply.status == 201
        text = reply.json["token"]
        principal = verify(text, Trust(JWT_SECRET))
        assert (principal.tenant, principal.uid) == ("acme", "bob")
        assert principal.role is Role.USER
        claims = jwt.decode(text, options={"verify_signature": False})
        assert claims["device_type"] == "phone"
        ends_at = api.clock.now_ms() // 1000 + 60
        assert reply.json == {
            "token": text,
            "uid": "bob",
            "expires_at_ms": ends_at * 1000,
        }
        assert claims["exp"] == ends_at

    def test_token_lasts_an_hour_unless_it_is_said(self, api: Api) -> None:
        reply = by_key(api, made(api)["key"], "POST", TOKENS, {"uid": "bob"})
        ends_at_ms = reply.json["expires_at_ms"]
        assert 3_599_000 < ends_at_ms - api.clock.now_ms() <= 3_600_000
        claims = jwt.decode(reply.json["token"], options={"verify_signature": False})
        assert "device_type" not in claims

    def test_user_makes_no_tokens(self, api: Api) -> None:
        assert_refused(api.post(TOKENS, {"uid": "alice"}), 403, "forbidden")

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            ({}, "uid must be"),
            ({"uid": ""}, "uid must be"),
            ({"uid": ["bob"]}, "uid must be"),
            ({"uid": "b" * 65}, "uid has at most 64"),
            ({"uid": "a\x00b"}, "uid must have no control"),
            ({"uid": "\ud800"}, "uid must have no control"),
            ({"uid": "bob", "role": "admin"}, "role is not a field"),
            ({"uid": "bob", "tenant": "acme"}, "tenant is not a field"),
            ({"uid": "bob", "ttl_seconds": 59}, "ttl_seconds must be"),
            ({"uid": "bob", "ttl_seconds": 86_401}, "ttl_seconds must be"),
            ({"uid": "bob", "ttl_seconds": "60"}, "ttl_seconds must be"),
            ({"uid": "bob", "device_type": "x" * 65}, "device_type has at most 64"),
            ({"uid": "bob", "device_type": "a\n"}, "device_type must be printable"),
            ({"uid": "bob", "device_type": 7}, "device_type must be"),
        ],
    )
    def test_token_that_cannot_be_is_refused(
        self, api: Api, body: Any, says: str
    ) -> None:
        reply = api.post(TOKENS, body, "shop", role=Role.SERVER)
        assert_refused(reply, 400, "invalid_request", says)

    def test_request_that_comes_again_gets_the_same_token(self, api: Api) -> None:
        how: dict[str, Any] = {"role": Role.SERVER, "headers": {"idempotency-key": "k"}}
        first = api.post(TOKENS, {"uid": "bob"}, "shop", **how)
        api.clock.pass_ms(5_000)
        again = api.post(TOKENS, {"uid": "bob"}, "shop", **how)
        assert (again.status, again.json) == (201, first.json)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["name", "role", "expires_in_seconds", "uid", "device_type", "ttl_seconds"]
)
_numbers = itertools.count()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from([KEYS, TOKENS]),
    body=st.dictionaries(NAMES | st.text(), JSON, max_size=4),
)
def test_any_body_is_answered(api: Api, path: str, body: dict[str, Any]) -> None:
    tenant = f"t{next(_numbers)}"
    reply = api.post(path, json.dumps(body), "root", role=Role.ADMIN, tenant=tenant)
    assert reply.status in (201, 400)
    assert reply.status == 201 or set(reply.json) == {"code", "message"}
