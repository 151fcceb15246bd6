"""The console: static pages that know where everything else is."""

import aws_cdk as cdk
from constructs import Construct

from infra import wiring
from infra.components.audio_door import Origin
from infra.components.deployment import Deployment
from infra.components.distribution import ConsoleDistribution, PagesBucket, put_pages
from infra.components.findings import accept
from infra.stacks.api import ApiStack
from infra.stacks.sockets import SocketsStack

ACCEPTED_OF_THE_FILLER = {
    "L1": "CDK's own function fills the bucket on the runtime that CDK has tried.",
}


class ConsoleStack(cdk.Stack):
    """In no emulated cloud: the laptop serves the same pages itself."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        api: ApiStack,
        sockets: SocketsStack,
        workers: Origin,
    ) -> None:
        super().__init__(scope, "ParleyConsole", description="Parley: console")
        connect = [
            api.public_url,
            sockets.origin_of(wiring.DEVICES.name),
            sockets.origin_of(wiring.APPLICATIONS.name),
        ]
        config = {
            "apiUrl": api.public_url,
            "clientsUrl": sockets.url_of(wiring.DEVICES.name),
        }
        if workers.is_tls:
            connect += [f"https://{workers.host}", f"wss://{workers.host}"]
            config["sessionsUrl"] = f"wss://{workers.host}"
        bucket = PagesBucket(self, "Bucket")
        front = ConsoleDistribution(
            self,
            "Console",
            bucket,
            deployment.console,
            deployment.domain,
            connect=connect,
            workers=workers,
        )
        put_pages(self, bucket, config)
        for finding, reason in ACCEPTED_OF_THE_FILLER.items():
            accept(self, finding, reason)
        self.url = f"https://{front.host}"
        cdk.CfnOutput(self, "ConsoleUrl", value=self.url)
