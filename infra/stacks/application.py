"""All stacks of one deployment."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.components.deployment import Deployment
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.events import EventsStack
from infra.stacks.sockets import SocketsStack


def compose(app: cdk.App, deployment: Deployment) -> None:
    """Add Parley's stacks to ``app``; cdk-nag's findings are errors at synthesis."""
    data = DataStack(app, deployment)
    sockets = SocketsStack(app, deployment, data)
    events = EventsStack(app, deployment, data, sockets)
    ApiStack(app, deployment, data, sockets, events)
    cdk.Tags.of(app).add("project", "parley")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
