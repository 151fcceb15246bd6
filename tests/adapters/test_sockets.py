"""Sockets of API Gateway, closed from the functions' side."""

import logging
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from chalicelib.adapters.sockets import GatewaySockets
from chalicelib.services.devices.devices import (
    SocketError,
    SocketGone,
    SocketRefused,
    SocketUnreachable,
)


@pytest.fixture
def client() -> Any:
    return botocore.session.get_session().create_client(
        "apigatewaymanagementapi",
        region_name="eu-central-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def test_socket_is_closed(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response("delete_connection", {}, {"ConnectionId": "c"})
        GatewaySockets(lambda: client).close("c")
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "is_told"), [("GoneException", False), ("ForbiddenException", True)]
)
def test_socket_that_is_gone_is_closed_already(
    client: Any, caplog: pytest.LogCaptureFixture, code: str, is_told: bool
) -> None:
    with Stubber(client) as stub, caplog.at_level(logging.WARNING):
        stub.add_client_error("delete_connection", code)
        GatewaySockets(lambda: client).close("c")
    assert bool(caplog.records) is is_told


def test_gateway_that_is_away_is_no_failure() -> None:
    class Away:
        def delete_connection(self, **named: str) -> None:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    GatewaySockets(Away).close("c")


def test_text_is_posted(client: Any) -> None:
    with Stubber(client) as stub:
        told = {"ConnectionId": "c", "Data": b'{"a":1}'}
        stub.add_response("post_to_connection", {}, told)
        GatewaySockets(lambda: client).post("c", '{"a":1}')
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("GoneException", SocketGone),
        ("PayloadTooLargeException", SocketRefused),
        ("ForbiddenException", SocketRefused),
        ("LimitExceededException", SocketUnreachable),
    ],
)
def test_post_that_is_not_taken_says_why(
    client: Any, code: str, kind: type[SocketError]
) -> None:
    with Stubber(client) as stub, pytest.raises(kind):
        stub.add_client_error("post_to_connection", code)
        GatewaySockets(lambda: client).post("c", "{}")


def test_post_to_a_gateway_that_is_away_is_unreachable() -> None:
    class Away:
        def post_to_connection(self, **named: Any) -> None:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    with pytest.raises(SocketUnreachable):
        GatewaySockets(Away).post("c", "{}")
