"""DynamoDB on the laptop: threads, transactions, tokens, its stream and TTL."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.dynamo_type import Item

from infra.laptop.cloud import Cloud
from infra.laptop.observation import Change, Observation
from tests.infra.laptop.fakes import FakeFunctions, Table, item


def put(pk: str, sk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": Table.name, "Item": item(pk, sk, **more)}}


def put_if_absent(pk: str, sk: str) -> dict[str, Any]:
    operation = put(pk, sk)
    operation["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
    return operation


def count(pk: str, sk: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": Table.name,
            "Key": item(pk, sk),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }


def changes(seen: list[Observation]) -> list[Change]:
    return [one for one in seen if isinstance(one, Change)]


def test_lose_no_update_under_threads(table: Table) -> None:
    def add(_: int) -> None:
        table.client.transact_write_items(TransactItems=[count("a", "1")])
        operation = count("a", "2")["Update"]
        table.client.update_item(**operation)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(add, range(200)))
    assert table.get("a", "1")["n"] == {"N": "200"}
    assert table.get("a", "2")["n"] == {"N": "200"}


def test_undo_every_write_of_a_cancelled_transaction(
    table: Table, seen: list[Observation], cloud: Cloud
) -> None:
    table.put("a", "old", n=1)
    table.put("a", "taken")
    cloud.settle()
    seen.clear()
    with pytest.raises(ClientError) as caught:
        table.client.transact_write_items(
            TransactItems=[
                put("a", "new"),
                count("a", "old"),
                {"Delete": {"TableName": Table.name, "Key": item("a", "taken")}},
                count("a", "made"),
                put_if_absent("a", "old2"),
                {
                    "ConditionCheck": {
                        "TableName": Table.name,
                        "Key": item("b", "1"),
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
            ]
        )
    reasons = caught.value.response["CancellationReasons"]
    codes = [reason["Code"] for reason in reasons]
    assert codes == ["None"] * 5 + ["ConditionalCheckFailed"]
    assert table.get("a", "old") == item("a", "old", n=1)
    assert table.get("a", "taken") == item("a", "taken")
    for sk in ("new", "made", "old2"):
        assert table.get("a", sk) is None
    assert changes(seen) == []


def test_apply_a_token_once(table: Table) -> None:
    for _ in range(3):
        table.client.transact_write_items(
            TransactItems=[count("a", "1")], ClientRequestToken="token"
        )
    assert table.get("a", "1")["n"] == {"N": "1"}
    with pytest.raises(ClientError) as caught:
        table.client.transact_write_items(
            TransactItems=[count("a", "2")], ClientRequestToken="token"
        )
    code = caught.value.response["Error"]["Code"]
    assert code == "IdempotentParameterMismatchException"
    assert table.get("a", "2") is None


def test_try_a_token_again_after_a_failure(table: Table) -> None:
    table.put("a", "1")
    attempt = {
        "TransactItems": [put_if_absent("a", "1")],
        "ClientRequestToken": "again",
    }
    with pytest.raises(ClientError):
        table.client.transact_write_items(**attempt)
    table.client.delete_item(TableName=table.name, Key=item("a", "1"))
    table.client.transact_write_items(**attempt)
    assert table.get("a", "1") == item("a", "1")


def test_query_one_partition_in_order(table: Table) -> None:
    for sk in ("3", "1", "2"):
        table.put("a", sk)
        table.put("b", sk)
    answer = table.client.query(
        TableName=table.name,
        KeyConditionExpression="pk = :pk AND sk > :sk",
        ExpressionAttributeValues={":pk": {"S": "a"}, ":sk": {"S": "1"}},
    )
    assert [found["sk"]["S"] for found in answer["Items"]] == ["2", "3"]
    assert table.client.scan(TableName=table.name)["Count"] == 6


def test_tell_each_change_once_in_order(table: Table, seen: list[Observation]) -> None:
    table.client.update_item(**count("a", "1")["Update"])
    table.put("a", "1", n=2)
    table.put("a", "1", n=2)
    table.client.delete_item(TableName=table.name, Key=item("a", "1"))
    table.client.delete_item(TableName=table.name, Key=item("a", "1"))
    images = [(change.old, change.new) for change in changes(seen)]
    first, second = item("a", "1", n=1), item("a", "1", n=2)
    assert images == [(None, first), (first, second), (second, None)]


def test_sweep_what_has_expired_as_the_service(
    table: Table, cloud: Cloud, seen: list[Observation]
) -> None:
    now = 1_800_000_000
    table.put("a", "past", ttl=now)
    table.put("a", "future", ttl=now + 1)
    table.put("a", "ancient", ttl=now - 6 * 365 * 86400)
    table.put("a", "text", ttl=str(now - 5))
    table.put("a", "none")
    seen.clear()
    assert cloud.sweep(now) == 1
    assert table.get("a", "past") is None
    (change,) = changes(seen)
    assert change.keys == item("a", "past")
    assert change.new is None
    assert change.by_ttl
    assert cloud.sweep(now) == 0


def test_pour_what_the_filter_lets_pass(
    table: Table, cloud: Cloud, functions: FakeFunctions
) -> None:
    table.put("CALL#1", "EVENT#1", n=1)
    table.put("CALL#1", "STATE")
    table.put("CALL#1", "EVENT#1", n=2)
    assert cloud.settle()
    (record,) = functions.records()
    assert record["eventName"] == "INSERT"
    assert record["eventSource"] == "aws:dynamodb"
    assert record["dynamodb"]["Keys"] == item("CALL#1", "EVENT#1")
    assert record["dynamodb"]["NewImage"] == item("CALL#1", "EVENT#1", n=1)
    assert "OldImage" not in record["dynamodb"]


def test_removal_by_the_product_is_no_expiry(
    cloud: Cloud, functions: FakeFunctions, table: Table
) -> None:
    table.put("CALL#1", "WAKE", ttl=1)
    key = {"pk": {"S": "CALL#1"}, "sk": {"S": "WAKE"}}
    table.client.delete_item(TableName=table.name, Key=key)
    assert cloud.settle()
    assert "expired" not in functions.events


def test_query_the_index_in_order_and_in_pages(table: Table) -> None:
    for number in (30, 10, 20, 10, 40):
        table.put(
            f"CALL#{number}", f"CALL#{number}", wake_shard="S1", wake_at_ms=number
        )
    table.put("CALL#other", "CALL", wake_shard="S2", wake_at_ms=5)
    table.put("CALL#idle", "CALL", body="x")
    table.put("CALL#half", "CALL", wake_shard="S1")
    times: list[int] = []
    start: dict[str, Any] = {}
    while True:
        page = table.due("S1", Limit=2, **start)
        for found in page["Items"]:
            assert set(found) == {"pk", "sk", "wake_shard", "wake_at_ms"}
            times.append(int(found["wake_at_ms"]["N"]))
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert times == [10, 20, 30, 40]


def delete(pk: str, sk: str) -> dict[str, Any]:
    return {"Delete": {"TableName": Table.name, "Key": item(pk, sk)}}


def unschedule(pk: str, sk: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": Table.name,
            "Key": item(pk, sk),
            "UpdateExpression": "REMOVE wake_shard, wake_at_ms",
        }
    }


def test_index_holds_what_the_table_holds_whatever_happened(
    table: Table, cloud: Cloud
) -> None:
    """Writes, removals, moves, rolled-back transactions, TTL and a reset."""
    luck = random.Random(1)
    shards = ("S0", "S1", "S2")

    def in_table(shard: str) -> set[str]:
        found = table.client.scan(TableName=table.name)["Items"]
        return {
            one["pk"]["S"] for one in found if one.get("wake_shard") == {"S": shard}
        }

    def write() -> None:
        pk = f"CALL#{luck.randrange(12)}"
        scheduled = {"wake_shard": luck.choice(shards), "wake_at_ms": luck.randrange(9)}
        operations = [
            put(pk, "CALL", **scheduled),
            put(
                pk, "CALL", ttl=luck.choice([1_800_000_000, 1_900_000_000]), **scheduled
            ),
            put(pk, "CALL"),
            delete(pk, "CALL"),
            unschedule(pk, "CALL"),
        ]
        transaction = [luck.choice(operations)]
        if luck.random() < 0.3:
            transaction.append(put_if_absent("taken", "CALL"))
        with suppress(ClientError):
            table.client.transact_write_items(TransactItems=transaction)

    for step in range(200):
        write()
        if step % 50 == 49:
            cloud.sweep(1_850_000_000)
        if step == 100:
            cloud.reset()
        for shard in shards:
            found = {one["pk"]["S"] for one in table.due(shard)["Items"]}
            assert found == in_table(shard)


def test_refuse_an_index_that_is_not_there(table: Table) -> None:
    with pytest.raises(ClientError, match="nowhere"):
        table.client.query(
            TableName=table.name,
            IndexName="nowhere",
            KeyConditionExpression="wake_shard = :shard",
            ExpressionAttributeValues={":shard": {"S": "S1"}},
        )


def test_keep_no_item_that_is_gone(table: Table) -> None:
    """moto keeps a list of every instance of its models."""
    table.put("a", "1")
    table.due("S1")
    assert vars(Item)["instances_tracked"] == []
