"""Batches, poison, and what a mapping does with both."""

import json
from typing import Any

from infra import wiring
from infra.laptop.cloud import Cloud
from infra.laptop.observation import Change
from infra.laptop.runtime import Answer
from infra.laptop.stream import first_failed, record_of
from tests.infra.laptop.fakes import FakeFunctions, Table

RETRIES = wiring.STREAM_MAPPINGS[0].retry_attempts


def sort_key(record: Any) -> str:
    return str(record["dynamodb"]["Keys"]["sk"]["S"])


def answer(*identifiers: str | None) -> Answer:
    failures = [{"itemIdentifier": identifier} for identifier in identifiers]
    return Answer(json.dumps({"batchItemFailures": failures}).encode())


def records(count: int) -> list[dict[str, Any]]:
    change = Change("calls", {"pk": {"S": "a"}}, None, {"pk": {"S": "a"}})
    return [record_of(change, 1000.0) for _ in range(count)]


def test_mark_a_removal_by_the_service() -> None:
    change = Change("calls", {}, {"pk": {"S": "a"}}, None, by_ttl=True)
    record = record_of(change, 1000.9)
    assert record["eventName"] == "REMOVE"
    assert record["userIdentity"]["principalId"] == "dynamodb.amazonaws.com"
    assert record["dynamodb"]["ApproximateCreationDateTime"] == 1000
    assert "userIdentity" not in records(1)[0]


def test_number_records_upwards() -> None:
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records(5)]
    assert numbers == sorted(set(numbers))


def test_continue_from_the_lowest_failure() -> None:
    batch = records(4)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    assert first_failed(batch, answer(numbers[3], numbers[1])) == 1
    assert first_failed(batch, answer()) is None
    assert first_failed(batch, Answer(b"null")) is None
    assert first_failed(batch, answer("unknown")) == 0
    assert first_failed(batch, answer(None)) == 0
    assert first_failed(batch, Answer(b"{}", error="Boom")) == 0


def test_give_up_the_poison_and_go_on(
    table: Table, cloud: Cloud, functions: FakeFunctions
) -> None:
    taken: list[str] = []

    def outbox(event: Any, context: Any) -> None:
        keys = [sort_key(record) for record in event["Records"]]
        if "EVENT#03" in keys:
            raise RuntimeError("poison")
        taken.extend(keys)

    functions.code["outbox"] = outbox
    wanted = [f"EVENT#{number:02}" for number in range(10)]
    for sk in wanted:
        table.put("CALL#1", sk)
    assert cloud.settle()
    wanted.remove("EVENT#03")
    assert taken == wanted
    alone = [
        event
        for event in functions.events["outbox"]
        if [sort_key(record) for record in event["Records"]] == ["EVENT#03"]
    ]
    assert len(alone) == 1 + RETRIES


def test_repeat_only_what_has_failed(
    table: Table, cloud: Cloud, functions: FakeFunctions
) -> None:
    taken: list[str] = []
    refused = {"EVENT#02"}

    def outbox(event: Any, context: Any) -> Any:
        for record in event["Records"]:
            if sort_key(record) in refused:
                refused.clear()
                number = record["dynamodb"]["SequenceNumber"]
                return {"batchItemFailures": [{"itemIdentifier": number}]}
            taken.append(sort_key(record))
        return {"batchItemFailures": []}

    functions.code["outbox"] = outbox
    wanted = [f"EVENT#{number:02}" for number in range(5)]
    for sk in wanted:
        table.put("CALL#1", sk)
    assert cloud.settle()
    assert taken == wanted


def test_survive_an_answer_that_is_no_json(
    table: Table, cloud: Cloud, functions: FakeFunctions
) -> None:
    functions.code["outbox"] = lambda event, context: object()
    table.put("CALL#1", "EVENT#1")
    assert cloud.settle()
    functions.code["outbox"] = lambda event, context: {"batchItemFailures": "odd"}
    table.put("CALL#1", "EVENT#2")
    assert cloud.settle()
    functions.code.clear()
    table.put("CALL#1", "EVENT#3")
    assert cloud.settle()
    assert sort_key(functions.records()[-1]) == "EVENT#3"
