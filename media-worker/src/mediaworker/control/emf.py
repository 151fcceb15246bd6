"""The worker's metrics as lines of its log, in CloudWatch's embedded format.

One line a minute: what is read off is there already, and the line goes to the thread
that writes the log. The numbers are those of ``/metrics``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

logger = logging.getLogger(__name__)

NAMESPACE = "Parley"
SERVICE = "media-worker"
"""The one dimension, ``service``: the control plane's ``Load`` is another. The worker's
id is a field of the line and no dimension, so that workers come and go for nothing."""
MINUTE_SECONDS = 60.0

TICK_LATENESS, LOAD, FRAMES_DROPPED = "TickLateness", "Load", "FramesDropped"
UNITS = {TICK_LATENESS: "Milliseconds", LOAD: "Percent", FRAMES_DROPPED: "Count"}

Readings = Callable[[], Mapping[str, float]]


class MetricLines:
    """Tells once a minute how the last one went."""

    def __init__(
        self,
        readings: Readings,
        epoch_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._readings = readings
        self._epoch_ms = epoch_ms
        self._sleep = sleep
        self._dropped = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._sleep(MINUTE_SECONDS)
            self.tell()

    def tell(self) -> None:
        """The fields of the log's line are what CloudWatch reads."""
        readings = self._readings()
        dropped = readings.get("frames_dropped_total", 0.0)
        values = {
            TICK_LATENESS: 1_000 * readings.get("tick_lateness_p99_seconds", 0.0),
            LOAD: _load(readings),
            FRAMES_DROPPED: dropped - self._dropped,
        }
        self._dropped = dropped
        logger.info("metrics", extra=_line(values, self._epoch_ms()))


def _load(readings: Mapping[str, float]) -> float:
    capacity = readings.get("capacity", 0.0)
    return 100 * readings.get("sessions", 0.0) / capacity if capacity else 0.0


def _line(values: Mapping[str, float], at_ms: int) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in values]
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["service"]],
        "Metrics": metrics,
    }
    return {
        "_aws": {"Timestamp": at_ms, "CloudWatchMetrics": [directive]},
        "service": SERVICE,
        **{name: round(value, 3) for name, value in values.items()},
    }
