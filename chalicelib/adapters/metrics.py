"""Metrics in CloudWatch's embedded format: lines of the function's own log."""

import logging
from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.services.measures import MILLISECONDS, PERCENT, Measure

log = logging.getLogger(__name__)

NAMESPACE = "Parley"
SERVICE = "parley"
"""The one dimension, ``service``: a worker's metrics of the same names are another's.

Powertools' metrics come with its Logger, so they cost no import."""


class EmfMeter:
    """A `Meter` that prints one line for all that it is told at once."""

    def tell(self, values: Mapping[Measure, float]) -> None:
        try:
            lines = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
            for measure, value in values.items():
                lines.add_metric(measure.value, unit_of(measure), value)
            lines.flush_metrics()
        except Exception:
            # Whoever was measured has done its work.
            log.exception("not measured")


class Unmeasured:
    """A `Meter` where nobody looks at metrics."""

    def tell(self, values: Mapping[Measure, float]) -> None:
        """Nothing is kept."""


def unit_of(measure: Measure) -> MetricUnit:
    if measure in MILLISECONDS:
        return MetricUnit.Milliseconds
    return MetricUnit.Percent if measure in PERCENT else MetricUnit.Count
