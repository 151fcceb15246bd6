"""The reads and writes inside DynamoDB's requests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.costing.layout import Key, Layout
from infra.costing.sizes import CONSISTENT, EVENTUAL, TRANSACTIONAL, Item

TRANSACT_WRITE = "TransactWriteItems"
WRITES = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", TRANSACT_WRITE}
)
READS = frozenset({"GetItem", "BatchGetItem", "TransactGetItems"})

PARTIAL = ("ProjectionExpression", "FilterExpression", "AttributesToGet", "QueryFilter")
"""With one of these a query's answer is not all that it has read."""

Layouts = Mapping[str, Layout]


@dataclass(frozen=True, slots=True)
class Write:
    """One item that a request writes, or checks within a transaction."""

    key: Key
    item: Item | None
    """What is put; None for every other write."""


@dataclass(frozen=True, slots=True)
class Read:
    """One item that a request names by its key."""

    key: Key
    consistency: float


def writes_of(
    operation: str, parameters: Mapping[str, Any], layouts: Layouts
) -> Iterator[Write]:
    """Every write of a request, in its order."""
    if operation == TRANSACT_WRITE:
        for action in parameters["TransactItems"]:
            for one in action.values():
                yield _write(one["TableName"], one, layouts)
    elif operation == "BatchWriteItem":
        for table, requests in parameters["RequestItems"].items():
            for request in requests:
                for one in request.values():
                    yield _write(table, one, layouts)
    else:
        yield _write(parameters["TableName"], parameters, layouts)


def reads_of(
    operation: str, parameters: Mapping[str, Any], layouts: Layouts
) -> Iterator[Read]:
    """Every read of a request that names its keys."""
    if operation == "TransactGetItems":
        for action in parameters["TransactItems"]:
            get = action["Get"]
            yield _read(get["TableName"], get["Key"], TRANSACTIONAL, layouts)
    elif operation == "BatchGetItem":
        for table, wanted in parameters["RequestItems"].items():
            for key in wanted["Keys"]:
                yield _read(table, key, consistency_of(wanted), layouts)
    else:
        consistency = consistency_of(parameters)
        yield _read(parameters["TableName"], parameters["Key"], consistency, layouts)


def consistency_of(parameters: Mapping[str, Any]) -> float:
    return CONSISTENT if parameters.get("ConsistentRead") else EVENTUAL


def is_partial(parameters: Mapping[str, Any]) -> bool:
    """Whether a query's answer leaves out what it has read."""
    if any(parameters.get(name) for name in PARTIAL):
        return True
    return parameters.get("Select") in ("COUNT", "SPECIFIC_ATTRIBUTES")


def _write(table: str, parameters: Mapping[str, Any], layouts: Layouts) -> Write:
    item = parameters.get("Item")
    return Write(layouts[table].key_of(item or parameters["Key"]), item)


def _read(
    table: str, key: Mapping[str, Any], consistency: float, layouts: Layouts
) -> Read:
    return Read(layouts[table].key_of(key), consistency)
