"""cdk-nag's findings that are accepted, each with its reason."""

import aws_cdk as cdk
from constructs import IConstruct


def accept(construct: IConstruct, finding: str, reason: str) -> None:
    """Acknowledge one AwsSolutions finding on ``construct`` and all below it."""
    _acknowledge(construct, f"AwsSolutions-{finding}", reason)


def accept_warning(construct: IConstruct, warning: str, reason: str) -> None:
    """The same for a warning of CDK's own look at the templates."""
    _acknowledge(construct, f"CloudFormation-Validate::{warning}", reason)


def _acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    cdk.Validations.of(construct).acknowledge(
        cdk.Acknowledgment(id=finding, reason=reason)
    )
