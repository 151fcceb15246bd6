"""Streams, rules, machines, queues and alarms are the wiring's."""

import json
import re
from typing import Any

import pytest

from infra import wiring
from infra.wiring import StateMachine
from tests.infra.synthesis import Synthesis

MACHINES = pytest.mark.parametrize(
    "wired", wiring.STATE_MACHINES, ids=lambda machine: str(machine.name)
)


def test_stream_mappings_filter_and_give_up_into_the_bucket(aws: Synthesis) -> None:
    mappings = list(aws.of_type("AWS::Lambda::EventSourceMapping").values())
    assert len(mappings) == len(wiring.STREAM_MAPPINGS)
    functions = aws.of_type("AWS::Lambda::Function")
    handlers = {one.name: one.handler for one in wiring.FUNCTIONS}
    for wired, mapping in zip(wiring.STREAM_MAPPINGS, mappings, strict=True):
        handler = functions[mapping["FunctionName"]["Ref"]]["Handler"]
        assert handler == handlers[wired.function]
        filters = mapping["FilterCriteria"]["Filters"]
        assert [json.loads(one["Pattern"]) for one in filters] == list(wired.filters)
        assert mapping["BatchSize"] == wired.batch_size
        assert mapping["MaximumRetryAttempts"] == wired.retry_attempts
        assert mapping["MaximumRecordAgeInSeconds"] == wired.max_record_age_seconds
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        bucket = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        assert bucket["Fn::GetAtt"][0] in aws.of_type("AWS::S3::Bucket")


def test_rules_are_the_wiring_s(aws: Synthesis) -> None:
    rules = list(aws.of_type("AWS::Events::Rule").values())
    assert len(rules) == len(wiring.RULES)
    functions = aws.of_type("AWS::Lambda::Function")
    handlers = {one.name: one.handler for one in wiring.FUNCTIONS}
    for wired, rule in zip(wiring.RULES, rules, strict=True):
        assert rule["EventPattern"] == wired.pattern
        (target,) = rule["Targets"]
        name = target["Arn"]["Fn::GetAtt"][0]
        assert functions[name]["Handler"] == handlers[wired.function]
        assert target["RetryPolicy"] == {
            "MaximumEventAgeInSeconds": wired.max_event_age_seconds,
            "MaximumRetryAttempts": wired.retry_attempts,
        }
        assert _queue(target["DeadLetterConfig"]["Arn"]) == "RuleDeadLetters"


def test_function_behind_a_rule_keeps_what_it_cannot_handle(aws: Synthesis) -> None:
    configured = aws.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert len(configured) == len({rule.function for rule in wiring.RULES})
    for one in configured:
        destination = one["DestinationConfig"]["OnFailure"]["Destination"]
        assert _queue(destination) == "RuleDeadLetters"


def _queue(arn: dict[str, Any]) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", str(arn["Fn::GetAtt"][0]))


@MACHINES
def test_machine_is_its_file_with_every_gap_filled(
    aws: Synthesis, wired: StateMachine
) -> None:
    machines = aws.of_type("AWS::StepFunctions::StateMachine").values()
    (machine,) = (
        one for one in machines if one["DefinitionString"] == wired.definition()
    )
    gaps = set(re.findall(r"\$\{(\w+)\}", wired.definition()))
    assert set(machine["DefinitionSubstitutions"]) == gaps
    assert gaps == {*wired.functions, *wired.queues}
    kind = "EXPRESS" if wired.is_express else "STANDARD"
    assert machine.get("StateMachineType", "STANDARD") == kind


def test_every_alarm_tells_somebody_what_to_do(aws: Synthesis) -> None:
    alarms = aws.of_type("AWS::CloudWatch::Alarm").values()
    watched = {alarm["MetricName"] for alarm in alarms}
    assert {"ApproximateNumberOfMessagesVisible", "IteratorAge", "5xx"} <= watched
    for alarm in alarms:
        assert alarm["AlarmDescription"].startswith("Runbook: ")
        assert alarm["AlarmActions"]


def test_every_queue_has_an_alarm(aws: Synthesis) -> None:
    queues = aws.of_type("AWS::SQS::Queue")
    assert len(queues) == len(wiring.QUEUES)
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in aws.of_type("AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "QueueName"
    }
    assert watched == set(queues)
