"""The media workers, the SIP edge, and the balancers before them."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from infra import wiring
from infra.components import container
from infra.components.audio_door import AudioDoor
from infra.components.bucket import RECORDINGS
from infra.components.container import ContainerService
from infra.components.deployment import Deployment
from infra.components.distribution import LABEL as CONSOLE
from infra.components.domain import Domain
from infra.components.findings import accept
from infra.components.function import EXPORTED_CLUSTER
from infra.components.media_names import name_media
from infra.components.phone_door import PhoneDoor
from infra.components.scaling import scale
from infra.components.worker_image import worker_image
from infra.parts import Container
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.network import NetworkStack
from infra.stacks.sockets import SocketsStack
from infra.stacks.storage import StorageStack

_OURS = "<AWS::Region>:<AWS::AccountId>"
_APPLICATIONS = "ParleySockets:ExportsOutputRefApplicationsApiE0437426FB72C8EC"
_RECORDINGS = "ParleyStorage:ExportsOutputFnGetAttRecordingsA3BDCC51Arn3BFBEDAD"
ACCEPTED = {
    "*": (
        "ECR's token, Transcribe's streams and Polly's voices are of no resource that "
        "could be named."
    ),
    f"arn:<AWS::Partition>:ecs:{_OURS}:task/{EXPORTED_CLUSTER}/*": (
        "ECS names the tasks of the one cluster when it starts them."
    ),
    f"arn:<AWS::Partition>:execute-api:{_OURS}:{_APPLICATIONS}"
    f"/{wiring.APPLICATIONS.stage}/*/@connections/*": (
        "API Gateway names the sockets when they come."
    ),
    f"{_RECORDINGS}/{RECORDINGS}/*": "A recording has its name from its call.",
}
"""What workers may do with resources of any name."""


def pages_of(domain: Domain | None) -> dict[str, str]:
    """The console's origin, where it is another than the workers'."""
    if domain is None:
        return {}
    return {"PARLEY_CORS_ORIGINS": f"https://{domain.host(CONSOLE)}"}


class MediaStack(cdk.Stack):
    """What carries the media; in no emulated cloud.

    For who shows or watches it: `workers` and `edges` each have their ``service``,
    `audio` and `phones` each their ``balancer`` and ``targets``; ``audio.origin`` is
    how CloudFront reaches the workers.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        data: DataStack,
        storage: StorageStack,
        network: NetworkStack,
        sockets: SocketsStack,
        api: ApiStack,
    ) -> None:
        super().__init__(scope, "ParleyMedia", description="Parley: media workers")
        self._deployment = deployment
        self._data = data
        self._storage = storage
        self._network = network
        self._control_url = api.url
        image = worker_image(self, deployment)
        self.audio = AudioDoor(
            self,
            network.vpc,
            network.group(self, wiring.BALANCER),
            storage.logs,
            deployment,
        )
        self.phones = PhoneDoor(
            self, network.vpc, network.group(self, wiring.SIP_BALANCER)
        )
        self.workers = self._add_workers(image, sockets)
        self.edges = self._add_edges(image)
        if deployment.domain:
            name_media(self, deployment.domain, self.audio, self.phones)
        self._add_outputs()

    @property
    def cluster(self) -> ecs.Cluster:
        return self._network.cluster

    def _add_workers(
        self, image: assets.DockerImageAsset, sockets: SocketsStack
    ) -> ContainerService:
        workers = self._add(wiring.WORKER, image)
        self._permit(workers, sockets)
        service = workers.start(self.cluster, self._group(wiring.WORKER))
        self.audio.targets.add_target(
            service.load_balancer_target(
                container_name=wiring.WORKER.name,
                container_port=wiring.WORKER.http_port,
            )
        )
        scale(service, self._deployment.fleet)
        return workers

    def _add_edges(self, image: assets.DockerImageAsset) -> ContainerService:
        edges = self._add(wiring.EDGE, image)
        service = edges.start(self.cluster, self._group(wiring.EDGE), wiring.EDGE.least)
        self.phones.targets.add_target(
            service.load_balancer_target(
                container_name=wiring.EDGE.name,
                container_port=wiring.SIP_PORT,
                protocol=ecs.Protocol.UDP,
            )
        )
        return edges

    def _add(
        self, wired: Container, image: assets.DockerImageAsset
    ) -> ContainerService:
        is_worker = wired is wiring.WORKER
        return ContainerService(
            self,
            wired,
            self._deployment,
            image,
            variables={
                "PARLEY_CONTROL_URL": self._control_url,
                **(self._variables_of_workers() if is_worker else {}),
                **self._deployment.fleet.variables,
            },
            secret=self._data.secret,
            more_secrets=self._deployment.fleet.secrets if is_worker else (),
        )

    def _variables_of_workers(self) -> dict[str, str]:
        """Without a certificate of one's own CloudFront is before the workers, whose
        name is known after them: operators name it as they name other variables."""
        origin = self.audio.origin
        outside = {"PARLEY_WS_URL": f"wss://{origin.host}"} if origin.is_tls else {}
        recordings = {"PARLEY_RECORDINGS": self._storage.recordings.url}
        return {**outside, **recordings, **pages_of(self._deployment.domain)}

    def _group(self, wired: Container) -> ec2.ISecurityGroup:
        return self._network.group(self, wired.name)

    def _permit(self, service: ContainerService, sockets: SocketsStack) -> None:
        wired = service.wired
        for name in wired.posts_to:
            arn = sockets.connections_arn(name)
            service.permit(["execute-api:ManageConnections"], [arn])
        if wired.protects_itself:
            service.permit(container.PROTECT_ACTIONS, [self._network.tasks_arn])
        if wired.hears_and_speaks:
            service.permit(container.SPEECH_ACTIONS, ["*"])
        if wired.records:
            bucket = self._storage.recordings
            objects = bucket.arn_for_objects(f"{RECORDINGS}/*")
            service.permit(container.RECORD_ACTIONS, [objects])
            service.permit(container.SEAL_ACTIONS, [bucket.key.key_arn])

        for finding, reason in ACCEPTED.items():
            accept(service, f"IAM5[Resource::{finding}]", reason)

    def _add_outputs(self) -> None:
        cdk.CfnOutput(self, "AudioHost", value=self.audio.origin.host)
        for number, address in enumerate(self.phones.addresses, start=1):
            cdk.CfnOutput(self, f"SipAddress{number}", value=address.ref)
