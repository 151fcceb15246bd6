"""A table's keys and indexes, and what a changed item costs in each index."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from infra.costing.sizes import Item, item_bytes, write_units

Key = tuple[str, ...]
"""The table's name and the values of an item's key."""


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index: which items it holds, and how much of them."""

    name: str
    keys: tuple[str, ...]
    projected: frozenset[str] | None
    """Attributes of an entry, the table's keys included; None for all."""

    def entry(self, item: Item | None) -> Item | None:
        """What the index keeps of ``item``; None if it lacks a key of the index."""
        if item is None or not set(self.keys) <= item.keys():
            return None
        if self.projected is None:
            return item
        return {name: item[name] for name in item if name in self.projected}

    def write_units(self, old: Item | None, new: Item | None) -> int:
        """Of bringing the index up to date; nothing if its entry stays as it was."""
        before, after = self.entry(old), self.entry(new)
        if before == after:
            return 0
        if before is None or after is None:
            return write_units(_bytes(before or after))
        if any(before[name] != after[name] for name in self.keys):
            return write_units(_bytes(before)) + write_units(_bytes(after))
        return write_units(max(_bytes(before), _bytes(after)))


@dataclass(frozen=True, slots=True)
class Layout:
    """What of a table's definition decides its cost."""

    table: str
    keys: tuple[str, ...]
    indexes: tuple[Index, ...] = ()

    @classmethod
    def parse(cls, description: Mapping[str, Any]) -> Self:
        """From the ``Table`` in DescribeTable's answer."""
        keys = _keys(description)
        indexes = description.get("GlobalSecondaryIndexes") or ()
        return cls(
            description["TableName"],
            keys,
            tuple(_index(one, keys) for one in indexes),
        )

    def key_of(self, item: Item) -> Key:
        """Of an item, or of a request's ``Key``."""
        contents = (next(iter(item[name].values())) for name in self.keys)
        return (self.table, *map(str, contents))


def _keys(description: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(element["AttributeName"] for element in description["KeySchema"])


def _index(description: Mapping[str, Any], table_keys: tuple[str, ...]) -> Index:
    keys = _keys(description)
    projection = description["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(description["IndexName"], keys, None)
    more = projection.get("NonKeyAttributes") or ()
    return Index(description["IndexName"], keys, frozenset((*table_keys, *keys, *more)))


def _bytes(entry: Item | None) -> int:
    return item_bytes(entry) if entry else 0
