"""What Parley is made of, as plain values.

The CDK stacks and the laptop stack are both built from these, so neither can
hold a function, a rule or an index that the other lacks.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parent.parent
STATE_MACHINES_FOLDER = Path(__file__).parent / "state_machines"


class Access(StrEnum):
    """What a function may do with the table."""

    NONE = "none"
    READ = "read"
    READ_WRITE = "read_write"


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index with the keys alone; sparse: few items have them."""

    name: str
    partition_key: str
    """String."""
    sort_key: str
    """Number."""


@dataclass(frozen=True, slots=True)
class Table:
    """A DynamoDB table, on demand, with string keys and a stream of both images."""

    name: str
    partition_key: str
    sort_key: str
    ttl_attribute: str
    """Number attribute with epoch seconds."""
    indexes: tuple[Index, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function of the one bundle."""

    name: str
    handler: str
    """``module.attribute``, as Lambda has it."""
    memory_mb: int
    timeout_seconds: int
    table: Access = Access.NONE
    puts_events: bool = False
    starts: tuple[str, ...] = ()
    """State machines that it may start."""
    reads_secret: bool = False
    """May read the environment's one JSON secret."""
    reserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """An event source mapping from the table's stream."""

    function: str
    filters: tuple[dict[str, object], ...]
    """Lambda filter patterns; a record that matches any of them is delivered."""
    batch_size: int
    retry_attempts: int
    max_record_age_seconds: int


@dataclass(frozen=True, slots=True)
class Rule:
    """An EventBridge rule: one function or machine hears it."""

    name: str
    pattern: dict[str, object]
    retry_attempts: int
    max_event_age_seconds: int
    function: str | None = None
    machine: str | None = None
    is_of_aws: bool = False
    """On the account's default bus, where AWS tells of itself; else on Parley's."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that is invoked again and again, with an empty event."""

    name: str
    every_minutes: int
    function: str


@dataclass(frozen=True, slots=True)
class Cors:
    """What the HTTP API answers to a browser's preflight, by itself."""

    allow_origins: tuple[str, ...]
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    max_age_seconds: int


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue that holds what could not be delivered."""

    name: str
    retention_days: int = 14


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A Step Functions machine, its definition in JSONPath ASL with ``${...}``."""

    name: str
    file: str
    """Below ``infra/state_machines/``."""
    functions: dict[str, str] = field(default_factory=dict)
    """Substitution name -> function name (its ARN is filled in)."""
    queues: dict[str, str] = field(default_factory=dict)
    """Substitution name -> queue name (its URL is filled in)."""
    is_express: bool = False

    def definition(self) -> str:
        """The ASL with its substitutions still open."""
        return (STATE_MACHINES_FOLDER / self.file).read_text(encoding="utf-8")


WAKE_INDEX = Index("wake", partition_key="wake_shard", sort_key="wake_at_ms")
TABLE = Table(
    "calls",
    partition_key="pk",
    sort_key="sk",
    ttl_attribute="ttl",
    indexes=(WAKE_INDEX,),
)
BUS = "parley"
EVENT_SOURCE = "parley"

RULE_DEAD_LETTERS = Queue("rule-dead-letters")
WEBHOOK_DEAD_LETTERS = Queue("webhook-dead-letters")
QUEUES = (RULE_DEAD_LETTERS, WEBHOOK_DEAD_LETTERS)

API = Function(
    "api",
    "entry.http",
    memory_mb=1024,
    timeout_seconds=20,
    table=Access.READ_WRITE,
    reads_secret=True,
)
OUTBOX = Function(
    "outbox",
    "chalicelib.triggers.outbox.handler",
    memory_mb=512,
    timeout_seconds=30,
    puts_events=True,
)
DELIVER = Function(
    "deliver",
    "chalicelib.triggers.webhooks.deliver",
    memory_mb=512,
    timeout_seconds=120,
    table=Access.READ_WRITE,
    starts=("redelivery",),
    reads_secret=True,
    reserved_concurrency=50,
)
REDELIVER = Function(
    "redeliver",
    "chalicelib.triggers.webhooks.redeliver",
    memory_mb=512,
    timeout_seconds=60,
    table=Access.READ,
    reads_secret=True,
    reserved_concurrency=20,
)
WAKE = Function(
    "wake",
    "chalicelib.triggers.timers.wake",
    memory_mb=512,
    timeout_seconds=30,
    table=Access.READ_WRITE,
    reads_secret=True,
)
SWEEP = Function(
    "sweep",
    "chalicelib.triggers.timers.sweep",
    memory_mb=512,
    timeout_seconds=55,
    table=Access.READ_WRITE,
    starts=("redelivery",),
    reads_secret=True,
    reserved_concurrency=1,
)
EXPIRED = Function(
    "expired",
    "chalicelib.triggers.timers.expired",
    memory_mb=512,
    timeout_seconds=30,
    table=Access.READ_WRITE,
    reads_secret=True,
)
PERFORM = Function(
    "perform",
    "chalicelib.triggers.effects.perform",
    memory_mb=512,
    timeout_seconds=30,
    reads_secret=True,
)
TAKEOVER = Function(
    "takeover",
    "chalicelib.triggers.workers.task_stopped",
    memory_mb=512,
    timeout_seconds=55,
    table=Access.READ_WRITE,
)
FUNCTIONS = (API, OUTBOX, DELIVER, REDELIVER, WAKE, SWEEP, EXPIRED, PERFORM, TAKEOVER)

HTTP_DEFAULT = API
"""The HTTP API has one ``$default`` route, and this function behind it."""

CORS = Cors(
    allow_origins=("*",),
    allow_methods=("*",),
    # Browsers do not take ``*`` to mean the Authorization header.
    allow_headers=("*", "authorization"),
    max_age_seconds=3600,
)
"""Any origin may call: a request carries its own token, and no cookie."""

STREAM_MAPPINGS = (
    StreamMapping(
        OUTBOX.name,
        filters=(
            {
                "eventName": ["INSERT"],
                "dynamodb": {
                    "Keys": {"sk": {"S": [{"prefix": "EVENT#"}, {"prefix": "EFFECT#"}]}}
                },
            },
        ),
        batch_size=100,
        retry_attempts=10,
        max_record_age_seconds=6 * 3600,
    ),
    StreamMapping(
        EXPIRED.name,
        filters=(
            {
                "eventName": ["REMOVE"],
                "userIdentity": {
                    "type": ["Service"],
                    "principalId": ["dynamodb.amazonaws.com"],
                },
                "dynamodb": {"Keys": {"sk": {"S": ["WAKE"]}}},
            },
        ),
        batch_size=100,
        retry_attempts=10,
        max_record_age_seconds=6 * 3600,
    ),
)

REDELIVERY = StateMachine(
    "redelivery",
    "redelivery.asl.json",
    functions={"RedeliverFunctionArn": REDELIVER.name},
    queues={"DeadLetterQueueUrl": WEBHOOK_DEAD_LETTERS.name},
)
RING = StateMachine(
    "ring",
    "ring.asl.json",
    functions={"WakeFunctionArn": WAKE.name},
    is_express=True,
)
TAKEOVERS = StateMachine(
    "takeovers",
    "takeover.asl.json",
    functions={"TakeoverFunctionArn": TAKEOVER.name},
    is_express=True,
)
STATE_MACHINES = (REDELIVERY, RING, TAKEOVERS)

RULES = (
    Rule(
        "webhooks",
        pattern={
            "source": [EVENT_SOURCE],
            "detail-type": [
                {"prefix": "room."},
                {"prefix": "participant."},
                {"prefix": "session."},
            ],
            # One ring a commit: whoever hears it reads all that was told.
            "detail": {"is_last": [True]},
        },
        function=DELIVER.name,
        retry_attempts=20,
        max_event_age_seconds=6 * 3600,
    ),
    Rule(
        "rings",
        pattern={"source": [EVENT_SOURCE], "detail-type": ["participant.invited"]},
        machine=RING.name,
        retry_attempts=20,
        max_event_age_seconds=600,
    ),
    Rule(
        "effects",
        pattern={"source": [EVENT_SOURCE], "detail-type": [{"prefix": "effect."}]},
        function=PERFORM.name,
        retry_attempts=20,
        max_event_age_seconds=6 * 3600,
    ),
    Rule(
        "stopped-tasks",
        pattern={
            "source": ["aws.ecs"],
            "detail-type": ["ECS Task State Change"],
            "detail": {"lastStatus": ["STOPPED"]},
        },
        machine=TAKEOVERS.name,
        retry_attempts=20,
        max_event_age_seconds=600,
        is_of_aws=True,
    ),
)

SCHEDULES = (Schedule("sweep", every_minutes=1, function=SWEEP.name),)


class Variable(StrEnum):
    """Environment variables by which a function learns what it may use."""

    ENVIRONMENT = "PARLEY_ENV"
    TABLE = "PARLEY_TABLE"
    BUS = "PARLEY_BUS"
    SECRET_ARN = "PARLEY_SECRET_ARN"
    REDELIVERY_MACHINE_ARN = "PARLEY_REDELIVERY_MACHINE_ARN"
