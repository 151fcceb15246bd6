"""Tasks and deployments of workers, from an event to the machine's next state."""

import pytest

from chalicelib import bootstrap
from chalicelib.protocol.envelope import UnknownVersion
from chalicelib.protocol.retirement import Retirement
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
    following = workers.task_stopped({"v": 1, "task_arn": "arn:1"}, None)
    assert following == workers.task_stopped({"task_arn": "arn:1"}, None)
    assert following == {
        "v": 1,
        "task_arn": "arn:1",
        "wait_seconds": wait_seconds,
        "is_over": is_over,
    }


class FakeRetiring:
    def look(self, retirement: Retirement) -> Retirement:
        assert retirement == Retirement("arn:s", "ecs-svc/1")
        return Retirement("arn:s", "ecs-svc/1", began_at_ms=5, wait_seconds=15)


def test_retire_answers_the_next_state_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "retiring", FakeRetiring)
    event = {"v": 1, "service_arn": "arn:s", "deployment_id": "ecs-svc/1"}
    following = workers.retire(event, None)
    assert following == {
        "v": 1,
        "service_arn": "arn:s",
        "deployment_id": "ecs-svc/1",
        "began_at_ms": 5,
        "wait_seconds": 15,
        "is_over": False,
    }


def test_state_of_another_release_s_machine_is_refused() -> None:
    with pytest.raises(UnknownVersion):
        workers.task_stopped({"v": 9, "task_arn": "arn:1"}, None)
