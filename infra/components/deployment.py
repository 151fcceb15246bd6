"""Where a deployment goes, and what differs there."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lam

from chalicelib import push_settings


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
