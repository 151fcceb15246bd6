"""Streams, rules, machines, queues and alarms are the wiring's."""

import json
import re
from typing import Any

import pytest

from chalicelib.services.fleet import LEAST_WAIT_MS
from infra import wiring
from infra.parts import StateMachine
from tests.infra.synthesis import Resource, Synthesis

MOST_READERS_OF_A_SHARD = 2
"""More of them and DynamoDB throttles the stream's readers."""

EXPRESS_SECONDS = 300

MACHINES = pytest.mark.parametrize(
    "wired", wiring.STATE_MACHINES, ids=lambda machine: str(machine.name)
)


def test_stream_mappings_filter_and_give_up_into_the_bucket(aws: Synthesis) -> None:
    mappings = list(aws.of_type("AWS::Lambda::EventSourceMapping").values())
    assert len(mappings) == len(wiring.STREAM_MAPPINGS) <= MOST_READERS_OF_A_SHARD
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


def _rules(aws: Synthesis) -> list[Resource]:
    rules = aws.of_type("AWS::Events::Rule", "ParleyEvents").values()
    return [rule for rule in rules if "EventPattern" in rule]


def _handler(aws: Synthesis, name: str) -> str:
    return str(aws.of_type("AWS::Lambda::Function")[name]["Handler"])


def _machine(aws: Synthesis, arn: dict[str, Any]) -> Resource:
    return aws.of_type("AWS::StepFunctions::StateMachine")[arn["Ref"]]


def test_rules_are_the_wiring_s(aws: Synthesis) -> None:
    rules = _rules(aws)
    assert len(rules) == len(wiring.RULES)
    handlers = {one.name: one.handler for one in wiring.FUNCTIONS}
    machines = {one.name: one.definition() for one in wiring.STATE_MACHINES}
    for wired, rule in zip(wiring.RULES, rules, strict=True):
        pattern = rule["EventPattern"]
        if wired.container:
            pattern = widened(pattern)
        assert pattern == wired.pattern
        assert ("EventBusName" in rule) is not wired.is_of_aws
        (target,) = rule["Targets"]
        if wired.machine:
            machine = _machine(aws, target["Arn"])
            assert machine["DefinitionString"] == machines[wired.machine]
            assert wired.function is None
        else:
            name = target["Arn"]["Fn::GetAtt"][0]
            assert _handler(aws, name) == handlers[str(wired.function)]
        assert target["RetryPolicy"] == {
            "MaximumEventAgeInSeconds": wired.max_event_age_seconds,
            "MaximumRetryAttempts": wired.retry_attempts,
        }
        assert _queue(target["DeadLetterConfig"]["Arn"]) == "RuleDeadLetters"


def widened(pattern: Resource) -> Resource:
    """As the wiring has it, which knows no cluster."""
    detail = dict(pattern["detail"])
    cluster, group = detail.pop("clusterArn", None), detail.pop("group", None)
    services = pattern.get("resources")
    assert (cluster and group == ["service:worker"]) or (
        services and json.dumps(services).endswith('/worker"]]}]')
    )
    rest = {key: value for key, value in pattern.items() if key != "resources"}
    return {**rest, "detail": detail}


def test_emulated_cloud_hears_of_every_cluster(ministack: Synthesis) -> None:
    patterns = [rule["EventPattern"] for rule in _rules(ministack)]
    assert patterns == [wired.pattern for wired in wiring.RULES]


def test_rule_starts_its_machine_by_a_role_that_can_do_nothing_else(
    aws: Synthesis,
) -> None:
    started = [rule["Targets"][0] for rule in _rules(aws)]
    started = [target for target in started if "RoleArn" in target]
    assert len(started) == len([rule for rule in wiring.RULES if rule.machine])
    for target in started:
        role = target["RoleArn"]["Fn::GetAtt"][0]
        (statement,) = aws.statements({"Role": target["RoleArn"]})
        assert statement["Action"] == "states:StartExecution"
        assert statement["Resource"] == target["Arn"]
        trust = aws.of_type("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]
        assert trust["Statement"][0]["Principal"] == {"Service": "events.amazonaws.com"}


def test_schedules_are_the_wiring_s(aws: Synthesis) -> None:
    rules = aws.of_type("AWS::Events::Rule")
    schedules = {key: one for key, one in rules.items() if "EventPattern" not in one}
    assert len(schedules) == len(wiring.SCHEDULES)
    handlers = {one.name: one.handler for one in wiring.FUNCTIONS}
    permissions = aws.of_type("AWS::Lambda::Permission").values()
    for wired, (key, rule) in zip(wiring.SCHEDULES, schedules.items(), strict=True):
        unit = "minute" if wired.every_minutes == 1 else "minutes"
        assert rule["ScheduleExpression"] == f"rate({wired.every_minutes} {unit})"
        assert rule["State"] == "ENABLED"
        (target,) = rule["Targets"]
        name = target["Arn"]["Fn::GetAtt"][0]
        assert _handler(aws, name) == handlers[wired.function]
        assert target["Input"] == "{}"
        assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
        (permission,) = (
            one
            for one in permissions
            if one.get("SourceArn") == {"Fn::GetAtt": [key, "Arn"]}
        )
        assert permission["Principal"] == "events.amazonaws.com"
        assert permission["FunctionName"] == target["Arn"]


def test_scheduled_run_that_fails_is_left_to_the_next(aws: Synthesis) -> None:
    runs = aws.of_type("AWS::Lambda::EventInvokeConfig").values()
    scheduled = {schedule.function for schedule in wiring.SCHEDULES}
    handlers = {one.handler for one in wiring.FUNCTIONS if one.name in scheduled}
    found = [
        one for one in runs if _handler(aws, one["FunctionName"]["Ref"]) in handlers
    ]
    assert len(found) == len(handlers)
    assert all(one["MaximumRetryAttempts"] == 0 for one in found)


def test_function_behind_a_rule_keeps_what_it_cannot_handle(aws: Synthesis) -> None:
    behind = {rule.function for rule in wiring.RULES}
    handlers = {one.handler for one in wiring.FUNCTIONS if one.name in behind}
    runs = aws.of_type("AWS::Lambda::EventInvokeConfig").values()
    found = [
        one for one in runs if _handler(aws, one["FunctionName"]["Ref"]) in handlers
    ]
    assert len(found) == len(handlers)
    for one in found:
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
    logged = machine["LoggingConfiguration"]
    assert logged["Level"] == ("ERROR" if wired.is_express else "ALL")
    assert logged["IncludeExecutionData"] is False


def test_express_machine_ends_within_what_express_allows() -> None:
    for wired in wiring.STATE_MACHINES:
        if wired.is_express:
            assert json.loads(wired.definition())["TimeoutSeconds"] < EXPRESS_SECONDS


def test_early_wakes_never_follow_each_other_at_once() -> None:
    states = json.loads(wiring.RING.definition())["States"]
    assert states["IsOver"]["Default"] == "WaitForDeadline"
    assert states["WaitForDeadline"]["Next"] == "RoundUp"
    assert states["RoundUp"]["Seconds"] >= 1
    assert states["RoundUp"]["Next"] == "Wake"
    assert {key for key, one in states.items() if one.get("Next") == "Wake"} == {
        "RoundUp"
    }


def test_young_lease_is_never_looked_at_in_a_hurry() -> None:
    states = json.loads(wiring.TAKEOVERS.definition())["States"]
    assert states["IsOver"]["Default"] == "WaitForExpiry"
    assert states["WaitForExpiry"]["SecondsPath"] == "$.wait_seconds"
    assert LEAST_WAIT_MS >= 1000


def test_every_queue_has_an_alarm(aws: Synthesis) -> None:
    queues = aws.of_type("AWS::SQS::Queue")
    assert len(queues) == len(wiring.QUEUES)
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in aws.of_type("AWS::CloudWatch::Alarm").values()
        for dimension in alarm.get("Dimensions", ())
        if dimension["Name"] == "QueueName"
    }
    assert watched == set(queues)
