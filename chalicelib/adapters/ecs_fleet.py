"""ECS, which runs the workers' tasks in production."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from chalicelib.services.retiring import Deployment

TASK_ID = re.compile(r"[0-9a-f]{32}\Z")
"""One that is none would fail the question after all others."""
MOST_ASKED = 100
PRIMARY = "PRIMARY"


class EcsDeployments:
    """`Deployments`, by a client of botocore's."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def primary(self, service_arn: str) -> Deployment | None:
        answer = self._client.describe_services(
            cluster=_cluster(service_arn), services=[service_arn]
        )
        for service in answer["services"]:
            for one in service["deployments"]:
                if one["status"] == PRIMARY:
                    return Deployment(one["id"], one["desiredCount"])
        return None

    def origins(self, service_arn: str, task_ids: Iterable[str]) -> Mapping[str, str]:
        asked = iter([one for one in task_ids if TASK_ID.match(one)])
        found: dict[str, str] = {}
        while tasks := list(islice(asked, MOST_ASKED)):
            answer = self._client.describe_tasks(
                cluster=_cluster(service_arn), tasks=tasks
            )
            found |= _origins(service_arn, answer["tasks"])
        return found


def _origins(service_arn: str, tasks: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    group = f"service:{service_arn.rpartition('/')[2]}"
    return {
        task["taskArn"].rpartition("/")[2]: task["startedBy"]
        for task in tasks
        if task.get("group") == group and "startedBy" in task
    }


def _cluster(service_arn: str) -> str:
    """``…:service/cluster/name``; accounts of long ago have no cluster in it."""
    _, *cluster, _ = service_arn.split("/")
    return cluster[0] if cluster else "default"
