"""The rules, machines, functions and queues of the wiring, all of them moving."""

import json
import os
from typing import Any

from infra import wiring
from infra.laptop import resources
from infra.laptop.clients import client
from infra.laptop.cloud import Cloud
from infra.laptop.functions import ASYNCHRONOUS_RETRIES
from infra.laptop.observation import AwsRequest, Invocation, Observation
from infra.parts import Queue
from tests.infra.laptop.fakes import FakeFunctions, Table, wait_until


def put_event(kind: str, detail: dict[str, Any], source: str = "parley") -> None:
    answer = client("events").put_events(
        Entries=[
            {
                "EventBusName": wiring.BUS,
                "Source": source,
                "DetailType": kind,
                "Detail": json.dumps({"is_last": True} | detail),
            }
        ]
    )
    assert answer["FailedEntryCount"] == 0


def messages(queue: Queue) -> list[Any]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    found: list[Any] = answer.get("Messages", [])
    return found


def test_create_all_that_the_wiring_names(cloud: Cloud) -> None:
    functions = client("lambda").list_functions()["Functions"]
    rules = client("events").list_rules(EventBusName=wiring.BUS)["Rules"]
    rules += client("events").list_rules()["Rules"]
    machines = client("stepfunctions").list_state_machines()["stateMachines"]
    assert [f["FunctionName"] for f in functions] == [f.name for f in wiring.FUNCTIONS]
    assert [rule["Name"] for rule in rules] == [rule.name for rule in wiring.RULES]
    assert [m["name"] for m in machines] == [m.name for m in wiring.STATE_MACHINES]
    assert len(client("sqs").list_queues()["QueueUrls"]) == len(wiring.QUEUES)
    assert os.environ[wiring.Variable.TABLE] == wiring.TABLE.name
    assert machines[0]["stateMachineArn"] == os.environ["PARLEY_REDELIVERY_MACHINE_ARN"]


def test_leave_no_substitution_open() -> None:
    for machine in wiring.STATE_MACHINES:
        functions = {name: f"arn:{name}" for name in machine.functions.values()}
        queues = {name: f"url:{name}" for name in machine.queues.values()}
        text = resources.definition(machine, functions, queues)
        assert "${" not in text
        json.loads(text)


def test_send_matching_events_to_the_rule_s_function(
    cloud: Cloud, functions: FakeFunctions
) -> None:
    put_event("room.started", {"call_id": "1"})
    put_event("room.started", {"call_id": "0", "is_last": False})
    put_event("effect.delete_room", {"call_id": "2"})
    put_event("room.started", {"call_id": "3"}, source="other")
    assert cloud.settle()
    (event,) = functions.events["deliver"]
    assert event["detail-type"] == "room.started"
    assert event["detail"] == {"call_id": "1", "is_last": True}
    assert event["time"].endswith("Z")


def test_keep_what_fails_for_good_as_a_dead_letter(
    cloud: Cloud, functions: FakeFunctions
) -> None:
    def deliver(event: Any, context: Any) -> None:
        raise RuntimeError("no")

    functions.code["deliver"] = deliver
    put_event("room.started", {"call_id": "1"})
    assert cloud.settle()
    assert len(functions.events["deliver"]) == 1 + ASYNCHRONOUS_RETRIES
    (message,) = messages(wiring.RULE_DEAD_LETTERS)
    assert json.loads(message["Body"])["detail"]["call_id"] == "1"
    attributes = message["MessageAttributes"]
    assert attributes["ERROR_CODE"]["StringValue"] == "RuntimeError"


def test_try_again_until_it_is_taken(cloud: Cloud, functions: FakeFunctions) -> None:
    def deliver(event: Any, context: Any) -> None:
        if len(functions.events["deliver"]) < 2:
            raise RuntimeError("not yet")

    functions.code["deliver"] = deliver
    put_event("participant.joined", {"call_id": "1"})
    assert cloud.settle()
    assert len(functions.events["deliver"]) == 2
    assert messages(wiring.RULE_DEAD_LETTERS) == []


def test_start_a_machine_that_a_rule_names(
    cloud: Cloud, functions: FakeFunctions
) -> None:
    functions.code["redeliver"] = lambda event, context: {"outcome": "delivered"}
    machine = os.environ["PARLEY_REDELIVERY_MACHINE_ARN"]
    events = client("events")
    events.put_rule(
        Name="probe", EventBusName=wiring.BUS, EventPattern='{"source": ["probe"]}'
    )
    events.put_targets(
        Rule="probe",
        EventBusName=wiring.BUS,
        Targets=[
            {"Id": "gone", "Arn": machine + "-gone"},
            {"Id": "machine", "Arn": machine},
        ],
    )
    put_event("probe", {"call_id": "1"}, source="probe")
    (execution,) = client("stepfunctions").list_executions(stateMachineArn=machine)[
        "executions"
    ]
    events.disable_rule(Name="probe", EventBusName=wiring.BUS)
    put_event("probe", {"call_id": "2"}, source="probe")
    executions = client("stepfunctions").list_executions(stateMachineArn=machine)
    assert [one["name"] for one in executions["executions"]] == [execution["name"]]


def test_run_the_redelivery_machine(cloud: Cloud, functions: FakeFunctions) -> None:
    functions.code["redeliver"] = lambda event, context: (
        event | {"outcome": "delivered" if event["call_id"] == "1" else "undeliverable"}
    )
    machines = client("stepfunctions")
    started = {
        call_id: machines.start_execution(
            stateMachineArn=os.environ["PARLEY_REDELIVERY_MACHINE_ARN"],
            name=call_id,
            input=json.dumps({"call_id": call_id, "delay_seconds": 0}),
        )["executionArn"]
        for call_id in ("1", "2")
    }

    def status(call_id: str) -> str:
        arn = started[call_id]
        return str(machines.describe_execution(executionArn=arn)["status"])

    wait_until(lambda: "RUNNING" not in {status("1"), status("2")})
    assert (status("1"), status("2")) == ("SUCCEEDED", "FAILED")
    (message,) = messages(wiring.WEBHOOK_DEAD_LETTERS)
    assert json.loads(message["Body"])["call_id"] == "2"


def test_give_a_function_its_context(cloud: Cloud, functions: FakeFunctions) -> None:
    def deliver(event: Any, context: Any) -> Any:
        assert 0 < context.get_remaining_time_in_millis() <= 120_000
        assert context.invoked_function_arn.endswith(":function:deliver")
        return [context.function_name, context.memory_limit_in_mb, event]

    functions.code["deliver"] = deliver
    answer = cloud.invoke("deliver", b'{"a": 1}')
    assert json.loads(answer.payload) == ["deliver", 512, {"a": 1}]


def test_answer_an_error_as_lambda_does(cloud: Cloud, functions: FakeFunctions) -> None:
    def redeliver(event: Any, context: Any) -> None:
        raise KeyError("call_id")

    functions.code["redeliver"] = redeliver
    answer = client("lambda").invoke(FunctionName="redeliver", Payload=b"{}")
    assert answer["FunctionError"] == "Unhandled"
    body = json.loads(answer["Payload"].read())
    assert body["errorType"] == "KeyError"
    assert body["stackTrace"]


def test_tell_the_observer_what_a_call_costs(
    cloud: Cloud, functions: FakeFunctions, seen: list[Observation], table: Table
) -> None:
    functions.code["api"] = lambda event, context: table.put("a", "1")
    cloud.invoke("api", b"{}")
    requests = [one for one in seen if isinstance(one, AwsRequest)]
    (request,) = requests
    assert (request.service, request.operation) == ("dynamodb", "PutItem")
    assert request.parameters["Item"]["pk"] == {"S": "a"}
    assert (request.status, request.function) == (200, "api")
    assert request.answer == {}
    (invocation,) = (one for one in seen if isinstance(one, Invocation))
    assert (invocation.function, invocation.error) == ("api", None)
    assert invocation.seconds >= request.seconds
