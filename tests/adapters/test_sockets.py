"""Sockets of API Gateway, closed from the functions' side."""

import logging
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from chalicelib.adapters.sockets import GatewaySockets


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
