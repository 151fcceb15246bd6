"""Lambda's filter patterns."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import wiring
from infra.laptop.filters import matches, matches_any

EVENT = {
    "eventName": "INSERT",
    "dynamodb": {"Keys": {"pk": {"S": "CALL#1"}, "sk": {"S": "EVENT#0001"}}},
}


def test_match_nested_prefix_and_equality() -> None:
    (pattern,) = wiring.STREAM_MAPPINGS[0].filters
    assert matches(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["REMOVE"]},
        {"eventName": ["insert"]},
        {"eventName": []},
        {"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "WAKE"}]}}}},
        {"dynamodb": {"Keys": {"sk": {"N": [{"prefix": "EVENT"}]}}}},
        {"userIdentity": {"type": ["Service"]}},
        {"eventName": ["INSERT"], "other": ["x"]},
    ],
)
def test_refuse_what_differs_in_one_field(pattern: dict[str, Any]) -> None:
    assert not matches(pattern, EVENT)


@pytest.mark.parametrize(
    ("pattern", "record", "expected"),
    [
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": [None]}, {"a": None}, True),
        ({"a": [None]}, {}, False),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": [{"exists": False}]}, {"a": "x"}, False),
        ({"a": [{"exists": True}]}, {"a": "x"}, True),
        ({"a": {"b": [{"exists": False}]}}, {"a": "x"}, True),
        ({"a": [{"anything-but": ["x"]}]}, {"a": "y"}, True),
        ({"a": [{"anything-but": ["x"]}]}, {"a": "x"}, False),
        ({"a": [{"anything-but": ["x"]}]}, {}, False),
        ({"a": ["x"]}, {"a": ["w", "x"]}, True),
        ({"a": [1]}, {"a": True}, False),
        ({"a": [{"prefix": "1"}]}, {"a": 1}, False),
    ],
)
def test_match_rules(
    pattern: dict[str, Any], record: dict[str, Any], expected: bool
) -> None:
    assert matches(pattern, record) is expected


@pytest.mark.parametrize(
    "pattern", [{"a": "x"}, {"a": [{"suffix": "x"}]}, {"a": [{"prefix": "x", "y": 1}]}]
)
def test_tell_an_unknown_pattern(pattern: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="filter"):
        matches(pattern, {"a": "x"})


def test_let_all_pass_without_patterns() -> None:
    assert matches_any((), EVENT)
    assert not matches_any(({"eventName": ["REMOVE"]},), EVENT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_never_fail_on_any_record(record: Any) -> None:
    (pattern,) = wiring.STREAM_MAPPINGS[0].filters
    matches(pattern, record)


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_match_a_record_by_its_own_values(record: dict[str, str]) -> None:
    assert matches({name: [value] for name, value in record.items()}, record)
