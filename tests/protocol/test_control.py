"""What Parley's parts tell each other reads back as it was written."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.control import (
    Doorbell,
    HealthStatus,
    Outcome,
    Redelivery,
    WorkerHealth,
)
from chalicelib.protocol.envelope import CURRENT, UnknownVersion, version_of

DOORBELL = Doorbell("default", "call-1", 3, "101-3", "room.finished", 5, {"uid": "bob"})
REDELIVERY = Redelivery("default", "call-1", 3, "101-3", "e1", 2, 5)


def test_doorbell_goes_both_ways() -> None:
    assert Doorbell.parse(DOORBELL.render()) == DOORBELL
    assert DOORBELL.render()["v"] == CURRENT


@given(outcome=st.sampled_from(Outcome), attempt=st.integers(2, 10))
def test_redelivery_goes_both_ways(outcome: Outcome, attempt: int) -> None:
    redelivery = Redelivery("t", "c", 1, "w", "e", attempt, 60, outcome)
    assert Redelivery.parse(redelivery.render()) == redelivery


@given(lease=st.text(max_size=32), through_seq=st.integers(0, 10))
def test_redelivery_of_a_lane_or_a_range_goes_both_ways(
    lease: str, through_seq: int
) -> None:
    redelivery = replace(REDELIVERY, lease=lease, through_seq=through_seq)
    assert Redelivery.parse(redelivery.render()) == redelivery


def test_redelivery_of_the_release_before_is_of_one_webhook() -> None:
    value = REDELIVERY.render()
    del value["lease"], value["through_seq"]
    assert Redelivery.parse(value) == REDELIVERY


@given(status=st.sampled_from(HealthStatus), sessions=st.integers(0, 500))
def test_worker_health_goes_both_ways(status: HealthStatus, sessions: int) -> None:
    health = WorkerHealth("w1", status, sessions)
    assert WorkerHealth.parse(health.render()) == health


@pytest.mark.parametrize("v", [None, True, "1", 0, CURRENT + 1])
def test_value_of_another_release_is_refused(v: Any) -> None:
    with pytest.raises(UnknownVersion):
        Doorbell.parse({**DOORBELL.render(), "v": v})


def test_version_is_the_writers() -> None:
    assert version_of({"v": CURRENT}) == CURRENT


@pytest.mark.parametrize("missing", ["tenant", "seq", "endpoint_id"])
def test_redelivery_without_a_field_is_refused(missing: str) -> None:
    value = REDELIVERY.render()
    del value[missing]
    with pytest.raises(KeyError):
        Redelivery.parse(value)
