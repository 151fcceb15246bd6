"""Capacity units of requests, as AWS bills them."""

from typing import Any

import pytest

from infra.costing.capacity import MONTH_SECONDS, Capacity
from infra.costing.layout import Index, Layout
from infra.costing.prices import (
    BACKUP_GB_MONTH,
    GIB,
    READ_UNIT,
    TABLE_GB_MONTH,
    WRITE_UNIT,
)
from infra.costing.tally import Tally
from infra.laptop.observation import AwsRequest, Change

WAKES = Index("wakes", ("shard",), frozenset({"pk", "sk", "shard"}))
CONDITION_FAILED = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
CANCELLED = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
KB = 1024


def item(sk: str, size: int = 10, **more: dict[str, str]) -> dict[str, Any]:
    """So big in all, without ``more``."""
    body = {"S": "x" * (size - len("pk" + "a" + "sk" + sk + "b"))}
    return {"pk": {"S": "a"}, "sk": {"S": sk}, "b": body, **more}


def key(sk: str) -> dict[str, Any]:
    return {"pk": {"S": "a"}, "sk": {"S": sk}}


class Table:
    """Tells a `Capacity` what the laptop cloud would."""

    def __init__(self) -> None:
        self.tally = Tally()
        layout = Layout("calls", ("pk", "sk"), (WAKES,))
        self.capacity = Capacity({"calls": layout}, "ttl", self.tally)
        self.items: dict[str, Any] = {}

    def change(self, sk: str, new: Any, by_ttl: bool = False) -> None:
        old = self.items.get(sk)
        self.items[sk] = new
        self.capacity.change(Change("calls", key(sk), old, new, by_ttl))

    def request(
        self, operation: str, status: int = 200, answer: Any = None, **parameters: Any
    ) -> None:
        self.capacity.request(
            AwsRequest(
                service="dynamodb",
                operation=operation,
                parameters=parameters,
                status=status,
                answer=answer or {},
                seconds=0,
                function="api",
            )
        )

    def put(self, new: dict[str, Any]) -> None:
        self.change(new["sk"]["S"], new)
        self.request("PutItem", TableName="calls", Item=new)

    def units(self, prefix: str = "") -> tuple[float, float]:
        """Written and read."""
        return (
            self.tally.amount(WRITE_UNIT, prefix),
            self.tally.amount(READ_UNIT, prefix),
        )


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def filled(table: Table) -> Table:
    """With an item of 5 KB; what it cost is forgotten."""
    table.put(item("CALL", 5 * KB))
    table.tally = table.capacity.tally = Tally()
    return table


def test_count_a_put(table: Table) -> None:
    table.put(item("CALL", KB))
    table.put(item("LOCK", KB + 1))
    assert table.units() == (3, 0)
    assert table.units("writes, single (LOCK)") == (2, 0)


def test_count_the_larger_of_before_and_after(filled: Table) -> None:
    filled.put(item("CALL"))
    filled.change("CALL", item("CALL", 2 * KB))
    filled.request("UpdateItem", TableName="calls", Key=key("CALL"))
    assert filled.units() == (5 + 2, 0)


def test_count_a_put_that_changes_nothing(filled: Table) -> None:
    filled.request("PutItem", TableName="calls", Item=item("CALL", 5 * KB))
    assert filled.units() == (5, 0)


def test_count_a_delete(filled: Table) -> None:
    filled.change("CALL", None)
    filled.request("DeleteItem", TableName="calls", Key=key("CALL"))
    filled.request("DeleteItem", TableName="calls", Key=key("CALL"))
    assert filled.units() == (5 + 1, 0)


def test_count_a_transaction_twice_item_by_item(filled: Table) -> None:
    filled.change("EVENT#1", item("EVENT#1", KB + 1))
    filled.change("CALL", None)
    filled.request(
        "TransactWriteItems",
        TransactItems=[
            {"Put": {"TableName": "calls", "Item": item("EVENT#1", KB + 1)}},
            {"Delete": {"TableName": "calls", "Key": key("CALL")}},
            {"ConditionCheck": {"TableName": "calls", "Key": key("LOCK")}},
        ],
    )
    assert filled.units("writes, in transactions (EVENT)") == (4, 0)
    assert filled.units("writes, in transactions (CALL)") == (10, 0)
    assert filled.units("writes, in transactions (LOCK)") == (2, 0)


def test_count_a_repeated_transaction_as_reads(table: Table) -> None:
    put = {"Put": {"TableName": "calls", "Item": item("CALL")}}
    table.change("CALL", item("CALL"))
    for _ in range(2):
        table.request(
            "TransactWriteItems", TransactItems=[put], ClientRequestToken="once"
        )
    assert table.units() == (2, 2)


def test_count_what_a_condition_refused(filled: Table) -> None:
    failed = {"__type": CONDITION_FAILED}
    filled.request("UpdateItem", 400, failed, TableName="calls", Key=key("CALL"))
    new = item("CALL", 7 * KB)
    filled.request("PutItem", 400, failed, TableName="calls", Item=new)
    assert filled.units("writes, single refused (CALL)") == (5 + 7, 0)


def test_count_a_cancelled_transaction(table: Table) -> None:
    put = {"Put": {"TableName": "calls", "Item": item("CALL")}}
    for _ in range(2):
        table.request(
            "TransactWriteItems",
            400,
            {"__type": CANCELLED},
            TransactItems=[put],
            ClientRequestToken="once",
        )
    assert table.units("writes, in transactions refused") == (4, 0)


@pytest.mark.parametrize("kind", ["ValidationException", "ThrottlingException"])
def test_count_nothing_for_what_was_not_tried(table: Table, kind: str) -> None:
    table.request("PutItem", 400, {"__type": kind}, TableName="calls", Item=item("A"))
    table.request("GetItem", 400, {"__type": kind}, TableName="calls", Key=key("A"))
    assert table.units() == (0, 0)
    assert table.tally.uncounted == {}


def test_count_a_batch_item_by_item(filled: Table) -> None:
    filled.change("LOCK", item("LOCK"))
    requests = [
        {"PutRequest": {"Item": item("LOCK")}},
        {"DeleteRequest": {"Key": key("CALL")}},
    ]
    filled.request("BatchWriteItem", RequestItems={"calls": requests})
    wanted = {"Keys": [key("CALL"), key("LOCK")]}
    filled.request("BatchGetItem", RequestItems={"calls": wanted})
    assert filled.units() == (1 + 5, (2 + 1) / 2)


@pytest.mark.parametrize(("is_consistent", "units"), [(True, 2), (False, 1)])
def test_count_a_read(filled: Table, is_consistent: bool, units: float) -> None:
    filled.request(
        "GetItem", TableName="calls", Key=key("CALL"), ConsistentRead=is_consistent
    )
    assert filled.units() == (0, units)


def test_count_a_read_of_nothing(table: Table) -> None:
    table.request("GetItem", TableName="calls", Key=key("CALL"))
    assert table.units() == (0, 0.5)


def test_count_a_read_in_a_transaction(filled: Table) -> None:
    get = {"Get": {"TableName": "calls", "Key": key("CALL")}}
    filled.request("TransactGetItems", TransactItems=[get])
    assert filled.units() == (0, 4)


def test_count_a_query_s_items_together(table: Table) -> None:
    found = {"Items": [item("EVENT#1", 3 * KB), item("EVENT#2", 2 * KB)]}
    table.request("Query", answer=found, TableName="calls", ConsistentRead=True)
    table.request("Query", answer={"Items": []}, TableName="calls")
    assert table.units("reads, Query") == (0, 2 + 0.5)
    assert table.tally.uncounted == {}


@pytest.mark.parametrize(
    "more", [{"FilterExpression": "a = b"}, {"Select": "COUNT"}], ids=str
)
def test_tell_of_a_query_that_hides_what_it_reads(
    table: Table, more: dict[str, Any]
) -> None:
    table.request("Query", answer={"Items": []}, TableName="calls", **more)
    assert sum(table.tally.uncounted.values()) == 1


def test_tell_of_a_scan(table: Table) -> None:
    table.request("Scan", TableName="calls")
    assert table.tally.uncounted == {"DynamoDB Scan": 1}


def test_count_an_index_once_even_in_a_transaction(table: Table) -> None:
    new = item("CALL", shard={"S": "7"})
    table.change("CALL", new)
    put = {"Put": {"TableName": "calls", "Item": new}}
    table.request("TransactWriteItems", TransactItems=[put])
    assert table.units("writes to index wakes: CALL") == (1, 0)
    assert table.units("writes, in transactions") == (2, 0)


def test_count_nothing_for_ttl(table: Table) -> None:
    table.put(item("WAKE", shard={"S": "7"}))
    before = table.units()
    table.change("WAKE", None, by_ttl=True)
    assert table.units() == before
    table.request("GetItem", TableName="calls", Key=key("WAKE"))
    assert table.units()[1] == 0.5


def test_count_storage_until_ttl(table: Table) -> None:
    now = 1_700_000_000
    expires_at = now + 2 * MONTH_SECONDS
    table.put(item("CALL", 900, ttl={"N": str(int(expires_at))}, shard={"S": "7"}))
    # The number ends in three zeroes: seven digits.
    size = 900 + len("ttl") + 4 + 1 + len("shard") + 1 + 100
    in_index = len("pksk") + len("aCALL") + len("shard7") + 100
    table.capacity.store(now)
    assert table.tally.amount(TABLE_GB_MONTH) == pytest.approx(
        2 * (size + in_index) / GIB
    )
    assert table.tally.amount(BACKUP_GB_MONTH) == pytest.approx(2 * size / GIB)


def test_tell_of_what_never_expires(table: Table) -> None:
    table.put(item("CALL"))
    table.capacity.store(0)
    assert table.tally.uncounted == {"an item that never expires: CALL": 1}
