"""What ECS is asked of a service, and how its answers are read."""

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from chalicelib.adapters.ecs_fleet import MOST_ASKED, EcsDeployments
from chalicelib.services.retiring import Deployment

CLUSTER = "parley"
SERVICE = f"arn:aws:ecs:eu-central-1:123456789012:service/{CLUSTER}/workers"


@pytest.fixture
def ecs() -> Iterator[Stubber]:
    client = botocore.session.get_session().create_client(
        "ecs",
        "eu-central-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def task(number: int, **changes: Any) -> dict[str, Any]:
    arn = f"arn:aws:ecs:eu-central-1:123456789012:task/{CLUSTER}/{number:032x}"
    known = {"startedBy": "ecs-svc/1", "group": "service:workers"}
    return {"taskArn": arn, **known, **changes}


def expect_service(ecs: Stubber, service_arn: str, cluster: str, *found: Any) -> None:
    ecs.add_response(
        "describe_services",
        {"services": list(found)},
        {"cluster": cluster, "services": [service_arn]},
    )


def test_primary_deployment_is_told_from_those_it_replaces(ecs: Stubber) -> None:
    deployments = [
        {"id": "ecs-svc/1", "status": "ACTIVE", "desiredCount": 3},
        {"id": "ecs-svc/2", "status": "PRIMARY", "desiredCount": 2},
    ]
    expect_service(ecs, SERVICE, CLUSTER, {"deployments": deployments})
    found = EcsDeployments(ecs.client).primary(SERVICE)
    assert found == Deployment("ecs-svc/2", 2)


@pytest.mark.parametrize("found", [[], [{"deployments": []}]])
def test_service_that_is_gone_has_none(ecs: Stubber, found: list[Any]) -> None:
    expect_service(ecs, SERVICE, CLUSTER, *found)
    assert EcsDeployments(ecs.client).primary(SERVICE) is None


def test_service_without_a_cluster_in_its_name_is_of_the_default_one(
    ecs: Stubber,
) -> None:
    arn = "arn:aws:ecs:eu-central-1:123456789012:service/workers"
    expect_service(ecs, arn, "default")
    EcsDeployments(ecs.client).primary(arn)


def test_origins_are_of_the_service_s_own_tasks(ecs: Stubber) -> None:
    ids = [f"{number:032x}" for number in range(4)]
    others = [
        task(1, group="service:others"),
        task(2, group="family:by-hand"),
        {key: value for key, value in task(3).items() if key != "startedBy"},
    ]
    ecs.add_response(
        "describe_tasks",
        {"tasks": [task(0), *others], "failures": []},
        {"cluster": CLUSTER, "tasks": ids},
    )
    asked = [*ids, "laptop", ""]
    found = EcsDeployments(ecs.client).origins(SERVICE, asked)
    assert found == {ids[0]: "ecs-svc/1"}


def test_many_tasks_are_asked_for_in_turns(ecs: Stubber) -> None:
    numbers = range(MOST_ASKED + 1)
    for asked in (numbers[:MOST_ASKED], numbers[MOST_ASKED:]):
        ecs.add_response(
            "describe_tasks",
            {"tasks": [task(number) for number in asked]},
            {"cluster": CLUSTER, "tasks": [f"{number:032x}" for number in asked]},
        )
    ids = [f"{number:032x}" for number in numbers]
    assert len(EcsDeployments(ecs.client).origins(SERVICE, ids)) == len(ids)


def test_nobody_is_asked_about_nothing(ecs: Stubber) -> None:
    assert EcsDeployments(ecs.client).origins(SERVICE, []) == {}
