"""ECS of the laptop: a task is a life of the worker; its end is told as AWS does."""

import json

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from infra import wiring
from infra.laptop.clients import client
from infra.laptop.environment import REGION

ARN = f"arn:aws:ecs:{REGION}:123456789012:task/laptop/{{task_id}}"


def tell_stopped(task_id: str) -> None:
    """Put ECS's event on the default bus."""
    arn = ARN.format(task_id=task_id)
    detail = {
        "taskArn": arn,
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
    }
    client("events").put_events(
        Entries=[
            {
                "Source": "aws.ecs",
                "DetailType": "ECS Task State Change",
                "Resources": [arn],
                "Detail": json.dumps(detail),
            }
        ]
    )


def tell_all_stopped() -> None:
    """Of the tasks of an earlier run that kept its items: none has survived it."""
    for one in DynamoDBFleet(rows.table(wiring.TABLE.name)).roster().enrolments:
        if one.lease.task_id is not None and not one.is_dead:
            tell_stopped(one.lease.task_id)
