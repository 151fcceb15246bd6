"""Step Functions machines from the files that the laptop stack runs too."""

from collections.abc import Mapping

from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.components.deployment import construct_id
from infra.components.findings import accept
from infra.components.function import ParleyFunction
from infra.components.logs import log_group
from infra.parts import StateMachine


def state_machine(
    scope: Construct,
    wired: StateMachine,
    functions: Mapping[str, ParleyFunction],
    queues: Mapping[str, sqs.Queue],
) -> sfn.StateMachine:
    """The machine; it may call the functions and fill the queues that it names."""
    called = {key: functions[name] for key, name in wired.functions.items()}
    filled = {key: queues[name] for key, name in wired.queues.items()}
    place = Construct(scope, f"{construct_id(wired.name)}Machine")
    machine = sfn.StateMachine(
        place,
        "Machine",
        state_machine_type=(
            sfn.StateMachineType.EXPRESS
            if wired.is_express
            else sfn.StateMachineType.STANDARD
        ),
        definition_body=sfn.DefinitionBody.from_string(wired.definition()),
        definition_substitutions={
            **{key: one.function.function_arn for key, one in called.items()},
            **{key: one.queue_url for key, one in filled.items()},
        },
        logs=sfn.LogOptions(
            destination=log_group(place, "Logs"),
            level=sfn.LogLevel.ERROR if wired.is_express else sfn.LogLevel.ALL,
            include_execution_data=False,
        ),
        tracing_enabled=True,
    )
    for one in called.values():
        one.function.grant_invoke_latest_version(machine)
    for queue in filled.values():
        queue.grant_send_messages(machine)
    if wired.is_express:
        accept(
            machine,
            "SF1",
            "Every step of every call in a log would cost more than the steps do; "
            "an execution that fails is logged.",
        )
    accept(
        machine,
        "IAM5[Resource::*]",
        "X-Ray and the delivery of logs have no resources to name.",
    )
    return machine
