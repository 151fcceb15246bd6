"""What describes Parley to programs, and what opens a device's socket."""

from typing import Any

from chalicelib.protocol.session import schema
from tests.dialects.conftest import Api


def test_asyncapi_is_public_and_of_the_protocol(api: Api) -> None:
    answer = api.get("/asyncapi.json", None)
    assert answer.status == 200
    assert answer.json["asyncapi"] == "3.0.0"
    assert "event.call.ringing" in answer.json["components"]["messages"]
    assert api.post("/asyncapi.json", {}).status == 405


def test_schema_of_the_session_protocol_is_public(api: Api) -> None:
    answer = api.get("/protocol.schema.json", None)
    assert answer.status == 200
    assert answer.json == schema.document()
    assert api.post("/protocol.schema.json", {}).status == 405


def test_ticket_is_given_to_any_user_and_is_never_the_same(api: Api) -> None:
    bodies: tuple[Any, ...] = ({}, None)
    given = [api.post("/v1/tickets", body) for body in bodies]
    assert [one.status for one in given] == [201, 201]
    assert {one.json["expires_in"] for one in given} == {60}
    assert len({one.json["ticket"] for one in given}) == 2


def test_ticket_is_given_to_nobody_unknown(api: Api) -> None:
    assert api.post("/v1/tickets", {}, None).status == 401
    refused = api.post("/v1/tickets", {"uid": "bob"})
    assert (refused.status, refused.json["code"]) == (400, "invalid_request")


def test_ticket_is_the_same_for_the_same_key(api: Api) -> None:
    headers = {"idempotency-key": "k"}
    first, second = (api.post("/v1/tickets", {}, headers=headers) for _ in range(2))
    assert first.json["ticket"] == second.json["ticket"]
