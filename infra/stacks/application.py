"""All stacks of one deployment."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.components.deployment import Deployment
from infra.stacks.api import ApiStack
from infra.stacks.console import ConsoleStack
from infra.stacks.data import DataStack
from infra.stacks.events import EventsStack
from infra.stacks.media import MediaStack
from infra.stacks.network import NetworkStack
from infra.stacks.operations import OperationsStack
from infra.stacks.sockets import SocketsStack
from infra.stacks.storage import StorageStack


def compose(app: cdk.App, deployment: Deployment) -> None:
    """Add Parley's stacks to ``app``; cdk-nag's findings are errors at synthesis."""
    data = DataStack(app, deployment)
    if deployment.is_emulated:
        _add_calls(app, deployment, data)
    else:
        _add_media(app, deployment, data)
    cdk.Tags.of(app).add("project", "parley")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def _add_calls(
    app: cdk.App,
    deployment: Deployment,
    data: DataStack,
    network: NetworkStack | None = None,
) -> tuple[SocketsStack, EventsStack, ApiStack]:
    """The control plane; an emulated cloud has nothing else."""
    vpc, group = (network.vpc, network.relay) if network else (None, None)
    sockets = SocketsStack(app, deployment, data, vpc, group)
    events = EventsStack(app, deployment, data, sockets, network)
    return sockets, events, ApiStack(app, deployment, data, sockets, events)


def _add_media(app: cdk.App, deployment: Deployment, data: DataStack) -> None:
    """The workers, the control plane between their network and them, and what shows
    and watches it all."""
    storage = StorageStack(app, deployment)
    network = NetworkStack(app, deployment, storage)
    sockets, events, api = _add_calls(app, deployment, data, network)
    media = MediaStack(
        app,
        deployment,
        data=data,
        storage=storage,
        network=network,
        sockets=sockets,
        api=api,
    )
    ConsoleStack(app, deployment, api, sockets, media.audio.origin)
    OperationsStack(app, data=data, events=events, api=api, media=media)
