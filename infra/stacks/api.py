"""The HTTP API and its function."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.alarm import add_alarm
from infra.components.deployment import Deployment
from infra.components.function import ParleyFunction
from infra.components.http_api import HttpFront
from infra.stacks.data import DataStack
from infra.stacks.events import EventsStack
from infra.stacks.sockets import SocketsStack
from infra.wiring import HTTP_DEFAULT


class ApiStack(cdk.Stack):
    """Every request of every dialect goes through one route to one function."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        data: DataStack,
        sockets: SocketsStack,
        events: EventsStack,
    ) -> None:
        super().__init__(scope, "ParleyApi", description="Parley: HTTP API")
        function = ParleyFunction(self, HTTP_DEFAULT, deployment)
        function.use_table(data.table)
        function.use_secret(data.secret)
        function.use_key(data.key)
        sockets.let_post(function)
        events.let_start(function)
        front = HttpFront(self, "Http", function)
        add_alarm(
            self,
            "HttpServerErrors",
            metric=front.api.metric_server_error(
                period=cdk.Duration.minutes(1), statistic="sum"
            ),
            threshold=5,
            minutes=2,
            runbook="read the api function's ERROR lines of these minutes; a deploy "
            "just before it means: roll back first.",
            topic=data.alarms,
        )
        cdk.CfnOutput(self, "HttpApiId", value=front.api.api_id)
        cdk.CfnOutput(self, "HttpUrl", value=front.api.api_endpoint)
