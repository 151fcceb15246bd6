"""moto's global indexes without a look at every item of the table."""

from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from infra.laptop.rows import Row, stored_items

Place = tuple[DynamoType, DynamoType | None]


@dataclass(slots=True)
class _Index:
    table: Table
    attribute: str
    """The index's partition key."""
    places: dict[Any, dict[Place, None]] = field(default_factory=dict)
    """May name too many items of a partition, and never too few."""

    def note(self, item: Item) -> None:
        value = item.attrs.get(self.attribute)
        if value is not None:
            place = (item.hash_key, item.range_key)
            self.places.setdefault(value.value, {})[place] = None

    def items(self, value: Any) -> list[Item]:
        places = self.places.get(value, {})
        found = []
        for place in list(places):
            item = Row(self.table, *place).read()
            held = item.attrs.get(self.attribute) if item is not None else None
            if item is None or held is None or held.value != value:
                del places[place]
            else:
                found.append(item)
        return found


class SparseIndexes:
    """Learnt from every write; an index that nobody has queried costs nothing."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Index] = {}

    def note(self, table: Table, item: Item) -> None:
        """Told of every write, before it is known whether it is undone."""
        for index in self._known.values():
            if index.table is table:
                index.note(item)

    def items(self, table: Table, name: str, key: DynamoType) -> list[Item]:
        """The items of one partition of the index, in no order."""
        index = self._known.get((table.name, name))
        if index is None or index.table is not table:
            index = _Index(table, _partition_key(table, name))
            for item in stored_items(table):
                index.note(item)
            self._known[table.name, name] = index
        return index.items(key.value)


def _partition_key(table: Table, name: str) -> str:
    """Of an index that is not there: nothing, and moto refuses the query."""
    keys = (
        key
        for index in table.all_indexes()
        if index.name == name
        for key in index.schema
        if key["KeyType"] == "HASH"
    )
    return next((key["AttributeName"] for key in keys), "")
