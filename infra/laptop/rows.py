"""Where an item lives inside moto's tables."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table


@dataclass(frozen=True)
class Row:
    """The place of one key, whether or not an item is there."""

    table: Table
    hash_key: DynamoType
    range_key: DynamoType | None

    def read(self) -> Item | None:
        partition: Any = self.table.items.get(self.hash_key)
        if partition is not None and self.table.range_key_attr:
            partition = partition.get(self.range_key)
        return partition  # type: ignore[no-any-return]

    def write(self, item: Item | None) -> None:
        """Put ``item`` there, past every check and the stream."""
        rows: Any = self.table.items
        key: DynamoType | None = self.hash_key
        if self.table.range_key_attr:
            rows, key = rows[self.hash_key], self.range_key
        if item is None:
            rows.pop(key, None)
        else:
            rows[key] = item


def stored_items(table: Table) -> Iterator[Item]:
    """Every item, in no order."""
    for partition in table.items.values():
        if table.range_key_attr:
            yield from partition.values()
        else:
            yield partition  # type: ignore[misc]


def items_of(table: Table, hash_key: DynamoType) -> list[Item]:
    """The items of one partition, in no order."""
    partition: Any = table.items.get(hash_key)
    if partition is None:
        return []
    return list(partition.values()) if table.range_key_attr else [partition]


def touched_rows(
    backend: DynamoDBBackend, operations: list[dict[str, Any]]
) -> Iterator[Row]:
    """The rows that a transaction's well-formed operations name."""
    for operation in operations:
        for parameters in operation.values():
            table = backend.tables.get(parameters.get("TableName"))
            key = parameters.get("Key") or parameters.get("Item") or {}
            # What is malformed is refused by moto before it writes anything.
            if table is not None and _key_names(table) <= key.keys():
                yield Row(table, *backend.get_keys_value(table, key))


def put_back(table: Table, attributes: Mapping[str, Any]) -> None:
    """Put the item with these attributes there, past every check and the stream."""
    hash_key = DynamoType(attributes[table.hash_key_attr])
    range_key = None
    if table.range_key_attr is not None:
        range_key = DynamoType(attributes[table.range_key_attr])
    item = Item(hash_key, range_key, dict(attributes))
    Row(table, hash_key, range_key).write(item)


def key_of(table: Table, item: Item) -> dict[str, Any]:
    """The item's key attributes, as a stream record has them."""
    key = {table.hash_key_attr: item.hash_key.to_json()}
    if table.range_key_attr is not None and item.range_key is not None:
        key[table.range_key_attr] = item.range_key.to_json()
    return key


def image_of(item: Item | None) -> dict[str, Any] | None:
    """What the item holds now; an update changes the item itself afterwards."""
    if item is None:
        return None
    image: dict[str, Any] = copy.deepcopy(item.to_json()["Attributes"])
    return image


def _key_names(table: Table) -> set[str]:
    return {name for name in (table.hash_key_attr, table.range_key_attr) if name}
