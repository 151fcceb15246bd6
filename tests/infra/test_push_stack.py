"""Functions that push by SNS may do so to the apps that a deployment names."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from chalicelib.push_settings import InvalidPushSettings
from infra import wiring
from infra.components.deployment import Deployment, Target
from infra.components.function import ParleyFunction
from infra.parts import Function

ARN = "arn:aws:sns:eu-central-1:123456789012:app/APNS_VOIP/calls"
ENDPOINTS = "arn:aws:sns:eu-central-1:123456789012:endpoint/APNS_VOIP/calls/*"
APPS = json.dumps({"com.example.app/apns_voip": ARN})


def permitted(folder: Path, wired: Function, apps: str) -> tuple[dict[str, Any], str]:
    """(action -> resource of SNS, the function's variable)"""
    stack = cdk.Stack(cdk.App(), "Alone")
    (folder / "entry.py").touch()
    ParleyFunction(stack, wired, Deployment(Target.AWS, folder, apps))
    template = assertions.Template.from_stack(stack)
    found: dict[str, Any] = {}
    for policy in template.find_resources("AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                if action.startswith("sns:"):
                    found[action] = statement["Resource"]
    (function,) = template.find_resources("AWS::Lambda::Function").values()
    variables = function["Properties"]["Environment"]["Variables"]
    return found, variables.get(wiring.Variable.PUSH_SNS_APPS, "")


def test_who_enlists_phones_may_make_their_endpoints(tmp_path: Path) -> None:
    found, variable = permitted(tmp_path, wiring.API, APPS)
    assert found == {
        "sns:CreatePlatformEndpoint": ARN,
        "sns:SetEndpointAttributes": ENDPOINTS,
        "sns:DeleteEndpoint": ENDPOINTS,
    }
    assert variable == APPS


def test_who_pushes_may_publish_to_endpoints_alone(tmp_path: Path) -> None:
    found, variable = permitted(tmp_path, wiring.NOTIFY, APPS)
    assert found == {"sns:Publish": ENDPOINTS, "sns:DeleteEndpoint": ENDPOINTS}
    assert variable == APPS


@pytest.mark.parametrize(
    ("wired", "apps"), [(wiring.API, ""), (wiring.NOTIFY, ""), (wiring.DELIVER, APPS)]
)
def test_nobody_else_may_do_anything(
    tmp_path: Path, wired: Function, apps: str
) -> None:
    assert permitted(tmp_path, wired, apps) == ({}, "")


def test_apps_that_cannot_be_stop_the_synthesis(tmp_path: Path) -> None:
    with pytest.raises(InvalidPushSettings):
        permitted(tmp_path, wiring.API, "[]")
