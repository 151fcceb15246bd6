"""The HTTP API: one ``$default`` route and the function behind it."""

import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from constructs import Construct

from infra.components.findings import accept
from infra.components.function import ParleyFunction
from infra.components.logs import log_group
from infra.parts import Cors
from infra.wiring import CORS

BURST_LIMIT = 500
RATE_LIMIT = 1000
"""Requests a second that may reach the function, over all clients."""

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "ms": "$context.responseLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}
"""No query string: tokens and tickets may stand there."""


class HttpFront(Construct):
    """The API, its stage, and a log of every request."""

    def __init__(
        self, scope: Construct, construct_id: str, function: ParleyFunction
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = gateway.HttpApi(
            self,
            "Api",
            create_default_stage=False,
            cors_preflight=_preflight(CORS),
            default_integration=integrations.HttpLambdaIntegration(
                "Integration",
                function.function,
                payload_format_version=gateway.PayloadFormatVersion.VERSION_2_0,
            ),
        )
        self.stage = gateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=gateway.ThrottleSettings(
                burst_limit=BURST_LIMIT, rate_limit=RATE_LIMIT
            ),
        )
        self._log_access()
        accept(
            self.api,
            "APIG4",
            "The function checks every token: each dialect answers a refusal in a "
            "shape of its own, which a gateway authorizer cannot give.",
        )

    def _log_access(self) -> None:
        # HttpStage takes these only as an object of an interface of two fields.
        resource = self.stage.node.default_child
        assert isinstance(resource, gateway.CfnStage)
        resource.access_log_settings = gateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group(self, "AccessLogs").log_group_arn,
            format=json.dumps(ACCESS_LOG),
        )


def _preflight(cors: Cors) -> gateway.CorsPreflightOptions:
    methods = ("ANY" if method == "*" else method for method in cors.allow_methods)
    return gateway.CorsPreflightOptions(
        allow_origins=list(cors.allow_origins),
        allow_methods=[gateway.CorsHttpMethod[method] for method in methods],
        allow_headers=list(cors.allow_headers),
        max_age=cdk.Duration.seconds(cors.max_age_seconds),
    )
