"""The alarms that operators are called by, and what each wants of them.

Plain values: the stacks make the alarms of them, and the operations manual has one
section for each, by `Alarm.name`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm, or several of a kind, one for each thing that is watched."""

    name: str
    """As what operators are sent begins, and as the manual's section is called."""
    meaning: str
    """What is wrong when it is raised: one sentence without its full stop."""
    runbook: str
    """What to do: sentences."""
    threshold: float = 1
    """Reached, it is raised; in the metric's own unit."""
    minutes: int = 1
    """For how many minutes one after the other."""
    is_floor: bool = False
    """Raised by values at the threshold or below it, in place of above."""

    @property
    def description(self) -> str:
        """What CloudWatch shows and sends with it; at most 1,024 characters."""
        return f"{self.name}: {self.meaning}. Runbook: {self.runbook}"


COMMIT_TO_PUSH = Alarm(
    "commit-to-push",
    "what happens to calls is told 5 s late or later",
    "look at iterator-age first: a stream that lags delays all behind it. Then at the "
    "errors, throttles and duration of outbox and notify; a throttle means: ask for "
    "more concurrent executions. Devices that are connected to the API that changes a "
    "call are told at once all the same.",
    threshold=5_000,
    minutes=3,
)
RING_LATENESS = Alarm(
    "ring-lateness",
    "unanswered rings are missed 5 s after their deadline or later",
    "calls end by the sweep or by the table's TTL because the ring machine does not "
    "come: look at machine-failures, at the wake function's errors and throttles, and "
    "whether the rule rings still starts the machine. Users see the call as missed "
    "in time whatever they ask; its webhook is late.",
    threshold=5_000,
    minutes=3,
)
ITERATOR_AGE = Alarm(
    "iterator-age",
    "webhooks and clients lag behind the table by a minute or more",
    "look for errors or throttles of the function. A batch that stays poisonous is set "
    "aside in the bucket FailedBatches by itself: find the error there, mend it, then "
    "send its events to the bus again.",
    threshold=60_000,
    minutes=3,
)
LANE_AGE = Alarm(
    "lane-age",
    "a business has not taken a webhook for an hour or longer",
    "its endpoint fails, and its later events of that call wait. Look at its attempts "
    "in GET /v1/webhooks/endpoints/{id}/attempts and tell its owner; nothing is lost "
    "for 24 hours, and an endpoint that will not come back can be disabled.",
    threshold=3_600_000,
)
RULE_DEAD_LETTERS = Alarm(
    "rule-dead-letters",
    "a bus event could not be handled",
    "find the error in the message or in the function's log, mend it, then send the "
    "events to the bus again: each only wakes its call's delivery lane, so a repeat "
    "harms nothing.",
)
WEBHOOK_DEAD_LETTERS = Alarm(
    "webhook-dead-letters",
    "a business endpoint refused an event for good",
    "look at its attempts in GET /v1/webhooks/endpoints/{id}/attempts, tell its owner, "
    "then replay the range.",
)
MACHINE_FAILURES = Alarm(
    "machine-failures",
    "executions of a machine that times rings or takeovers fail",
    "what it times comes up to a minute late, by the sweep; read the machine's log and "
    "the ERROR lines of its function.",
    threshold=5,
    minutes=3,
)
SWEEP_FAILURES = Alarm(
    "sweep-failures",
    "the sweep has failed five minutes one after the other",
    "what only this schedule mends stays as it is; read the function's ERROR lines of "
    "these minutes.",
    minutes=5,
)
HTTP_SERVER_ERRORS = Alarm(
    "http-server-errors",
    "the HTTP API answers 5xx",
    "read the api function's ERROR lines of these minutes; a deploy just before it "
    "means: roll back first.",
    threshold=5,
    minutes=2,
)
APPLICATIONS_FAILURES = Alarm(
    "applications-failures",
    "applications are not let in at the second door, or are not heard",
    "read the relay function's ERROR lines of these minutes, and look whether the "
    "workers can be reached from its subnets. Applications at the workers' own door "
    "are not concerned.",
    threshold=5,
    minutes=2,
)
CLIENTS_FAILURES = Alarm(
    "clients-failures",
    "devices are not let in, or not answered",
    "they try again by themselves, and ring by push meanwhile. Read the clients "
    "function's ERROR lines of these minutes.",
    threshold=5,
    minutes=2,
)
LEASE_AGE = Alarm(
    "lease-age",
    "a worker has not renewed its lease for 30 s and is not taken for dead",
    "nobody has witnessed its death, so its calls are neither told to be over nor "
    "taken over. Look at its task: if it runs, it cannot reach the HTTP API (its calls "
    "go on, it takes no new ones); if it hangs, stop the task, which is the witness "
    "that is missing.",
    threshold=30_000,
    minutes=2,
)
NO_WORKERS = Alarm(
    "no-workers",
    "no worker takes new sessions",
    "voice agents and phones are refused. Look at the service's events: tasks that do "
    "not start tell why they stopped; all draining at once means that a retirement "
    "has gone too fast, and a new task mends it.",
    threshold=0,
    minutes=3,
    is_floor=True,
)
LOAD = Alarm(
    "load",
    "80 % of what the workers can carry is in use",
    "the service should have grown by itself: look whether it is at its greatest "
    "number of tasks (raise it) or waits for capacity of the region (Fargate's quota "
    "of vCPUs). From 100 % on new sessions are refused with 503; those that live are "
    "not concerned.",
    threshold=80,
    minutes=5,
)
TICK_LATENESS = Alarm(
    "tick-lateness",
    "1 % of a worker's frames of audio leave 10 ms late or later",
    "a worker has more to do than its processor can. It refuses new sessions by "
    "itself; if it stays so, drain it (POST /v1/workers/{worker_id}/drain), and lower "
    "PARLEY_CAPACITY or give the task more processor.",
    threshold=10,
    minutes=3,
)
BALANCER_ERRORS = Alarm(
    "balancer-errors",
    "the load balancer answers 5xx by itself",
    "no worker is behind it that can be reached: look at unhealthy-workers and at the "
    "service's events. A worker's own 503, when it is full, is not counted here.",
    threshold=5,
    minutes=2,
)
UNHEALTHY_WORKERS = Alarm(
    "unhealthy-workers",
    "a worker does not answer for its health",
    "read the end of its log. The service replaces the task by itself; one that comes "
    "up unhealthy again and again is a release to be rolled back.",
    minutes=5,
)
UNHEALTHY_EDGE = Alarm(
    "unhealthy-edge",
    "a SIP edge does not answer for its health",
    "phones enter by the others as long as there is one; calls that are up do not "
    "pass it. Read the end of its log; the service replaces the task by itself.",
    minutes=3,
)
FAILED_DEPLOYMENT = Alarm(
    "failed-deployment",
    "ECS has given up a deployment and rolled it back",
    "the former release goes on. The event names the service; its stopped tasks tell "
    "why they did not become healthy. Mend that, then deploy again.",
)

ALARMS: tuple[Alarm, ...] = (
    COMMIT_TO_PUSH,
    RING_LATENESS,
    ITERATOR_AGE,
    LANE_AGE,
    RULE_DEAD_LETTERS,
    WEBHOOK_DEAD_LETTERS,
    MACHINE_FAILURES,
    SWEEP_FAILURES,
    HTTP_SERVER_ERRORS,
    APPLICATIONS_FAILURES,
    CLIENTS_FAILURES,
    LEASE_AGE,
    NO_WORKERS,
    LOAD,
    TICK_LATENESS,
    BALANCER_ERRORS,
    UNHEALTHY_WORKERS,
    UNHEALTHY_EDGE,
    FAILED_DEPLOYMENT,
)
"""All there are; ``name`` is unique, and each is raised by some stack."""
