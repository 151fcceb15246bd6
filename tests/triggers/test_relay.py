"""Events of API Gateway's WebSockets, in and out."""

import json
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest

from chalicelib import bootstrap
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.tokens import worker_token
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.relay import Arrival, RelayRefused
from chalicelib.services.retries import Unavailable
from chalicelib.settings import Settings, parse
from chalicelib.triggers import relay
from infra.laptop.socket_events import (
    Happening,
    Visitor,
    connect_event,
    disconnect_event,
    message_event,
)
from tests.attacks import ATTACKS, VARIABLES, Attack, issued, key_set

SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"
FAR_SECONDS = 4_000_000_000
HAPPENING = Happening("r", 1_790_000_000_000)


def token(uid: str = "alice", role: Role = Role.USER) -> str:
    claims = Principal("default", uid, role).render()
    return jwt.encode({**claims, "exp": FAR_SECONDS}, SECRET)


def settings(**variables: str) -> Settings:
    given = {"PARLEY_ENV": "development", "PARLEY_JWT_SECRET": SECRET}
    return parse({**given, **variables})


def visitor(headers: dict[str, str] | None = None, **query: str) -> Visitor:
    given = {"Host": "h", **(headers or {})}
    return Visitor(
        "c1", "live", "h", "192.0.2.1", tuple(given.items()), tuple(query.items()), 1
    )


@dataclass
class FakeRelay:
    failure: Exception | None = None
    told: list[Any] = field(default_factory=list)

    def connect(self, arrival: Arrival) -> None:
        if self.failure is not None:
            raise self.failure
        self.told.append(arrival)

    def forward(self, connection_id: str, text: str) -> None:
        self.told.append((connection_id, text))

    def disconnect(self, connection_id: str, is_clean: bool) -> None:
        self.told.append((connection_id, is_clean))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeRelay:
    fake = FakeRelay()
    monkeypatch.setattr(bootstrap, "relay", lambda: fake)
    monkeypatch.setattr(bootstrap, "settings", settings)
    return fake


def connect(who: Visitor) -> dict[str, Any]:
    return relay.handler(connect_event(who, HAPPENING), None)


def test_token_is_taken_from_the_query_and_goes_no_further(service: FakeRelay) -> None:
    who = visitor(token=token(), type="webrtc", id="s1")
    assert connect(who) == {"statusCode": 200}
    alice = Principal("default", "alice")
    query = {"type": "webrtc", "id": "s1"}
    assert service.told == [Arrival("c1", alice, CallType.WEBRTC, query)]


def test_token_is_taken_from_the_header(service: FakeRelay) -> None:
    who = visitor({"Authorization": f"Bearer {token('bob')}"}, type="SIP")
    assert connect(who) == {"statusCode": 200}
    (arrival,) = service.told
    assert (arrival.principal.uid, arrival.call_type) == ("bob", CallType.SIP)


def test_address_without_a_type_asks_for_audio(service: FakeRelay) -> None:
    connect(visitor(token=token()))
    assert service.told[0].call_type is CallType.WEBSOCKET


def issuing() -> Settings:
    """With an issuer beside our own secret."""
    return settings(**VARIABLES, PARLEY_JWKS=key_set())


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_token_that_proves_nothing_opens_no_socket(
    service: FakeRelay, monkeypatch: pytest.MonkeyPatch, attack: Attack
) -> None:
    monkeypatch.setattr(bootstrap, "settings", issuing)
    text = attack(SECRET)
    for who in (visitor(token=text), visitor({"Authorization": f"Bearer {text}"})):
        answer = connect(who)
        assert answer["statusCode"] == 401
        assert text not in answer["body"]
    assert service.told == []


def test_issuer_s_token_opens_a_socket(
    service: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "settings", issuing)
    assert connect(visitor(token=issued(), type="sip")) == {"statusCode": 200}
    assert service.told[0].principal == Principal("default", "alice")


def test_api_key_is_told_where_to_go(service: FakeRelay) -> None:
    key = f"parley.default.key_{'0' * 16}.{'A' * 43}"
    for who in (
        visitor(token=key),
        visitor({"X-API-Key": key}),
        visitor({"Authorization": f"Bearer {key}"}),
    ):
        answer = connect(who)
        assert answer["statusCode"] == 401
        assert "POST /v1/tokens" in answer["body"]


@pytest.mark.parametrize(
    "who",
    [
        visitor(),
        visitor(token="none"),
        visitor({"Authorization": "Basic x"}),
        visitor(token=worker_token(SECRET, "w1", FAR_SECONDS)),
    ],
)
def test_stranger_is_refused(service: FakeRelay, who: Visitor) -> None:
    answer = connect(who)
    assert answer["statusCode"] == 401
    assert answer["headers"]["WWW-Authenticate"] == "Bearer"
    assert json.loads(answer["body"])["code"] == 401
    assert service.told == []


def test_open_dialect_needs_no_token(
    service: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = settings(PARLEY_OPEN_DIALECTS="activecall")
    monkeypatch.setattr(bootstrap, "settings", lambda: opened)
    assert connect(visitor(uid="carol", type="sip"))["statusCode"] == 200
    assert service.told[0].principal == Principal("default", "carol", Role.ADMIN)


@pytest.mark.parametrize(
    ("failure", "status", "after"),
    [
        (RelayRefused(409, "taken"), 409, None),
        (RelayRefused(503, "no room", 7), 503, "7"),
        (Unavailable("Throttled"), 503, "5"),
    ],
)
def test_refusal_is_the_handshake_s_answer(
    service: FakeRelay, failure: Exception, status: int, after: str | None
) -> None:
    service.failure = failure
    answer = connect(visitor(token=token(), type="sip"))
    assert answer["statusCode"] == status
    assert answer["headers"].get("Retry-After") == after
    assert json.loads(answer["body"])["code"] == status


def test_query_that_means_nothing_is_refused(service: FakeRelay) -> None:
    answer = connect(visitor(token=token(), type="smoke"))
    assert answer["statusCode"] == 400
    assert "type must be one of" in answer["body"]


def test_message_is_carried_and_not_answered(service: FakeRelay) -> None:
    event = message_event(visitor(), HAPPENING, "{}")
    assert relay.handler(event, None) == {"statusCode": 200}
    del event["body"]
    relay.handler(event, None)
    assert service.told == [("c1", "{}"), ("c1", "")]


@pytest.mark.parametrize(
    ("code", "is_clean"), [(1000, True), (1005, True), (1001, False), (1006, False)]
)
def test_end_is_told_as_clean_or_not(
    service: FakeRelay, code: int, is_clean: bool
) -> None:
    event = disconnect_event(visitor(), HAPPENING, code, "")
    assert relay.handler(event, None) == {"statusCode": 200}
    assert service.told == [("c1", is_clean)]
