"""Who is let in at each dialect's door, by what, and how much each may change."""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.dialects import identity
from chalicelib.dialects.requests import Request
from chalicelib.protocol.tokens import worker_token
from chalicelib.protocol.vocabulary import Dialect, Role
from chalicelib.services.identity.keys import TRUSTED_MS
from chalicelib.services.identity.limits import FREE
from tests import attacks
from tests.attacks import ATTACKS, Attack, issued, key_set
from tests.dialects.conftest import JWT_SECRET, VARIABLES, Api, Reply, install, token
from tests.dialects.dtalk.signers import Signer
from tests.dialects.phones import (
    check_activecall,
    check_dtalk,
    check_openchat,
    check_tgortc,
    check_v1,
)

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Door:
    """A dialect's, at a request that changes something, or would."""

    dialect: Dialect
    method: str
    path: str
    body: Any
    check: Callable[[Reply], None]
    code_of: Callable[[Reply], Any]
    unauthenticated: tuple[int, Any]
    """The status, and the code in the body."""
    limited: tuple[int, Any]
    takes_query: bool = True

    def ask(self, api: Api, headers: Headers, query: str = "") -> Reply:
        return api.request(
            self.method, self.path, self.body, uid=None, headers=headers, query=query
        )

    def refuses(self, reply: Reply) -> bool:
        found = (reply.status, self.code_of(reply)) if reply.status != 204 else None
        return found == self.unauthenticated


DOORS = (
    Door(
        Dialect.TGORTC,
        "POST",
        "/api/v1/participants/calling",
        {"uids": ["alice"]},
        check_tgortc,
        lambda reply: reply.json["code"] if isinstance(reply.json, dict) else 200,
        (401, 401),
        (429, 429),
    ),
    Door(
        Dialect.DTALK,
        "POST",
        "/app/check-call",
        {"traceId": 101},
        check_dtalk,
        lambda reply: reply.json["result"],
        (200, -1010),
        (200, -1000),
    ),
    Door(
        Dialect.OPENCHAT,
        "POST",
        "/im/api/v1/rtc/tokens/validate",
        {"token": "t"},
        check_openchat,
        lambda reply: reply.json.get("error", {}).get("code"),
        (401, "AUTH_004"),
        (429, "RATE_001"),
    ),
    Door(
        Dialect.ACTIVE_CALL,
        "POST",
        "/call/kill/none",
        None,
        check_activecall,
        lambda reply: reply.json["code"],
        (401, 401),
        (429, 429),
    ),
    Door(
        Dialect.V1,
        "POST",
        "/v1/tokens",
        {"uid": "bob"},
        check_v1,
        lambda reply: reply.json.get("code"),
        (401, "unauthenticated"),
        (429, "rate_limited"),
        takes_query=False,
    ),
)
doors = pytest.mark.parametrize("door", DOORS, ids=[door.dialect for door in DOORS])


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """One that has an issuer beside its own secret."""
    given = {**VARIABLES, **attacks.VARIABLES, "PARLEY_JWKS": key_set()}
    return install(monkeypatch, given)


def limited(monkeypatch: pytest.MonkeyPatch, **limits: str) -> Api:
    return install(monkeypatch, {**VARIABLES, **limits})


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def new_key(api: Api, **wanted: Any) -> dict[str, Any]:
    reply = api.post("/v1/keys", {"name": "shop", **wanted}, "root", role=Role.ADMIN)
    assert reply.status == 201, reply.text
    made: dict[str, Any] = reply.json
    return made


class TestTokens:
    @pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
    def test_token_that_proves_nothing_opens_no_door(
        self, api: Api, attack: Attack
    ) -> None:
        text = attack(JWT_SECRET)
        for door in DOORS:
            reply = door.ask(api, bearer(text))
            door.check(reply)
            assert door.refuses(reply), reply.text
            assert text not in reply.text

    @doors
    @pytest.mark.parametrize("family", ["HS256", "RS256"])
    def test_good_token_of_either_family_opens_every_door(
        self, api: Api, door: Door, family: str
    ) -> None:
        text = token("alice") if family == "HS256" else issued()
        assert not door.refuses(door.ask(api, bearer(text)))
        in_query = door.ask(api, {}, f"token={text}")
        assert door.refuses(in_query) is not door.takes_query

    @doors
    @pytest.mark.parametrize("query", ["token=nonsense", "token=", ""])
    def test_nothing_opens_no_door(self, api: Api, door: Door, query: str) -> None:
        reply = door.ask(api, {}, query)
        door.check(reply)
        assert door.refuses(reply)

    def test_role_of_an_issuer_s_token_counts(self, api: Api) -> None:
        text = issued(role="admin", tenant="acme")
        assert api.get("/v1/keys", None, headers=bearer(text)).status == 200
        assert api.get("/v1/keys", None, headers=bearer(issued())).status == 403

    def test_worker_s_door_knows_no_issuer_and_no_key(self, api: Api) -> None:
        path = "/internal/workers/w1/orders/o1/done"
        key = new_key(api, role="admin")["key"]
        for text in (issued(sub="w1", role="worker"), issued(sub="w1"), key):
            assert api.post(path, {}, None, headers=bearer(text)).status == 401
        good = worker_token(JWT_SECRET, "w1", attacks.now())
        # It is let in, and told that it has no lease.
        assert api.post(path, {}, None, headers=bearer(good)).status == 409


class TestKeys:
    @doors
    def test_key_opens_every_door_by_either_header(self, api: Api, door: Door) -> None:
        key = new_key(api)["key"]
        for headers in (bearer(key), {"x-api-key": key}, {"x-api-key": f" {key} "}):
            reply = door.ask(api, headers)
            assert not door.refuses(reply), reply.text

    @doors
    def test_key_never_stands_in_an_address(self, api: Api, door: Door) -> None:
        key = new_key(api)["key"]
        reply = door.ask(api, {}, f"token={key}")
        door.check(reply)
        assert door.refuses(reply)
        assert key not in reply.text

    @doors
    def test_key_that_is_none_is_refused_whatever_stands_beside_it(
        self, api: Api, door: Door
    ) -> None:
        key = new_key(api)["key"]
        good = token("alice")
        for wrong in ("", "x", key[:-1], key.replace("default", "acme"), good):
            reply = door.ask(api, {"x-api-key": wrong, **bearer(good)})
            door.check(reply)
            assert door.refuses(reply)
        for wrong in (key[:-1], key + "A", "parley.", "parley.a.b.c"):
            assert door.refuses(door.ask(api, bearer(wrong)))

    @doors
    def test_revoked_key_opens_nothing(self, api: Api, door: Door) -> None:
        made = new_key(api)
        headers = bearer(made["key"])
        assert not door.refuses(door.ask(api, headers))
        path = f"/v1/keys/{made['id']}"
        reply = api.request("DELETE", path, uid="root", role=Role.ADMIN)
        assert reply.status == 204
        assert door.refuses(door.ask(api, headers))

    @doors
    def test_expired_key_opens_nothing(self, api: Api, door: Door) -> None:
        headers = bearer(new_key(api, expires_in_seconds=60)["key"])
        assert not door.refuses(door.ask(api, headers))
        api.clock.pass_ms(60_000)
        assert door.refuses(door.ask(api, headers))

    def test_server_s_key_acts_for_users_of_its_tenant_alone(self, api: Api) -> None:
        room = {
            "creator": "alice",
            "device_type": "app",
            "room_id": "r1",
            "uids": ["bob"],
        }
        key = bearer(new_key(api)["key"])
        assert api.post("/api/v1/rooms", room, None, headers=key).status == 200
        theirs = api.post("/v1/keys", {"name": "x"}, role=Role.ADMIN, tenant="acme")
        stranger = bearer(theirs.json["key"])
        member = {"uid": "alice", "device_type": "app"}
        path = "/api/v1/rooms/{}/leave"
        seen = api.post(path.format("r1"), member, None, headers=stranger)
        never = api.post(path.format("r2"), member, None, headers=stranger)
        assert seen.status == never.status == 400
        assert seen.text.replace("r1", "r2") == never.text

    def test_key_is_read_once_in_a_while(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = new_key(api)["key"]
        repository = bootstrap.control_plane().keys._repository
        reads: list[str] = []
        find = repository.find

        def counted(tenant: str, key_id: str) -> Any:
            reads.append(key_id)
            return find(tenant, key_id)

        monkeypatch.setattr(repository, "find", counted)
        for _ in range(3):
            api.get("/api/v1/webhooks/logs/stats", None, headers=bearer(key))
        assert len(reads) == 1
        api.clock.pass_ms(TRUSTED_MS)
        api.get("/api/v1/webhooks/logs/stats", None, headers=bearer(key))
        assert len(reads) == 2


class TestOpenDialects:
    @doors
    def test_open_dialect_is_open_to_whom_the_request_names(
        self, monkeypatch: pytest.MonkeyPatch, door: Door
    ) -> None:
        opened = {**VARIABLES, "PARLEY_OPEN_DIALECTS": door.dialect.value}
        api = install(monkeypatch, opened)
        assert not door.refuses(door.ask(api, {}, "uid=alice"))
        for other in DOORS:
            is_open = other.dialect is door.dialect
            assert other.refuses(other.ask(api, {}, "uid=alice")) is not is_open

    @doors
    def test_credentials_that_prove_nothing_are_refused_there_too(
        self, monkeypatch: pytest.MonkeyPatch, door: Door
    ) -> None:
        opened = {**VARIABLES, "PARLEY_OPEN_DIALECTS": door.dialect.value}
        api = install(monkeypatch, opened)
        for headers in (bearer("nonsense"), {"x-api-key": "nonsense"}):
            assert door.refuses(door.ask(api, headers, "uid=alice"))


def test_signature_stands_before_everything(api: Api) -> None:
    door = DOORS[1]
    header = {"fzm-signature": "nonsense"}
    assert door.refuses(door.ask(api, {**header, **bearer(token("alice"))}))
    header = {"fzm-signature": Signer(7).sign(api.clock.now_ms())}
    assert not door.refuses(door.ask(api, {**header, **bearer("nonsense")}))


def test_signature_is_dtalk_s_alone(api: Api) -> None:
    header = {"fzm-signature": Signer(7).sign(api.clock.now_ms())}
    for door in DOORS:
        is_dtalk = door.dialect is Dialect.DTALK
        assert door.refuses(door.ask(api, header)) is not is_dtalk


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_is_free(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    api = limited(monkeypatch, PARLEY_RATE_LIMIT="1")
    for _ in range(5):
        assert _identified(api, method) == "alice"


def test_sender_is_asked_and_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, PARLEY_RATE_LIMIT="1")
    request = _request("POST")
    plane = bootstrap.control_plane()
    ask = functools.partial(
        identity.identify, plane, request, Dialect.V1, identity.queried_uid
    )
    assert len({ask() for _ in range(10)}) == 1


def _request(method: str) -> Request:
    return Request(method, "/v1/x", {}, bearer(token("alice")), b"")


def _identified(api: Api, method: str) -> str:
    plane = bootstrap.control_plane()
    return identity.identify(
        plane, _request(method), Dialect.V1, identity.queried_uid
    ).uid


class TestLimits:
    @doors
    def test_who_changes_too_much_is_told_when_to_come_back(
        self, monkeypatch: pytest.MonkeyPatch, door: Door
    ) -> None:
        api = limited(monkeypatch, PARLEY_RATE_LIMIT="30")
        headers = bearer(token("alice"))
        last = [door.ask(api, headers) for _ in range(FREE + 31)][-1]
        assert (last.status, door.code_of(last)) == door.limited
        after = int(last.headers["Retry-After"])
        assert 1 <= after <= 60
        assert door.ask(api, bearer(token("bob"))).headers.get("Retry-After") is None
        api.clock.pass_ms(after * 1_000)
        again = door.ask(api, headers)
        assert "Retry-After" not in again.headers

    @doors
    def test_limit_is_one_for_all_dialects(
        self, monkeypatch: pytest.MonkeyPatch, door: Door
    ) -> None:
        api = limited(monkeypatch, PARLEY_RATE_LIMIT="30")
        headers = bearer(token("alice"))
        for _ in range(FREE + 30):
            DOORS[0].ask(api, headers)
        assert "Retry-After" in door.ask(api, headers).headers

    def test_server_has_its_own_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        api = limited(
            monkeypatch, PARLEY_RATE_LIMIT="1", PARLEY_RATE_LIMIT_SERVERS="30"
        )
        headers = bearer(new_key(api)["key"])
        door = DOORS[-1]
        statuses = [door.ask(api, headers).status for _ in range(FREE + 31)]
        assert statuses == [201] * (FREE + 30) + [429]

    def test_request_with_a_key_of_its_own_counts_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = limited(monkeypatch, PARLEY_RATE_LIMIT="2")
        body = {"retention_days": 1}
        for number in range(4):
            reply = api.post(
                "/api/v1/webhooks/logs/cleanup",
                body,
                headers={"idempotency-key": f"k{number}"},
            )
            assert reply.status == 403
        assert api.post("/api/v1/webhooks/logs/cleanup", body).status == 429

    def test_workers_and_livekit_are_not_limited(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = limited(monkeypatch, PARLEY_RATE_LIMIT="1", PARLEY_RATE_LIMIT_SERVERS="1")
        good = bearer(worker_token(JWT_SECRET, "w1", attacks.now()))
        path = "/internal/workers/w1/orders/o1/done"
        for _ in range(5):
            assert api.post(path, {}, None, headers=good).status == 409
            hook = api.post("/api/v1/webhooks/livekit", {}, None)
            assert hook.status == 401
            assert json.loads(hook.text)["code"] == 401
