"""A stopped task of a worker, from its event to the machine's next state."""

import pytest

from chalicelib import bootstrap
from chalicelib.triggers import workers


class FakeFleet:
    def __init__(self, wait_ms: int | None) -> None:
        self.wait_ms = wait_ms

    def hear_stopped(self, task_arn: str) -> int | None:
        assert task_arn == "arn:1"
        return self.wait_ms


@pytest.mark.parametrize(
    ("wait_ms", "wait_seconds", "is_over"),
    [(None, 0, True), (1000, 1, False), (6501, 7, False)],
)
def test_machine_waits_until_the_lease_is_old(
    monkeypatch: pytest.MonkeyPatch,
    wait_ms: int | None,
    wait_seconds: int,
    is_over: bool,
) -> None:
    monkeypatch.setattr(bootstrap, "fleet", lambda: FakeFleet(wait_ms))
    assert workers.task_stopped({"task_arn": "arn:1"}, None) == {
        "task_arn": "arn:1",
        "wait_seconds": wait_seconds,
        "is_over": is_over,
    }
