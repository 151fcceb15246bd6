"""Where a deployment goes, and what differs there."""

import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lam

from chalicelib import push_settings
from infra.components.console_options import ConsoleOptions
from infra.components.domain import Domain, InvalidDeployment
from infra.components.fleet_options import FleetOptions
from infra.wiring import ROOT

STREAM_ARN = re.compile(
    r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/[\w.-]{3,255}/stream/[\d:T.-]+\Z"
)


class Target(StrEnum):
    """The value of ``-c target=``."""

    AWS = "aws"
    MINISTACK = "ministack"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One target, and the bundle built for it."""

    target: Target
    bundle: Path
    push_sns_apps: str = ""
    """The value of ``-c push_sns_apps=``: that of ``PARLEY_PUSH_SNS_APPS``."""
    domain: Domain | None = None
    """None for the names that AWS gives."""
    console: ConsoleOptions = ConsoleOptions()
    fleet: FleetOptions = FleetOptions()
    table_stream_arn: str = ""
    """The stream of a table that was restored, to be used in place of the stack's own;
    empty for the own."""
    image_context: Path = ROOT
    """The folder whose ``media-worker/Dockerfile`` makes the workers' image."""

    def __post_init__(self) -> None:
        if self.table_stream_arn and not STREAM_ARN.match(self.table_stream_arn):
            raise InvalidDeployment("table_stream_arn is the ARN of a table's stream.")

    @property
    def push_apps(self) -> list[str]:
        """The ARNs in it; raises `InvalidPushSettings`."""
        apps = push_settings.sns_apps({push_settings.SNS_APPS: self.push_sns_apps})
        return sorted(set(apps.values()))

    @property
    def is_emulated(self) -> bool:
        """Whether everything may vanish with the process that holds it."""
        return self.target is Target.MINISTACK

    @property
    def environment(self) -> str:
        """The value of ``PARLEY_ENV``; development lets URLs name the loopback."""
        return "development" if self.is_emulated else "production"

    @property
    def code(self) -> lam.Code:
        """The bundle as an asset, the same one for every function."""
        return lam.Code.from_asset(str(self.bundle))

    @property
    def runtime(self) -> lam.Runtime:
        """Lambda's Python; MiniStack runs functions on the interpreter it has."""
        if not self.is_emulated:
            return lam.Runtime.PYTHON_3_13
        major, minor = sys.version_info[:2]
        return lam.Runtime(f"python{major}.{minor}", lam.RuntimeFamily.PYTHON)

    @property
    def architecture(self) -> lam.Architecture:
        """What the compiled modules in the bundle were built for."""
        if self.is_emulated:
            return lam.Architecture.X86_64
        return lam.Architecture.ARM_64

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """What becomes of data when its stack goes."""
        if self.is_emulated:
            return cdk.RemovalPolicy.DESTROY
        return cdk.RemovalPolicy.RETAIN


def construct_id(name: str) -> str:
    """The wiring's name as a construct id: ``rule-dead-letters``, RuleDeadLetters."""
    return "".join(word.capitalize() for word in name.split("-"))
