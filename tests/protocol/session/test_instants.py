"""Instants are written as ISO 8601 writes them, and read back exactly."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.instants import LAST_MS, parse, render
from tests.protocol.session.strategies import patient

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@patient
@given(at_ms=st.integers(0, LAST_MS))
def test_instant_goes_both_ways_and_agrees_with_the_calendar(at_ms: int) -> None:
    text = render(at_ms)
    assert parse(text) == at_ms
    assert datetime.fromisoformat(text) == EPOCH + timedelta(milliseconds=at_ms)


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2024-01-01T12:00:00Z", 1_704_110_400_000),
        ("2024-01-01t12:00:00.5z", 1_704_110_400_500),
        ("2024-01-01T12:00:00.123456789Z", 1_704_110_400_123),
        ("2024-01-01T14:00:00+02:00", 1_704_110_400_000),
        ("2024-01-01T06:30:00-05:30", 1_704_110_400_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999Z", LAST_MS),
    ],
)
def test_parse_what_clients_write(text: str, at_ms: int) -> None:
    assert parse(text) == at_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-01-01",
        "2024-01-01T12:00:00",
        "2024-01-01 12:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:60Z",
        "1970-01-01T00:00:00+01:00",
        "1969-12-31T23:59:59Z",
        "2024-01-01T12:00:00Z\n",
    ],
)
def test_refuse_what_is_no_instant(text: str) -> None:
    assert parse(text) is None


def test_fraction_is_written_only_where_there_is_one() -> None:
    assert render(1_704_110_400_000) == "2024-01-01T12:00:00Z"
    assert render(1_704_110_400_007) == "2024-01-01T12:00:00.007Z"
