"""moto's EventBridge, taught the targets that it does not know: functions, machines."""

import copy
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from moto.events.models import Rule

from infra.laptop.clients import client
from infra.laptop.functions import ASYNCHRONOUS_RETRIES, Functions
from infra.laptop.patching import replaced

logger = logging.getLogger(__name__)

OURS = ("lambda", "states")


@contextmanager
def targets_served_by(functions: Functions) -> Iterator[None]:
    """Within the block a rule's functions and machines really hear its events."""
    original = Rule.send_to_targets

    def send(rule: Rule, event: Any, transform_input: bool = True) -> None:
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):
            return
        for target in rule.targets:
            if _service(target) not in OURS:
                continue
            try:
                _deliver(functions, rule.arn, target, _as_delivered(event))
            except Exception:
                # Whoever put the event must not suffer for one of its hearers.
                logger.exception("undelivered", extra={"target": target["Arn"]})
        others = copy.copy(rule)
        others.targets = [t for t in rule.targets if _service(t) not in OURS]
        original(others, event, transform_input)

    with replaced(Rule, "send_to_targets", send):
        yield


def _deliver(
    functions: Functions, rule_arn: str, target: dict[str, Any], event: dict[str, Any]
) -> None:
    text = json.dumps(event)
    keep = partial(_keep_dead_letter, rule_arn, target, text)
    if _service(target) == "states":
        _start(target["Arn"], event["id"], text, keep)
        return
    wanted = target.get("RetryPolicy", {}).get("MaximumRetryAttempts")
    functions.submit(
        target["Arn"].rpartition(":")[2],
        text.encode(),
        retries=ASYNCHRONOUS_RETRIES if wanted is None else wanted,
        on_exhausted=lambda answer: keep(answer.error or "", answer.payload.decode()),
    )


def _start(
    machine_arn: str, name: str, text: str, keep: Callable[[str, str], None]
) -> None:
    try:
        # The event's id for a name: a repeated event starts nothing twice.
        client("stepfunctions").start_execution(
            stateMachineArn=machine_arn, name=name, input=text
        )
    except ClientError as error:
        reason = error.response["Error"]
        if reason["Code"] != "ExecutionAlreadyExists":
            keep(reason["Code"], reason["Message"])


def _keep_dead_letter(
    rule_arn: str, target: dict[str, Any], event: str, code: str, message: str
) -> None:
    queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
    logger.error("undelivered", extra={"rule": rule_arn, "target": target["Arn"]})
    if not queue_arn:
        return
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
    attributes = {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message[:1000],
    }
    sqs.send_message(
        QueueUrl=url,
        MessageBody=event,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value}
            for name, value in attributes.items()
        },
    )


def _as_delivered(event: Any) -> dict[str, Any]:
    """The event as targets see it, not as moto keeps it."""
    delivered = {name: event[name] for name in event if name != "ingestion-time"}
    at = datetime.fromtimestamp(float(event["time"]), UTC)
    delivered["time"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return delivered


def _service(target: dict[str, Any]) -> str:
    return str(target["Arn"].split(":")[2])
