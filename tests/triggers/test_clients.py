"""Events of the devices' WebSockets, in and out."""

import json
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest

from chalicelib import bootstrap
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.tokens import worker_token
from chalicelib.services.devices.devices import Device
from chalicelib.services.devices.tickets import BadTicket
from chalicelib.services.retries import Unavailable
from chalicelib.settings import Settings, parse
from chalicelib.triggers import clients
from infra.laptop.socket_events import (
    Happening,
    Visitor,
    connect_event,
    disconnect_event,
    message_event,
)

SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"
FAR_SECONDS = 4_000_000_000
AT_MS = 1_790_000_000_000
HAPPENING = Happening("r", AT_MS)


def token(uid: str = "alice") -> str:
    claims = Principal("default", uid).render()
    return jwt.encode({**claims, "exp": FAR_SECONDS}, SECRET)


def settings() -> Settings:
    return parse(
        {
            "PARLEY_ENV": "development",
            "PARLEY_JWT_SECRET": SECRET,
            "PARLEY_OPEN_DIALECTS": "tgortc,v1",
        }
    )


def visitor(headers: dict[str, str] | None = None, **query: str) -> Visitor:
    given = {"Host": "h", **(headers or {})}
    return Visitor(
        "c1=", "live", "h", "192.0.2.1", tuple(given.items()), tuple(query.items()), 1
    )


@dataclass
class Fake:
    """Devices, tickets and what is said, at once."""

    failure: Exception | None = None
    told: list[Any] = field(default_factory=list)

    def connect(self, device: Device) -> None:
        if self.failure is not None:
            raise self.failure
        self.told.append(device)

    def drop(self, connection_id: str) -> None:
        self.told.append(("drop", connection_id))

    def hear(self, connection_id: str, text: str) -> None:
        self.told.append((connection_id, text))

    def spend(self, ticket: str) -> Principal:
        if ticket != "good":
            raise BadTicket("the ticket is not valid any more")
        return Principal("shop", "carol")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()
    for name in ("client_devices", "clients", "tickets"):
        monkeypatch.setattr(bootstrap, name, lambda: fake)
    monkeypatch.setattr(bootstrap, "settings", settings)
    return fake


def connect(who: Visitor) -> dict[str, Any]:
    return clients.handler(connect_event(who, HAPPENING), None)


def test_device_comes_with_all_that_its_address_says(fake: Fake) -> None:
    who = visitor(token=token(), device="phone", device_type="app", since="7")
    assert connect(who) == {"statusCode": 200}
    assert fake.told == [
        Device("default", "alice", "phone", "app", "c1=", AT_MS, AT_MS, since_ms=7)
    ]


def test_device_without_a_name_is_called_by_its_connection(fake: Fake) -> None:
    connect(visitor({"Authorization": f"Bearer {token('bob')}"}))
    (device,) = fake.told
    assert (device.uid, device.device, device.device_type) == ("bob", "c1=", "")


def test_ticket_opens_for_whom_it_was_made(fake: Fake) -> None:
    assert connect(visitor(ticket="good", device="web")) == {"statusCode": 200}
    assert (fake.told[0].tenant, fake.told[0].uid) == ("shop", "carol")


@pytest.mark.parametrize(
    "who",
    [
        visitor(device="phone"),
        visitor(device="phone", uid="alice"),
        visitor(token="none"),
        visitor(ticket="spent"),
        visitor(ticket="spent", token=token()),
        visitor(token=worker_token(SECRET, "w1", FAR_SECONDS)),
        visitor({"X-API-Key": "parley.key_1.secret"}),
        visitor(token="parley.key_1.secret"),
    ],
)
def test_stranger_is_refused_however_open_the_dialects_are(
    fake: Fake, who: Visitor
) -> None:
    answer = connect(who)
    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["code"] == "unauthenticated"
    assert fake.told == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"device": "x" * 65}, "device"),
        ({"device": "a b"}, "device"),
        ({"device_type": "x" * 300}, "device_type"),
        ({"device_type": "a\nb"}, "device_type"),
        ({"since": "yesterday"}, "since"),
        ({"since": "-1"}, "since"),
        ({"since": "9" * 17}, "since"),
        ({"since": "9" * 16}, "since"),
    ],
)
def test_address_that_means_nothing_is_refused(
    fake: Fake, query: dict[str, str], name: str
) -> None:
    answer = connect(visitor(None, token=token(), **query))
    assert answer["statusCode"] == 400
    told = json.loads(answer["body"])
    assert told["code"] == "invalid_request"
    assert told["message"].startswith(name)
    assert fake.told == []


def test_storage_that_is_away_says_to_come_back(fake: Fake) -> None:
    fake.failure = Unavailable("Throttled")
    answer = connect(visitor(token=token()))
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "5")


def test_messages_and_ends_are_heard(fake: Fake) -> None:
    event = message_event(visitor(), HAPPENING, "{}")
    assert clients.handler(event, None) == {"statusCode": 200}
    del event["body"]
    clients.handler(event, None)
    clients.handler(disconnect_event(visitor(), HAPPENING, 1001, ""), None)
    assert fake.told == [("c1=", "{}"), ("c1=", ""), ("drop", "c1=")]
