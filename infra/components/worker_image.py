"""The image of workers and SIP edges."""

from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from infra.components.deployment import Deployment
from infra.components.fleet_options import ARM64, X86_64

DOCKERFILE = "media-worker/Dockerfile"
PLATFORMS = {
    ARM64: assets.Platform.LINUX_ARM64,
    X86_64: assets.Platform.LINUX_AMD64,
}
ARCHITECTURES = {
    ARM64: ecs.CpuArchitecture.ARM64,
    X86_64: ecs.CpuArchitecture.X86_64,
}


def worker_image(scope: Construct, deployment: Deployment) -> assets.DockerImageAsset:
    """Fingerprinted here, and built by whoever deploys; what is in it is
    ``.dockerignore``'s to say."""
    return assets.DockerImageAsset(
        scope,
        "Image",
        directory=str(deployment.image_context),
        file=DOCKERFILE,
        platform=PLATFORMS[deployment.fleet.architecture],
    )
