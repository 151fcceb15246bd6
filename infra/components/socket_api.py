"""A WebSocket API: three routes and the function behind them."""

import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from constructs import Construct

from infra.components.deployment import construct_id
from infra.components.findings import accept
from infra.components.function import ParleyFunction
from infra.components.logs import log_group
from infra.parts import WebSocketApi
from infra.wiring import WEB_SOCKET_ROUTES

BURST_LIMIT = 500
RATE_LIMIT = 1000
"""Sockets and messages a second, over all clients."""

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "connectionId": "$context.connectionId",
    "ip": "$context.identity.sourceIp",
    "time": "$context.requestTimeEpoch",
    "event": "$context.eventType",
    "route": "$context.routeKey",
    "status": "$context.status",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}
"""Neither query nor body: tokens and conversations stand there."""


class SocketFront(Construct):
    """The API, its stage, and a log of whoever comes and goes."""

    def __init__(
        self, scope: Construct, wired: WebSocketApi, function: ParleyFunction
    ) -> None:
        is_namesake = wired.name == wired.function
        name = f"{wired.name}-sockets" if is_namesake else wired.name
        super().__init__(scope, construct_id(name))
        self.api = gateway.WebSocketApi(self, "Api", description=f"Parley {wired.name}")
        for route in WEB_SOCKET_ROUTES:
            self.api.add_route(
                route,
                integration=integrations.WebSocketLambdaIntegration(
                    "Integration", function.function
                ),
            )
        self.stage = gateway.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self.api,
            stage_name=wired.stage,
            auto_deploy=True,
            throttle=gateway.ThrottleSettings(
                burst_limit=BURST_LIMIT, rate_limit=RATE_LIMIT
            ),
        )
        self._log_access()
        accept(
            self.api,
            "APIG4",
            "The function checks the token of every $connect, as workers do at their "
            "own ports; messages come over sockets that were let in.",
        )

    @property
    def connections_arn(self) -> str:
        """Of the sockets of this stage."""
        return cdk.Stack.of(self).format_arn(
            service="execute-api",
            resource=self.api.api_id,
            resource_name=f"{self.stage.stage_name}/*/@connections/*",
        )

    def _log_access(self) -> None:
        # WebSocketStage takes these only as an object of an interface of two fields.
        resource = self.stage.node.default_child
        assert isinstance(resource, gateway.CfnStage)
        resource.access_log_settings = gateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group(self, "AccessLogs").log_group_arn,
            format=json.dumps(ACCESS_LOG),
        )
