"""From the table's stream to the bus, and from the bus to businesses."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import alarms, wiring
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
from infra.stacks.network import NetworkStack
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
        network: NetworkStack | None = None,
    ) -> None:
        """``network`` is the workers', where there is one."""
        super().__init__(scope, "ParleyEvents", description="Parley: events, webhooks")
        self._data = data
        self._network = network
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
            self._let_see_workers(function)
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
                alarm=alarms.ITERATOR_AGE,
                metric=function.function.metric(
                    "IteratorAge", period=cdk.Duration.minutes(1), statistic="max"
                ),
                topic=self._data.alarms,
            )

    def _let_see_workers(self, function: ParleyFunction) -> None:
        if self._network is not None:
            tasks = self._network.tasks_arn
            function.see_deployments(
                self._network.service_arn(wiring.WORKER.name), tasks
            )

    @property
    def functions(self) -> Mapping[str, ParleyFunction]:
        """By their names in the wiring."""
        return self._functions

    @property
    def queues(self) -> Mapping[str, sqs.Queue]:
        """Of dead letters, by their names in the wiring."""
        return self._queues

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
                    alarm=alarms.MACHINE_FAILURES,
                    metric=machine.metric_failed(
                        period=cdk.Duration.minutes(1), statistic="sum"
                    ),
                    topic=self._data.alarms,
                )

    def _add_rules(self) -> None:
        network = self._network
        for rule in wiring.RULES:
            service = rule.container if network else None
            add_rule(
                self,
                rule,
                bus=None if rule.is_of_aws else self._bus,
                target=self._target(rule),
                dead_letters=self._queues[wiring.RULE_DEAD_LETTERS.name],
                service_arn=network.service_arn(service)
                if network and service
                else None,
                cluster_arn=network.cluster.cluster_arn if network else None,
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
                alarm=alarms.SWEEP_FAILURES,
                metric=function.function.metric_errors(
                    period=cdk.Duration.minutes(1), statistic="sum"
                ),
                topic=self._data.alarms,
            )

    def _add_outputs(self) -> None:
        cdk.CfnOutput(self, "BusName", value=self._bus.event_bus_name)
        for name, queue in self._queues.items():
            self._output(f"{construct_id(name)}Url", queue)

    def _output(self, name: str, queue: sqs.Queue) -> None:
        cdk.CfnOutput(self, name, value=queue.queue_url)
