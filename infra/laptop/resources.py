"""Everything that the wiring names, created through the AWS clients."""

import io
import json
import zipfile
from collections.abc import Collection, Mapping, Sequence

from infra import wiring
from infra.laptop.clients import client
from infra.parts import Function, Index, Queue, Rule, StateMachine

DEFAULT_BUS = "default"
"""Where AWS tells of itself."""


def create(without: Collection[str] = ()) -> dict[str, str]:
    """The environment variables that lead the functions to what was created.

    The rules called ``without`` are left out.
    """
    _create_table()
    role = _create_role()
    functions = {f.name: _create_function(f, role) for f in wiring.FUNCTIONS}
    queues = {q.name: _create_queue(q) for q in wiring.QUEUES}
    machines = {
        m.name: _create_machine(m, role, functions, queues)
        for m in wiring.STATE_MACHINES
    }
    rules = [rule for rule in wiring.RULES if rule.name not in without]
    _create_rules(rules, _targets(rules, functions, machines))
    return {
        wiring.Variable.TABLE: wiring.TABLE.name,
        wiring.Variable.BUS: wiring.BUS,
        wiring.Variable.REDELIVERY_MACHINE_ARN: machines[wiring.REDELIVERY.name],
    }


def definition(
    machine: StateMachine, functions: dict[str, str], queues: dict[str, str]
) -> str:
    """The machine's ASL with every ``${...}`` filled in."""
    text = machine.definition()
    for variable, name in machine.functions.items():
        text = text.replace(f"${{{variable}}}", functions[name])
    for variable, name in machine.queues.items():
        text = text.replace(f"${{{variable}}}", queues[name])
    return text


def _create_table() -> None:
    table = wiring.TABLE
    dynamodb = client("dynamodb")
    indexes = [_index(index) for index in table.indexes]
    types = {table.partition_key: "S", table.sort_key: "S"}
    for index in table.indexes:
        types |= {index.partition_key: "S", index.sort_key: "N"}
    dynamodb.create_table(
        TableName=table.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in types.items()
        ],
        KeySchema=_keys(table.partition_key, table.sort_key),
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        StreamSpecification={
            "StreamEnabled": True,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    )
    dynamodb.update_time_to_live(
        TableName=table.name,
        TimeToLiveSpecification={
            "Enabled": True,
            "AttributeName": table.ttl_attribute,
        },
    )


def _index(index: Index) -> dict[str, object]:
    return {
        "IndexName": index.name,
        "KeySchema": _keys(index.partition_key, index.sort_key),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def _keys(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition_key, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


def _create_role() -> str:
    role = client("iam").create_role(RoleName="laptop", AssumeRolePolicyDocument="{}")
    return str(role["Role"]["Arn"])


def _create_function(function: Function, role: str) -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("empty.py", "")
    created = client("lambda").create_function(
        FunctionName=function.name,
        Runtime="python3.13",
        Role=role,
        Handler=function.handler,
        MemorySize=function.memory_mb,
        Timeout=function.timeout_seconds,
        Code={"ZipFile": code.getvalue()},
    )
    return str(created["FunctionArn"])


def _create_queue(queue: Queue) -> str:
    created = client("sqs").create_queue(
        QueueName=queue.name,
        Attributes={"MessageRetentionPeriod": str(queue.retention_days * 86400)},
    )
    return str(created["QueueUrl"])


def _create_machine(
    machine: StateMachine, role: str, functions: dict[str, str], queues: dict[str, str]
) -> str:
    created = client("stepfunctions").create_state_machine(
        name=machine.name,
        definition=definition(machine, functions, queues),
        roleArn=role,
        type="EXPRESS" if machine.is_express else "STANDARD",
    )
    return str(created["stateMachineArn"])


def _targets(
    rules: Sequence[Rule], functions: Mapping[str, str], machines: Mapping[str, str]
) -> dict[str, str]:
    """Rule name -> the ARN of what hears it."""
    heard = {rule.name: functions[rule.function] for rule in rules if rule.function}
    started = {rule.name: machines[rule.machine] for rule in rules if rule.machine}
    return heard | started


def _create_rules(rules: Sequence[Rule], targets: Mapping[str, str]) -> None:
    events = client("events")
    events.create_event_bus(Name=wiring.BUS)
    dead_letters = _queue_arn(wiring.RULE_DEAD_LETTERS)
    for rule in rules:
        bus = DEFAULT_BUS if rule.is_of_aws else wiring.BUS
        events.put_rule(
            Name=rule.name,
            EventBusName=bus,
            EventPattern=json.dumps(rule.pattern),
            State="ENABLED",
        )
        events.put_targets(
            Rule=rule.name,
            EventBusName=bus,
            Targets=[
                {
                    "Id": rule.name,
                    "Arn": targets[rule.name],
                    "DeadLetterConfig": {"Arn": dead_letters},
                    "RetryPolicy": {
                        "MaximumRetryAttempts": rule.retry_attempts,
                        "MaximumEventAgeInSeconds": rule.max_event_age_seconds,
                    },
                }
            ],
        )


def _queue_arn(queue: Queue) -> str:
    sqs = client("sqs")
    attributes = sqs.get_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName=queue.name)["QueueUrl"],
        AttributeNames=["QueueArn"],
    )
    return str(attributes["Attributes"]["QueueArn"])
