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

EXPORTED_API = "ParleySockets:ExportsOutputRefClientsSocketsApi2599CDE9DEC61460"
"""The devices' API, in the eyes of the other stacks."""
RUNBOOKS = {
    wiring.APPLICATIONS.name: (
        "applications are not let in, or are not heard; read the ERROR lines of these "
        "minutes, and look whether the workers can be reached."
    ),
    wiring.DEVICES.name: (
        "devices are not let in, or not answered; they try again by themselves, and "
        "ring by push meanwhile. Read the ERROR lines of these minutes."
    ),
}


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
        self._fronts: dict[str, SocketFront] = {}
        functions = {one.name: one for one in wiring.FUNCTIONS}
        for api in wiring.WEB_SOCKETS:
            function = ParleyFunction(self, functions[api.function], deployment, vpc)
            function.use_table(data.table)
            function.use_secret(data.secret)
            function.use_key(data.key)
            self._add(api, function)

    def _add(self, wired: WebSocketApi, function: ParleyFunction) -> None:
        front = self._fronts[wired.name] = SocketFront(self, wired, function)
        self.let_post(function)
        # The emulated cloud has an address of its own, known when it runs.
        function.use_connections(self._url_of(front), front.connections_arn)
        self._accept(function, wired, f"<{self.get_logical_id_of(front)}>")
        add_alarm(
            function,
            "Failures",
            metric=function.function.metric_errors(
                period=cdk.Duration.minutes(1), statistic="sum"
            ),
            threshold=5,
            minutes=2,
            runbook=RUNBOOKS[wired.name],
            topic=self._data.alarms,
        )
        name = construct_id(wired.name)
        cdk.CfnOutput(self, f"{name}ApiId", value=front.api.api_id)
        cdk.CfnOutput(self, f"{name}Url", value=front.stage.url)

    def let_post(self, function: ParleyFunction) -> None:
        """Permit a function, of any stack, to reach the sockets that it posts to."""
        for wired in wiring.WEB_SOCKETS:
            front = self._fronts.get(wired.name)
            if front is not None:
                url, arn = self._url_of(front), front.connections_arn
                if function.use_sockets(wired.name, url, arn):
                    self._accept(function, wired, EXPORTED_API)

    def _accept(self, function: ParleyFunction, wired: WebSocketApi, api: str) -> None:
        """``api`` as cdk-nag shows the id of one."""
        accept(
            function,
            f"IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:"
            f"<AWS::AccountId>:{api}/{wired.stage}/*/@connections/*]",
            "API Gateway names the sockets when they come.",
        )

    def _url_of(self, front: SocketFront) -> str | None:
        """None where the cloud is emulated: it has an address of its own."""
        return None if self._deployment.is_emulated else front.stage.callback_url

    def get_logical_id_of(self, front: SocketFront) -> str:
        """As the template names the API."""
        resource = front.api.node.default_child
        assert isinstance(resource, cdk.CfnElement)
        return str(self.resolve(resource.logical_id))
