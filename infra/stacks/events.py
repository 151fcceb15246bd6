"""From the table's stream to the bus, and from the bus to businesses."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import wiring
from infra.components.alarm import add_alarm
from infra.components.dead_letters import dead_letter_queue
from infra.components.deployment import Deployment, construct_id
from infra.components.findings import accept
from infra.components.function import ParleyFunction
from infra.components.machine import state_machine
from infra.components.rule import add_rule, add_schedule
from infra.components.stream import FailureBucket, map_stream
from infra.parts import Rule
from infra.stacks.data import DataStack
from infra.stacks.sockets import SocketsStack

MACHINE_VARIABLES = {
    wiring.REDELIVERY.name: wiring.Variable.REDELIVERY_MACHINE_ARN,
}

ACCEPTED_FOR_STREAMS = {
    "IAM5[Resource::<FailedBatches983C92EC.Arn>/*]": (
        "Lambda names the objects of failed batches."
    ),
    "IAM5[Resource::ParleyData:ExportsOutputFnGetAttCalls3682725CArn80945558"
    "/stream/*]": "The permission to list the streams of one table has this form.",
}


class EventsStack(cdk.Stack):
    """Every function that no client calls."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        data: DataStack,
        sockets: SocketsStack,
    ) -> None:
        super().__init__(scope, "ParleyEvents", description="Parley: events, webhooks")
        self._data = data
        self._bus = events.EventBus(self, "Bus")
        self._queues = {
            queue.name: dead_letter_queue(self, queue, data.alarms)
            for queue in wiring.QUEUES
        }
        self._functions = {
            function.name: ParleyFunction(self, function, deployment)
            for function in wiring.FUNCTIONS
            if function.name not in wiring.BEHIND_GATEWAYS
        }
        for function in self._functions.values():
            function.use_table(data.table)
            function.use_secret(data.secret)
            function.use_key(data.key)
            function.use_bus(self._bus)
            sockets.let_post(function)
        self._map_streams(FailureBucket(self, "FailedBatches", deployment))
        self._machines = {
            wired.name: state_machine(self, wired, self._functions, self._queues)
            for wired in wiring.STATE_MACHINES
        }
        for function in self._functions.values():
            self.let_start(function)
        self._watch_express_machines()
        self._add_rules()
        self._add_schedules()
        self._add_outputs()

    def _map_streams(self, failures: FailureBucket) -> None:
        for mapping in wiring.STREAM_MAPPINGS:
            function = self._functions[mapping.function]
            map_stream(self._data.table, function, mapping, failures)
            for finding, reason in ACCEPTED_FOR_STREAMS.items():
                accept(function, finding, reason)
            add_alarm(
                function,
                "IteratorAge",
                metric=function.function.metric(
                    "IteratorAge", period=cdk.Duration.minutes(1), statistic="max"
                ),
                threshold=60_000,
                minutes=3,
                runbook="webhooks and clients lag by this many milliseconds; look for "
                "errors or throttles of the function. A batch that stays poisonous "
                "is set aside in the bucket FailedBatches by itself.",
                topic=self._data.alarms,
            )

    def let_start(self, function: ParleyFunction) -> None:
        """Permit a function, of any stack, to start the machines that it starts."""
        for name, variable in MACHINE_VARIABLES.items():
            function.use_machine(name, variable, self._machines[name])

    def _watch_express_machines(self) -> None:
        """Nothing else keeps an Express execution that has failed."""
        for wired in wiring.STATE_MACHINES:
            if wired.is_express:
                machine = self._machines[wired.name]
                add_alarm(
                    machine,
                    "Failures",
                    metric=machine.metric_failed(
                        period=cdk.Duration.minutes(1), statistic="sum"
                    ),
                    threshold=5,
                    minutes=3,
                    runbook="what it times comes up to a minute late, by the sweep; "
                    "read the machine's log and the ERROR lines of its function.",
                    topic=self._data.alarms,
                )

    def _add_rules(self) -> None:
        for rule in wiring.RULES:
            add_rule(
                self,
                rule,
                bus=None if rule.is_of_aws else self._bus,
                target=self._target(rule),
                dead_letters=self._queues[wiring.RULE_DEAD_LETTERS.name],
            )

    def _target(self, rule: Rule) -> ParleyFunction | sfn.StateMachine:
        if rule.machine is not None:
            return self._machines[rule.machine]
        assert rule.function is not None, f"nobody hears the rule {rule.name}"
        return self._functions[rule.function]

    def _add_schedules(self) -> None:
        for schedule in wiring.SCHEDULES:
            function = self._functions[schedule.function]
            add_schedule(self, schedule, function)
            add_alarm(
                function,
                "Failures",
                metric=function.function.metric_errors(
                    period=cdk.Duration.minutes(1), statistic="sum"
                ),
                threshold=1,
                minutes=5,
                runbook="what only this schedule mends stays as it is; read the "
                "function's ERROR lines of these minutes.",
                topic=self._data.alarms,
            )

    def _add_outputs(self) -> None:
        cdk.CfnOutput(self, "BusName", value=self._bus.event_bus_name)
        for name, queue in self._queues.items():
            self._output(f"{construct_id(name)}Url", queue)

    def _output(self, name: str, queue: sqs.Queue) -> None:
        cdk.CfnOutput(self, name, value=queue.queue_url)
