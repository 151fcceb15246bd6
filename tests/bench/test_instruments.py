"""The instruments measure what they say, on sizes that take no time."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3

from bench import handler, lambda_import, zip_size
from bench.business import Business
from bench.clients import SECRET, Ask, Refused, decoded
from bench.cold_start import PLAIN
from bench.commit_to_webhook import Load, Outcome, commits
from bench.memory_plane import plane_in_memory
from bench.ring_lateness import Rings
from infra import bundle, wiring
from infra.laptop.change import Change
from infra.laptop.state import State
from infra.parts import Function


def _event(sort_key: str, **body: Any) -> Change:
    keys = {"pk": {"S": "CALL#default#c"}, "sk": {"S": sort_key}}
    new = {**keys, "body": {"S": json.dumps({"call_id": "c", **body})}}
    return Change("calls", keys, None, new)


class TestRings:
    INVITED = _event(
        "EVENT#1",
        type="participant.invited",
        at_ms=1_000,
        data={"deadline_at": "1970-01-01T00:00:06.000Z"},
    )

    def test_lateness_is_from_the_deadline_to_the_store(self) -> None:
        rings = Rings(lambda: 7.25)
        rings.observe(self.INVITED)
        rings.observe(_event("CALL", type="participant.missed", at_ms=0, data={}))
        assert not rings.wait_for(1, 0)
        rings.observe(
            _event("EVENT#2", type="participant.missed", at_ms=7_100, data={})
        )
        assert rings.wait_for(1, 0)
        assert rings.lateness_ms() == [(1250.0, 1100.0)]

    def test_early_end_is_seen_as_such(self) -> None:
        rings = Rings(lambda: 5.9)
        rings.observe(self.INVITED)
        rings.observe(
            _event("EVENT#2", type="participant.missed", at_ms=5_900, data={})
        )
        ((stored_ms, said_ms),) = rings.lateness_ms()
        assert stored_ms == pytest.approx(-100) and said_ms == -100


class TestHandler:
    def test_requests_are_counted_by_command(self) -> None:
        stopwatch = handler.Stopwatch()
        with handler.cloud_observed(stopwatch.observe), stopwatch.client_excluded():
            runs = handler.run_calls(
                stopwatch, lambda text: None, runs=2, calls=1, warm_up=1
            )
        assert stopwatch.requests_per_command() == {
            "create": 1,
            "sync": 2,
            "join": 2,
            "leave": 2,
            "start-call": 1,
            "check-call": 1,
            "handle-call": 2,
        }
        assert [len(run["join"]) for run in runs] == [2, 2]
        assert all(value > 0 for value in handler.medians(runs).values())

    def test_client_is_no_work_of_ours(self) -> None:
        stopwatch = handler.Stopwatch()

        def least_ms() -> float:
            for _ in range(5):
                handler.hold_call(stopwatch)
            return min(stopwatch.take()["create"])

        with handler.cloud_observed(stopwatch.observe):
            with_client = least_ms()
            with stopwatch.client_excluded():
                assert 0 < least_ms() < with_client

    def test_memory_needs_no_request(self) -> None:
        stopwatch = handler.Stopwatch()
        with plane_in_memory(SECRET):
            handler.hold_call(stopwatch)
        assert stopwatch.requests_per_command()["create"] == 0

    def test_refusal_does_not_pass_for_an_answer(self) -> None:
        with pytest.raises(Refused, match="join answered 400"):
            decoded("join", 400, "{}")


@pytest.fixture(scope="module")
def local_bundle() -> Path:
    return bundle.build(bundle.Target.LOCAL)


@pytest.mark.parametrize("function", wiring.FUNCTIONS, ids=lambda one: str(one.name))
def test_cold_start_gets_through_its_first_run(
    local_bundle: Path, function: Function
) -> None:
    event = lambda_import.event_for(function.name)
    assert event or function in (wiring.SWEEP,)
    start = lambda_import.start_once(local_bundle, function.handler, event)
    assert start["error"] is None
    assert start["status"] in (None, 200)
    assert start["import_ms"] > 0 and start["first_ms"] > 0


def test_plain_start_answers_without_the_composition_root(
    local_bundle: Path,
) -> None:
    event = lambda_import.event_for("plain")
    start = lambda_import.start_once(local_bundle, PLAIN, event)
    assert (start["status"], start["error"]) == (404, None)


def test_zip_holds_all_that_is_below_the_folder(tmp_path: Path) -> None:
    empty = zip_size.zipped_bytes(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "module.py").write_bytes(bytes(range(256)) * 4)
    assert empty + 256 < zip_size.zipped_bytes(tmp_path) < empty + 1024


class TestWebhooks:
    def test_business_dates_the_first_of_each_webhook(self) -> None:
        with Business() as business:
            for event_id in ("1-1", "1-2", "1-1"):
                urllib3.request(
                    "POST", business.url, body=b"{}", headers={"X-Event-ID": event_id}
                )
            assert business.wait_for(2, 5)
            assert list(business.came_ms) == ["1-1", "1-2"]
            assert business.repeats == 1
            assert not business.wait_for(3, 0)

    def test_commits_are_read_from_what_the_stack_kept(self, tmp_path: Path) -> None:
        state = State(tmp_path)
        state.open()
        state.write(
            [
                _event("CALL", version=1),
                _event("EVENT#1", event_id="1-1", at_ms=5),
                _event("EVENT#2", event_id="1-2", at_ms=6),
            ]
        )
        state.close()
        assert commits(tmp_path) == {"1-1": 5, "1-2": 6}

    def test_outcome_of_a_load_is_told_in_a_line(self) -> None:
        load = Load("steady", 5, 30)
        line = Outcome(1050, [1.0, 2.0], 0, 31.0).line(load)
        assert load.calls == 150
        assert "2 of 1050 webhooks" in line
        assert "none came" in Outcome(7, [], 1, 1.0).line(load)


def test_request_is_the_one_that_the_gateway_makes() -> None:
    event = Ask("join", "POST", "/api/v1/rooms/r/join", "bob", {"uid": "bob"}).event()
    assert event["version"] == "2.0"
    assert json.loads(event["body"]) == {"uid": "bob"}
    assert event["headers"]["authorization"].startswith("Bearer ")
    assert event["requestContext"]["timeEpoch"] <= time.time_ns() // 10**6  # noqa: TID251
