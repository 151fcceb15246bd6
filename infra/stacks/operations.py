"""What operators look at, and are called by."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from chalicelib.services.measures import Measure
from infra import alarms, wiring
from infra.alarms import Alarm
from infra.components.alarm import add_alarm
from infra.components.dashboard import OperationsDashboard, Shown
from infra.components.media_alarms import (
    watch_balancer,
    watch_deployments,
    watch_edge,
)
from infra.components.metrics import (
    LANE_AGE,
    TICK_LATENESS,
    measure_lanes,
    measured,
    of_workers,
)
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.events import EventsStack
from infra.stacks.media import MediaStack


class OperationsStack(cdk.Stack):
    """The alarms that need more than one resource, and the dashboard; in no emulated
    cloud. Alarms of one resource stand beside it, in its own stack."""

    def __init__(
        self,
        scope: Construct,
        *,
        data: DataStack,
        events: EventsStack,
        api: ApiStack,
        media: MediaStack,
    ) -> None:
        super().__init__(
            scope, "ParleyOperations", description="Parley: alarms and dashboard"
        )
        self._topic = data.alarms
        measure_lanes(self, events.functions[wiring.REDELIVER.name].logs)
        self._raised = [
            self._raise(alarms.COMMIT_TO_PUSH, measured(Measure.COMMIT_TO_PUSH, "max")),
            self._raise(alarms.RING_LATENESS, measured(Measure.RING_LATENESS, "max")),
            self._raise(alarms.LANE_AGE, measured(LANE_AGE, "max")),
            self._raise(alarms.LEASE_AGE, measured(Measure.LEASE_AGE, "max")),
            self._raise(alarms.NO_WORKERS, _takers()),
            self._raise(alarms.LOAD, measured(Measure.LOAD, "max")),
            self._raise(alarms.TICK_LATENESS, of_workers(TICK_LATENESS, "max")),
        ]
        watch_balancer(self, media.audio.balancer, media.audio.targets, self._topic)
        watch_edge(self, "UnhealthyEdge", media.phones.targets, self._topic)
        watch_deployments(self, media.cluster, self._topic)
        OperationsDashboard(self, "Page", self._shown(data, events, api))

    def _shown(self, data: DataStack, events: EventsStack, api: ApiStack) -> Shown:
        functions = {**events.functions, wiring.API.name: api.function}
        waiting = [
            queue.metric_approximate_number_of_messages_visible(
                period=cdk.Duration.minutes(1), statistic="max"
            )
            for queue in events.queues.values()
        ]
        return Shown(
            api.api,
            data.table,
            {name: functions[name].function for name in SHOWN},
            waiting,
            self._raised,
        )

    def _raise(self, alarm: Alarm, metric: cloudwatch.IMetric) -> cloudwatch.Alarm:
        name = "".join(word.capitalize() for word in alarm.name.split("-"))
        return add_alarm(self, name, alarm=alarm, metric=metric, topic=self._topic)


SHOWN = (
    *(wiring.API.name, wiring.OUTBOX.name, wiring.NOTIFY.name, wiring.WAKE.name),
    *(wiring.DELIVER.name, wiring.REDELIVER.name, wiring.SWEEP.name),
)
"""Functions on the dashboard."""


def _takers() -> cloudwatch.MathExpression:
    """Workers that take new sessions, or would if they were not full."""
    return cloudwatch.MathExpression(
        expression="workers - draining",
        label="workers that stay",
        using_metrics={
            "workers": measured(Measure.WORKERS, "max"),
            "draining": measured(Measure.WORKERS_DRAINING, "max"),
        },
        period=cdk.Duration.minutes(1),
    )
