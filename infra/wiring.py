"""What Parley is made of, as plain values.

The CDK stacks and the laptop stack are both built from these, so neither can
hold a function, a rule or an index that the other lacks.
"""

from enum import StrEnum
from pathlib import Path

from infra.parts import (
    Access,
    Cors,
    Function,
    Index,
    Queue,
    Rule,
    Schedule,
    StateMachine,
    StreamMapping,
    Table,
    WebSocketApi,
)

ROOT = Path(__file__).parent.parent

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
    starts=("redelivery",),
    reads_secret=True,
    posts_to=("clients",),
    enlists_phones=True,
    seals=True,
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
    seals=True,
    reserved_concurrency=50,
)
REDELIVER = Function(
    "redeliver",
    "chalicelib.triggers.webhooks.redeliver",
    memory_mb=512,
    timeout_seconds=120,
    table=Access.READ_WRITE,
    puts_events=True,
    reads_secret=True,
    seals=True,
    reserved_concurrency=20,
)
WAKE = Function(
    "wake",
    "chalicelib.triggers.timers.wake",
    memory_mb=512,
    timeout_seconds=30,
    table=Access.READ_WRITE,
    reads_secret=True,
    posts_to=("clients",),
)
SWEEP = Function(
    "sweep",
    "chalicelib.triggers.timers.sweep",
    memory_mb=512,
    timeout_seconds=55,
    table=Access.READ_WRITE,
    starts=("redelivery",),
    reads_secret=True,
    posts_to=("clients",),
    seals=True,
    reserved_concurrency=1,
)
EXPIRED = Function(
    "expired",
    "chalicelib.triggers.timers.expired",
    memory_mb=512,
    timeout_seconds=30,
    table=Access.READ_WRITE,
    reads_secret=True,
    posts_to=("clients",),
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
RELAY = Function(
    "relay",
    "chalicelib.triggers.relay.handler",
    memory_mb=512,
    timeout_seconds=20,
    table=Access.READ_WRITE,
    reads_secret=True,
    manages_connections=True,
    sits_in_vpc=True,
)
CLIENTS = Function(
    "clients",
    "chalicelib.triggers.clients.handler",
    memory_mb=512,
    timeout_seconds=25,
    table=Access.READ_WRITE,
    reads_secret=True,
    posts_to=("clients",),
)
NOTIFY = Function(
    "notify",
    "chalicelib.triggers.notify.handler",
    memory_mb=512,
    timeout_seconds=30,
    table=Access.READ_WRITE,
    reads_secret=True,
    posts_to=("clients",),
    pushes_to_phones=True,
)
FUNCTIONS = (
    API,
    OUTBOX,
    DELIVER,
    REDELIVER,
    WAKE,
    SWEEP,
    EXPIRED,
    PERFORM,
    TAKEOVER,
    RELAY,
    CLIENTS,
    NOTIFY,
)

HTTP_DEFAULT = API
"""The HTTP API has one ``$default`` route, and this function behind it."""

APPLICATIONS = WebSocketApi(
    "applications",
    RELAY.name,
    stage="live",
    laptop_paths={
        "/call": {},
        "/call/webrtc": {"type": "webrtc"},
        "/call/sip": {"type": "sip"},
    },
)
"""The second door of voice-agent applications: calls whose sockets carry text."""
DEVICES = WebSocketApi("clients", CLIENTS.name, stage="live", laptop_paths={"/ws": {}})
"""Users' devices: what they are told of calls, and what they tell each other."""
WEB_SOCKETS = (APPLICATIONS, DEVICES)
WEB_SOCKET_ROUTES = ("$connect", "$default", "$disconnect")
"""Of every WebSocket API: messages are told apart by the function itself."""

BEHIND_GATEWAYS = frozenset({HTTP_DEFAULT.name, *(api.function for api in WEB_SOCKETS)})
"""Functions that clients call."""

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
                {"prefix": "webhook."},
            ],
            # One ring a commit: whoever hears it reads all that was told.
            "detail": {"is_last": [True]},
        },
        function=DELIVER.name,
        retry_attempts=20,
        max_event_age_seconds=6 * 3600,
    ),
    Rule(
        "notifications",
        pattern={
            "source": [EVENT_SOURCE],
            "detail-type": [{"prefix": "room."}, {"prefix": "participant."}],
            "detail": {"is_last": [True]},
        },
        function=NOTIFY.name,
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
    CONNECTIONS_URL = "PARLEY_CONNECTIONS_URL"
    CLIENTS_URL = "PARLEY_CLIENTS_URL"
    KMS_KEY_ARN = "PARLEY_KMS_KEY_ARN"
    PUSH_SNS_APPS = "PARLEY_PUSH_SNS_APPS"
