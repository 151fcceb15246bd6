"""The worker's metrics as lines of its log, once a minute."""

import asyncio
import json
import logging

import pytest

from infra.components import metrics
from mediaworker.control.emf import MINUTE_SECONDS, SERVICE, MetricLines
from mediaworker.logs import JsonLines

NOW_MS = 1_700_000_000_000
LONGEST_LINE = 500
"""Bytes; 43,200 such lines a month are a cent."""


class World:
    """Readings that a test sets, and the lines that were logged."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.INFO)
        self.readings: dict[str, float] = {}
        self.slept: list[float] = []
        self.lines = MetricLines(lambda: self.readings, lambda: NOW_MS, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise asyncio.CancelledError

    def told(self) -> list[dict[str, object]]:
        lines = JsonLines("worker1")
        records = [one for one in self._caplog.records if one.message == "metrics"]
        return [json.loads(lines.format(record)) for record in records]


@pytest.fixture
def world(caplog: pytest.LogCaptureFixture) -> World:
    return World(caplog)


def test_tell_how_the_minute_went(world: World) -> None:
    world.readings = {
        "tick_lateness_p99_seconds": 0.0031459,
        "sessions": 50,
        "capacity": 200,
        "frames_dropped_total": 7,
    }
    world.lines.tell()
    (line,) = world.told()
    assert (line["TickLateness"], line["Load"], line["FramesDropped"]) == (3.146, 25, 7)
    assert line["service"] == SERVICE == metrics.WORKER_SERVICE
    assert line["_aws"] == {
        "Timestamp": NOW_MS,
        "CloudWatchMetrics": [
            {
                "Namespace": "Parley",
                "Dimensions": [["service"]],
                "Metrics": [
                    {"Name": metrics.TICK_LATENESS, "Unit": "Milliseconds"},
                    {"Name": metrics.WORKER_LOAD, "Unit": "Percent"},
                    {"Name": metrics.FRAMES_DROPPED, "Unit": "Count"},
                ],
            }
        ],
    }
    assert line["worker_id"] == "worker1"
    assert len(json.dumps(line)) < LONGEST_LINE


def test_tell_the_frames_that_were_dropped_since(world: World) -> None:
    for total in (7, 7, 19):
        world.readings["frames_dropped_total"] = total
        world.lines.tell()
    assert [line["FramesDropped"] for line in world.told()] == [7, 0, 12]


def test_tell_of_a_worker_that_has_measured_nothing_yet(world: World) -> None:
    world.lines.tell()
    (line,) = world.told()
    assert (line["TickLateness"], line["Load"], line["FramesDropped"]) == (0, 0, 0)


def test_tell_once_a_minute(world: World) -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(world.lines.run())
    assert world.slept == [MINUTE_SECONDS] * 3
    assert len(world.told()) == 2
