"""What ECS knows of the worker's task, put where the settings look for it.

Asked once, before anything runs: an address that nobody knew would be of no use.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import ProxyHandler, build_opener

logger = logging.getLogger(__name__)

URI = "ECS_CONTAINER_METADATA_URI_V4"
ADDRESS = "PARLEY_ADVERTISED_ADDRESS"
TASK_ID = "PARLEY_TASK_ID"
OF_ECS = "ecs"
"""As an address: the task's private one."""
PORT = "PARLEY_WORKER_PORT"
DEFAULT_PORT = "8080"

ATTEMPTS = 6
FIRST_WAIT_SECONDS = 0.25
ANSWER_SECONDS = 2.0
MOST_BYTES = 1_048_576


class NoTask(Exception):
    """ECS did not tell; one sentence says what is missing."""


@dataclass(frozen=True, slots=True)
class Task:
    """The worker's own."""

    arn: str
    cluster: str
    address: str
    """Private, IPv4."""


def located(
    environment: Mapping[str, str],
    port: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """The environment, with the task's ARN and address where they are wanted.

    ``port`` is the one that is advertised; else the worker's own. Raises `NoTask`
    when the address is wanted and cannot be had.
    """
    given = dict(environment)
    wants_address = given.get(ADDRESS, "").strip().lower() == OF_ECS
    wants_name = bool(given.get(URI)) and not given.get(TASK_ID)
    if not wants_address and not wants_name:
        return given
    try:
        task = _asked(given.get(URI, ""), sleep)
    except NoTask as reason:
        if wants_address:
            raise
        logger.warning("task unknown", extra={"reason": str(reason)})
        return given
    if wants_address:
        given[ADDRESS] = f"{task.address}:{port or given.get(PORT) or DEFAULT_PORT}"
    return {TASK_ID: task.arn, **{k: v for k, v in given.items() if v}}


def parse(value: Any) -> Task:
    """The endpoint's ``/task``; raises `NoTask`."""
    try:
        networks = [
            network
            for container in value["Containers"]
            for network in container.get("Networks") or ()
        ]
        addresses = [one for net in networks for one in net.get("IPv4Addresses") or ()]
        return Task(str(value["TaskARN"]), str(value["Cluster"]), str(addresses[0]))
    except (KeyError, TypeError, AttributeError):
        raise NoTask("the metadata of the task cannot be read") from None
    except IndexError:
        raise NoTask("the task has no IPv4 address") from None


def _asked(uri: str, sleep: Callable[[float], None]) -> Task:
    if not uri.startswith("http://"):
        raise NoTask(f"{URI} is not set: this is no task of ECS")
    opener, reason = build_opener(ProxyHandler({})), ""
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
        try:
            with opener.open(f"{uri.rstrip('/')}/task", None, ANSWER_SECONDS) as answer:
                return parse(json.loads(answer.read(MOST_BYTES)))
        except (OSError, ValueError, NoTask) as error:
            reason = str(error) or type(error).__name__
    raise NoTask(f"the metadata of the task did not come: {reason}")
