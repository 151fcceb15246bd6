"""The WebSocket APIs and their functions."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra import wiring
from infra.components.alarm import add_alarm
from infra.components.deployment import Deployment, construct_id
from infra.components.findings import accept
from infra.components.function import ParleyFunction
from infra.components.socket_api import SocketFront
from infra.parts import WebSocketApi
from infra.stacks.data import DataStack


class SocketsStack(cdk.Stack):
    """Sockets that API Gateway holds; ``vpc`` is the workers' network."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        data: DataStack,
        vpc: ec2.IVpc | None = None,
    ) -> None:
        super().__init__(scope, "ParleySockets", description="Parley: WebSocket APIs")
        self._deployment = deployment
        self._data = data
        functions = {one.name: one for one in wiring.FUNCTIONS}
        for api in wiring.WEB_SOCKETS:
            function = ParleyFunction(self, functions[api.function], deployment, vpc)
            function.use_table(data.table)
            function.use_secret(data.secret)
            self._add(api, function)

    def _add(self, wired: WebSocketApi, function: ParleyFunction) -> None:
        front = SocketFront(self, wired, function)
        # The emulated cloud has an address of its own, known when it runs.
        is_emulated = self._deployment.is_emulated
        url = None if is_emulated else front.stage.callback_url
        function.use_connections(url, front.connections_arn)
        accept(
            function,
            f"IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:"
            f"<AWS::AccountId>:<{self.get_logical_id_of(front)}>"
            f"/{wired.stage}/*/@connections/*]",
            "API Gateway names the sockets when they come.",
        )
        add_alarm(
            function,
            "Failures",
            metric=function.function.metric_errors(
                period=cdk.Duration.minutes(1), statistic="sum"
            ),
            threshold=5,
            minutes=2,
            runbook="applications are not let in, or are not heard; read the ERROR "
            "lines of these minutes, and look whether the workers can be reached.",
            topic=self._data.alarms,
        )
        name = construct_id(wired.name)
        cdk.CfnOutput(self, f"{name}ApiId", value=front.api.api_id)
        cdk.CfnOutput(self, f"{name}Url", value=front.stage.url)

    def get_logical_id_of(self, front: SocketFront) -> str:
        """As the template names the API."""
        resource = front.api.node.default_child
        assert isinstance(resource, cdk.CfnElement)
        return str(self.resolve(resource.logical_id))
