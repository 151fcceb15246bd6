"""Item sizes and capacity units, by the rules that AWS documents."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.costing.layout import Index, Layout
from infra.costing.sizes import (
    CONSISTENT,
    EVENTUAL,
    TRANSACTIONAL,
    binary_bytes,
    item_bytes,
    number_bytes,
    read_units,
    value_bytes,
    write_units,
)

SCALARS = st.one_of(
    st.fixed_dictionaries({"S": st.text()}),
    st.fixed_dictionaries({"N": st.integers().map(str)}),
    st.fixed_dictionaries({"BOOL": st.booleans()}),
    st.fixed_dictionaries({"NULL": st.just(True)}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"L": st.lists(inner, max_size=4)}),
        st.fixed_dictionaries({"M": st.dictionaries(st.text(), inner, max_size=4)}),
    ),
    max_leaves=8,
)
ITEMS = st.dictionaries(st.text(min_size=1), VALUES, max_size=5)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "né"}, 3),
        ({"S": "😀"}, 4),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "27"}, 2),
        ({"N": "127"}, 3),
        ({"N": "-127"}, 3),
        ({"N": "1000000"}, 2),
        ({"N": "0.00050"}, 2),
        ({"N": "12.50"}, 3),
        ({"N": "1.5e10"}, 2),
        ({"N": "1700000000123"}, 8),
        ({"B": base64.b64encode(b"12345").decode()}, 5),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "123"]}, 5),
        ({"BS": ["AQ=="]}, 1),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 1 + 2 + 1 + 2),
        ({"M": {}}, 3),
        ({"M": {"key": {"S": "ab"}}}, 3 + 1 + 3 + 2),
        ({"M": {"a": {"L": [{"NULL": True}]}}}, 3 + 1 + 1 + 3 + 1 + 1),
    ],
)
def test_size_value(value: dict[str, Any], size: int) -> None:
    assert value_bytes(value) == size


def test_size_item_with_its_names() -> None:
    assert item_bytes({"pk": {"S": "a"}, "ttl": {"N": "12"}}) == 2 + 1 + 3 + 2
    assert item_bytes({}) == 0


def test_refuse_a_type_that_dynamodb_has_not() -> None:
    with pytest.raises(ValueError, match="DynamoDB has no type X"):
        value_bytes({"X": "1"})


@given(st.integers(min_value=0, max_value=10**37), st.integers(0, 60))
def test_trim_a_number_s_zeroes(number: int, zeroes: int) -> None:
    assert number_bytes(str(number * 10**zeroes)) == number_bytes(str(number))
    assert 1 <= number_bytes(str(number)) <= 20


@given(st.binary(max_size=50))
def test_size_binary_raw(raw: bytes) -> None:
    assert binary_bytes(base64.b64encode(raw).decode()) == len(raw)


@given(ITEMS, ITEMS)
def test_add_up_over_attributes(one: dict[str, Any], other: dict[str, Any]) -> None:
    distinct = {name: value for name, value in other.items() if name not in one}
    assert item_bytes(one | distinct) == item_bytes(one) + item_bytes(distinct)


@given(ITEMS)
def test_nest_at_three_bytes_and_one_each(item: dict[str, Any]) -> None:
    assert value_bytes({"M": item}) == 3 + len(item) + item_bytes(item)


@given(st.integers(min_value=1, max_value=400 * 1024))
def test_round_up_to_whole_units(size: int) -> None:
    units = write_units(size)
    assert (units - 1) * 1024 < size <= units * 1024
    units = int(read_units(size, CONSISTENT))
    assert (units - 1) * 4096 < size <= units * 4096


@pytest.mark.parametrize(
    ("size", "writes", "reads"),
    [(0, 1, 1), (1, 1, 1), (1024, 1, 1), (1025, 2, 1), (4096, 4, 1), (4097, 5, 2)],
)
def test_count_units_at_their_edges(size: int, writes: int, reads: int) -> None:
    assert write_units(size) == writes
    assert read_units(size, CONSISTENT) == reads
    assert read_units(size, EVENTUAL) == reads / 2
    assert read_units(size, TRANSACTIONAL) == reads * 2


def entry(shard: str | None = None, **more: str) -> dict[str, Any]:
    item: dict[str, Any] = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    if shard is not None:
        item["shard"] = {"S": shard}
    return item | {name: {"S": text} for name, text in more.items()}


KEYS_ONLY = Index("wakes", ("shard",), frozenset({"pk", "sk", "shard"}))
ALL = Index("wakes", ("shard",), None)
BIG = "x" * 1024


@pytest.mark.parametrize(
    ("index", "old", "new", "units"),
    [
        (KEYS_ONLY, None, entry(), 0),
        (KEYS_ONLY, None, entry("1"), 1),
        (KEYS_ONLY, None, entry("1", body=BIG), 1),
        (ALL, None, entry("1", body=BIG), 2),
        (KEYS_ONLY, entry("1"), entry("1", body="new"), 0),
        (ALL, entry("1"), entry("1", body="new"), 1),
        (ALL, entry("1", body=BIG), entry("1"), 2),
        (KEYS_ONLY, entry("1"), entry("2"), 2),
        (ALL, entry("1", body=BIG), entry("2"), 3),
        (KEYS_ONLY, entry("1"), entry(), 1),
        (KEYS_ONLY, entry("1"), None, 1),
        (ALL, entry(body="old"), entry(body="new"), 0),
    ],
)
def test_count_writes_to_an_index(index: Index, old: Any, new: Any, units: int) -> None:
    assert index.write_units(old, new) == units


@given(st.none() | ITEMS, st.none() | ITEMS)
def test_write_an_index_only_if_its_entry_changes(old: Any, new: Any) -> None:
    is_same = ALL.entry(old) == ALL.entry(new)
    assert (ALL.write_units(old, new) == 0) == is_same


def test_read_a_layout_from_a_table_s_description() -> None:
    key = [{"AttributeName": "pk"}, {"AttributeName": "sk"}]
    wake = [{"AttributeName": "shard"}]

    def index(name: str, **projection: Any) -> dict[str, Any]:
        return {"IndexName": name, "KeySchema": wake, "Projection": projection}

    layout = Layout.parse(
        {
            "TableName": "calls",
            "KeySchema": key,
            "GlobalSecondaryIndexes": [
                index("all", ProjectionType="ALL"),
                index("keys", ProjectionType="KEYS_ONLY"),
                index("more", ProjectionType="INCLUDE", NonKeyAttributes=["ttl"]),
            ],
        }
    )
    assert [one.projected for one in layout.indexes] == [
        None,
        {"pk", "sk", "shard"},
        {"pk", "sk", "shard", "ttl"},
    ]
    assert layout.key_of(entry("1")) == ("calls", "a", "b")
