"""The WebSocket APIs and their functions."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra import alarms, wiring
from infra.components.alarm import add_alarm
from infra.components.deployment import Deployment, construct_id
from infra.components.findings import accept
from infra.components.function import ParleyFunction
from infra.components.own_name import name_api
from infra.components.socket_api import SocketFront
from infra.parts import WebSocketApi
from infra.stacks.data import DataStack

EXPORTED_API = "ParleySockets:ExportsOutputRefClientsSocketsApi2599CDE9DEC61460"
"""The devices' API, in the eyes of the other stacks."""
RAISED = {
    wiring.APPLICATIONS.name: alarms.APPLICATIONS_FAILURES,
    wiring.DEVICES.name: alarms.CLIENTS_FAILURES,
}
"""By the API behind which a function fails."""


class SocketsStack(cdk.Stack):
    """Sockets that API Gateway holds; ``vpc`` is the workers' network, and ``group``
    whoever speaks to them there."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        data: DataStack,
        vpc: ec2.IVpc | None = None,
        group: ec2.ISecurityGroup | None = None,
    ) -> None:
        super().__init__(scope, "ParleySockets", description="Parley: WebSocket APIs")
        self._deployment = deployment
        self._data = data
        self._fronts: dict[str, SocketFront] = {}
        self._addresses: dict[str, tuple[str, str]] = {}
        functions = {one.name: one for one in wiring.FUNCTIONS}
        for api in wiring.WEB_SOCKETS:
            function = ParleyFunction(
                self, functions[api.function], deployment, vpc, group
            )
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
            alarm=RAISED[wired.name],
            metric=function.function.metric_errors(
                period=cdk.Duration.minutes(1), statistic="sum"
            ),
            topic=self._data.alarms,
        )
        name = construct_id(wired.name)
        self._addresses[wired.name] = self._address_of(front, wired)
        cdk.CfnOutput(self, f"{name}ApiId", value=front.api.api_id)
        cdk.CfnOutput(self, f"{name}Url", value=self.url_of(wired.name))

    def _address_of(self, front: SocketFront, wired: WebSocketApi) -> tuple[str, str]:
        """Origin and path. By the operators' own name it is at the root; whoever posts
        to sockets goes by AWS's name all the same."""
        domain = self._deployment.domain
        if domain is None:
            return str(front.api.api_endpoint), f"/{wired.stage}"
        host = name_api(front, domain, wired.name, front.api, front.stage)
        return f"wss://{host}", ""

    def origin_of(self, name: str) -> str:
        """Of the API called ``name``, for who comes to it: ``wss://`` and a host."""
        return self._addresses[name][0]

    def url_of(self, name: str) -> str:
        """Of the API called ``name``, for who comes to it."""
        return "".join(self._addresses[name])

    def connections_arn(self, name: str) -> str:
        """Of the sockets of the API called ``name``."""
        return self._fronts[name].connections_arn

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
