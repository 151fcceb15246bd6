"""The HTTP API and its function."""

import aws_cdk as cdk
from constructs import Construct

from infra import alarms
from infra.components.alarm import add_alarm
from infra.components.deployment import Deployment
from infra.components.function import ParleyFunction
from infra.components.http_api import HttpFront
from infra.components.own_name import name_api
from infra.stacks.data import DataStack
from infra.stacks.events import EventsStack
from infra.stacks.sockets import SocketsStack
from infra.wiring import HTTP_DEFAULT

LABEL = "api"
"""Of its name, where there is a domain."""


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
        self.function = function
        front = HttpFront(self, "Http", function)
        self.api = front.api
        self.url = str(front.api.api_endpoint)
        """By AWS's name, whatever other names there are."""
        self.public_url = self.url
        """By the operators' name where they have one."""
        if deployment.domain:
            host = name_api(front, deployment.domain, LABEL, front.api, front.stage)
            self.public_url = f"https://{host}"
        add_alarm(
            self,
            "HttpServerErrors",
            alarm=alarms.HTTP_SERVER_ERRORS,
            metric=front.api.metric_server_error(
                period=cdk.Duration.minutes(1), statistic="sum"
            ),
            topic=data.alarms,
        )
        cdk.CfnOutput(self, "HttpApiId", value=front.api.api_id)
        cdk.CfnOutput(self, "HttpUrl", value=self.public_url)
