"""The WebSocket APIs that are deployed are those of the wiring."""

import json

import pytest

from infra import wiring
from infra.components.function import PLACE_ACTIONS
from infra.parts import Function, WebSocketApi
from infra.wiring import Variable
from tests.infra.synthesis import Synthesis

STACK = "ParleySockets"
APIS = pytest.mark.parametrize(
    "wired", wiring.WEB_SOCKETS, ids=lambda api: str(api.name)
)


def test_every_wired_api_is_there_and_no_other(aws: Synthesis) -> None:
    apis = aws.of_type("AWS::ApiGatewayV2::Api", STACK).values()
    assert len(apis) == len(wiring.WEB_SOCKETS)
    assert {api["ProtocolType"] for api in apis} == {"WEBSOCKET"}


def api_of(aws: Synthesis, wired: WebSocketApi) -> str:
    """Its name in the template."""
    apis = aws.of_type("AWS::ApiGatewayV2::Api", STACK).items()
    (name,) = (
        name for name, api in apis if api["Description"] == f"Parley {wired.name}"
    )
    return name


@APIS
def test_api_has_its_routes_to_its_function(
    aws: Synthesis, wired: WebSocketApi
) -> None:
    (function,) = (one for one in wiring.FUNCTIONS if one.name == wired.function)
    routes = {
        name: route
        for name, route in aws.of_type("AWS::ApiGatewayV2::Route", STACK).items()
        if route["ApiId"] == {"Ref": api_of(aws, wired)}
    }
    keys = [route["RouteKey"] for route in routes.values()]
    assert sorted(keys) == sorted(wiring.WEB_SOCKET_ROUTES)
    integrations = aws.of_type("AWS::ApiGatewayV2::Integration", STACK)
    for route in routes.values():
        # A route response would send the function's answer to the client.
        assert "RouteResponseSelectionExpression" not in route
        reference = json.dumps(route["Target"])
        (found,) = (one for name, one in integrations.items() if name in reference)
        assert found["IntegrationType"] == "AWS_PROXY"
        functions = aws.of_type("AWS::Lambda::Function", STACK)
        (handler,) = (
            one["Handler"]
            for name, one in functions.items()
            if name in json.dumps(found["IntegrationUri"])
        )
        assert handler == function.handler


def test_stage_throttles_and_logs_neither_query_nor_body(aws: Synthesis) -> None:
    for stage in aws.of_type("AWS::ApiGatewayV2::Stage", STACK).values():
        assert stage["StageName"] in {api.stage for api in wiring.WEB_SOCKETS}
        assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] > 0
        assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
        logged = json.loads(stage["AccessLogSettings"]["Format"])
        assert not any(
            word in value.lower()
            for value in logged.values()
            for word in ("query", "body", "input")
        )


POSTERS = [
    pytest.param(function, name, id=f"{function.name}-{name}")
    for function in wiring.FUNCTIONS
    for name in (
        *(api.name for api in wiring.WEB_SOCKETS if function.manages_connections),
        *function.posts_to,
    )
    if function.posts_to or name == wiring.APPLICATIONS.name
]


@pytest.mark.parametrize(("function", "name"), POSTERS)
def test_function_may_reach_the_sockets_that_the_wiring_says_alone(
    aws: Synthesis, function: Function, name: str
) -> None:
    (wired,) = (api for api in wiring.WEB_SOCKETS if api.name == name)
    resource = aws.function(function.handler)
    (statement,) = (
        one
        for one in aws.statements(resource)
        if one["Action"] == "execute-api:ManageConnections"
    )
    shown = json.dumps(statement["Resource"])
    assert f"/{wired.stage}/*/@connections/*" in shown
    assert api_of(aws, wired) in shown
    is_devices = name == wiring.DEVICES.name
    variable = Variable.CLIENTS_URL if is_devices else Variable.CONNECTIONS_URL
    url = resource["Environment"]["Variables"][variable]
    parts = [part for part in url["Fn::Join"][1] if isinstance(part, str)]
    assert parts[0] == "https://"
    assert parts[-1].endswith(f"/{wired.stage}")


def test_nobody_else_may_reach_sockets(aws: Synthesis) -> None:
    posters = {one.handler for one in wiring.FUNCTIONS if one.posts_to}
    posters.add(wiring.RELAY.handler)
    for resource in aws.of_type("AWS::Lambda::Function").values():
        actions = [one["Action"] for one in aws.statements(resource)]
        is_poster = "execute-api:ManageConnections" in actions
        assert is_poster is (resource["Handler"] in posters)


def test_emulated_cloud_tells_the_address_itself(ministack: Synthesis) -> None:
    for function in ministack.of_type("AWS::Lambda::Function", STACK).values():
        variables = function["Environment"]["Variables"]
        assert not {Variable.CONNECTIONS_URL, Variable.CLIENTS_URL} & set(variables)


def test_function_sits_in_the_workers_network_where_there_is_one(
    aws: Synthesis, ministack: Synthesis
) -> None:
    for function in ministack.of_type("AWS::Lambda::Function").values():
        assert "VpcConfig" not in function
    seated = {
        one["Handler"]
        for one in aws.of_type("AWS::Lambda::Function").values()
        if "VpcConfig" in one
    }
    assert seated == {wiring.RELAY.handler}
    assert {one.name for one in wiring.FUNCTIONS if one.sits_in_vpc} == {"relay"}


def test_lambda_places_the_relay_and_its_code_cannot(aws: Synthesis) -> None:
    placing = [
        one
        for one in aws.statements(aws.function(wiring.RELAY.handler))
        if one["Resource"] == "*"
    ]
    allowed, denied = placing
    assert allowed["Effect"] == "Allow" and denied["Effect"] == "Deny"
    assert allowed["Action"] == denied["Action"] == list(PLACE_ACTIONS)
    # Only what runs in a function asks with this key.
    assert denied["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}
