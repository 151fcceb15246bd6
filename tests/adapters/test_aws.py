"""EventBridge and Step Functions as far as their answers matter."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.moto_api._internal.models import moto_api_backend

from chalicelib.adapters.aws import EventBridgeBus, StepFunctionsRetries
from chalicelib.protocol.control import Doorbell, Redelivery
from chalicelib.services.ports import Throttled

REDELIVERY = Redelivery("default", "call-1", 3, "101-3", "e1", 2, 5)


def doorbell(seq: int) -> Doorbell:
    return Doorbell("default", "call-1", seq, f"101-{seq}", "room.started", 5, {})


class FakeEvents:
    """EventBridge that refuses the entries whose seq it is told."""

    def __init__(self, refused: set[int]) -> None:
        self.refused = refused
        self.batches: list[list[dict[str, str]]] = []

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:
        self.batches.append(Entries)
        answers: list[dict[str, str]] = [
            {"ErrorCode": "ThrottlingException"}
            if json.loads(entry["Detail"])["seq"] in self.refused
            else {"EventId": "1"}
            for entry in Entries
        ]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}


def test_publish_sends_ten_at_a_time_and_names_the_refused() -> None:
    events = FakeEvents({2, 12})
    bus = EventBridgeBus(events, "parley", "parley")
    assert bus.publish(doorbell(seq) for seq in range(13)) == [2, 12]
    assert [len(batch) for batch in events.batches] == [10, 3]
    entry = events.batches[0][0]
    assert entry["EventBusName"] == "parley" and entry["Source"] == "parley"
    assert entry["DetailType"] == "room.started"
    assert Doorbell.parse(json.loads(entry["Detail"])) == doorbell(0)


def test_publish_of_nothing_asks_nothing() -> None:
    events = FakeEvents(set())
    assert EventBridgeBus(events, "parley", "parley").publish([]) == []
    assert events.batches == []


@pytest.fixture
def machine(moto_aws: None) -> tuple[Any, str]:
    moto_api_backend.reset()
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    client = boto3.client("stepfunctions")
    definition = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
    created = client.create_state_machine(
        name="redelivery",
        definition=json.dumps(definition),
        roleArn=role["Role"]["Arn"],
    )
    return client, created["stateMachineArn"]


def test_start_of_the_same_redelivery_is_one_execution(
    machine: tuple[Any, str],
) -> None:
    client, arn = machine
    retries = StepFunctionsRetries(client, arn)
    retries.start(REDELIVERY)
    retries.start(REDELIVERY)
    (execution,) = client.list_executions(stateMachineArn=arn)["executions"]
    assert execution["name"] == "101-3-e1"
    described = client.describe_execution(executionArn=execution["executionArn"])
    assert Redelivery.parse(json.loads(described["input"])) == REDELIVERY


def test_start_by_another_token_is_another_execution(
    machine: tuple[Any, str],
) -> None:
    client, arn = machine
    retries = StepFunctionsRetries(client, arn)
    longest = replace(REDELIVERY, webhook_id="f" * 32, endpoint_id="ep_" + "f" * 24)
    for token in ("a" * 32, "a" * 32, "b" * 32):
        retries.start(longest, token)
    executions = client.list_executions(stateMachineArn=arn)["executions"]
    assert len(executions) == 2
    assert all(len(one["name"]) <= 80 for one in executions)


def test_start_that_is_refused_is_not_hidden(machine: tuple[Any, str]) -> None:
    client, arn = machine
    with pytest.raises(ClientError):
        StepFunctionsRetries(client, arn + "-missing").start(REDELIVERY)


def test_start_that_is_throttled_can_be_tried_again() -> None:
    class Busy:
        def start_execution(self, **what: Any) -> None:
            answer: Any = {"Error": {"Code": "ThrottlingException", "Message": ""}}
            raise ClientError(answer, "StartExecution")

    with pytest.raises(Throttled):
        StepFunctionsRetries(Busy(), "machine").start(REDELIVERY)
