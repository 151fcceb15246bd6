"""The retire machine: from ECS's event of a deployment until it is over."""

import json
from typing import Any

from infra.laptop.clients import client
from infra.laptop.cloud import Cloud
from tests.infra.laptop.fakes import FakeClock, FakeFunctions
from tests.infra.laptop.test_machines import pass_seconds

SERVICE = "arn:aws:ecs:eu-central-1:123456789012:service/parley/workers"


def tell(event_name: str) -> None:
    """As ECS does."""
    detail = {
        "eventType": "INFO",
        "eventName": event_name,
        "deploymentId": "ecs-svc/2",
        "updatedAt": "2026-11-21T10:00:00Z",
        "reason": "ECS deployment ecs-svc/2 in progress.",
    }
    client("events").put_events(
        Entries=[
            {
                "Source": "aws.ecs",
                "DetailType": "ECS Deployment State Change",
                "Resources": [SERVICE],
                "Detail": json.dumps(detail),
            }
        ]
    )


def test_deployment_is_looked_at_until_it_is_over(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock
) -> None:
    waits = [15, 60]

    def retire(event: Any, context: Any) -> Any:
        wait = waits.pop(0) if waits else 0
        following = {"began_at_ms": 7, "wait_seconds": wait, "is_over": not wait}
        return event | following

    functions.code["retire"] = retire
    tell("SERVICE_DEPLOYMENT_IN_PROGRESS")
    assert cloud.settle()
    begun = {"v": 1, "service_arn": SERVICE, "deployment_id": "ecs-svc/2"}
    assert functions.events["retire"] == [begun]
    pass_seconds(cloud, clock, 14)
    assert len(functions.events["retire"]) == 1
    pass_seconds(cloud, clock, 62)
    assert len(functions.events["retire"]) == 3
    assert all(one["began_at_ms"] == 7 for one in functions.events["retire"][1:])
    pass_seconds(cloud, clock, 120)
    assert len(functions.events["retire"]) == 3


def test_end_of_a_deployment_starts_nothing(
    cloud: Cloud, functions: FakeFunctions
) -> None:
    tell("SERVICE_DEPLOYMENT_COMPLETED")
    tell("SERVICE_DEPLOYMENT_FAILED")
    assert cloud.settle()
    assert "retire" not in functions.events
