"""What Parley is made of, as plain values.

The CDK stacks and the laptop stack are both built from these, so neither can
hold a function, a rule or an index that the other lacks.
"""

from enum import StrEnum
from pathlib import Path

from infra.parts import (
    Access,
    Container,
    Cors,
    Door,
    Function,
    Index,
    Queue,
    Rule,
    Schedule,
    StateMachine,
    StreamMapping,
    Table,
    Transport,
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
    reads_all=True,
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
    measures=True,
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
    measures=True,
)
EXPIRED = Function(
    "expired",
    "chalicelib.triggers.timers.expired",
    memory_mb=512,
    timeout_seconds=30,
    table=Access.READ_WRITE,
    reads_secret=True,
    posts_to=("clients",),
    measures=True,
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
RETIRE = Function(
    "retire",
    "chalicelib.triggers.workers.retire",
    memory_mb=512,
    timeout_seconds=55,
    table=Access.READ_WRITE,
    sees_deployments=True,
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
    measures=True,
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
    RETIRE,
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

HTTP_PORT = 8080
SIP_PORT = 5060
BALANCER, SIP_BALANCER = "balancer", "sip-balancer"
SECURITY_GROUPS = (BALANCER, SIP_BALANCER, RELAY.name, "worker", "edge")
"""Of whoever sends to containers, and of those themselves."""

WORKER = Container(
    "worker",
    "mediaworker",
    # One process has the tick; the one that hears and speaks gives way to it.
    vcpus=1,
    memory_mb=2048,
    least=2,
    http_port=HTTP_PORT,
    doors=(
        Door(
            "HTTP and WebSockets",
            Transport.TCP,
            HTTP_PORT,
            HTTP_PORT,
            callers=(BALANCER, RELAY.name, "worker", "edge"),
        ),
        Door("SIP", Transport.UDP, SIP_PORT, SIP_PORT),
        Door("SIP", Transport.TCP, SIP_PORT, SIP_PORT),
        Door("RTP", Transport.UDP, 12_000, 42_000),
        Door("ICE", Transport.UDP, 32_768, 60_999),
    ),
    secrets=("PARLEY_JWT_SECRET",),
    environment={
        "PARLEY_BIND": "0.0.0.0",
        "PARLEY_WORKER_PORT": str(HTTP_PORT),
        "PARLEY_SIP_PORT": str(SIP_PORT),
        "PARLEY_RTP_PORTS": "12000-42000",
        "PARLEY_ADVERTISED_ADDRESS": "ecs",
        "PARLEY_PUBLIC_ADDRESS": "stun",
        "PARLEY_METRICS": "emf",
    },
    posts_to=("applications",),
    protects_itself=True,
    hears_and_speaks=True,
    records=True,
)
EDGE_DRAIN_SECONDS = 60
"""How long the balancer sends it what belongs to calls of before: it keeps nothing of
a call, and a transaction is over after 32 s."""
EDGE = Container(
    "edge",
    "mediaworker.edge",
    vcpus=0.25,
    memory_mb=512,
    least=2,
    http_port=HTTP_PORT,
    doors=(
        Door("health", Transport.TCP, HTTP_PORT, HTTP_PORT, callers=(SIP_BALANCER,)),
        Door(
            "SIP", Transport.UDP, SIP_PORT, SIP_PORT, callers=(SIP_BALANCER, "worker")
        ),
        Door(
            "SIP", Transport.TCP, SIP_PORT, SIP_PORT, callers=(SIP_BALANCER, "worker")
        ),
    ),
    secrets=("PARLEY_JWT_SECRET",),
    environment={
        "PARLEY_BIND": "0.0.0.0",
        "PARLEY_WORKER_PORT": str(HTTP_PORT),
        "PARLEY_EDGE_PORT": str(SIP_PORT),
        "PARLEY_ADVERTISED_ADDRESS": "ecs",
        "PARLEY_EDGE_DRAIN_SECONDS": str(EDGE_DRAIN_SECONDS),
    },
    # One that has no worker to send calls to says so itself, and is to be kept.
    health_path="/alive",
)
"""Phones enter by it, and meet the worker that has the least to do."""
CONTAINERS = (WORKER, EDGE)

WORKER_PATHS = (
    "/call",
    "/call/*",
    "/command/*",
    "/events/*",
    "/health",
    "/iceservers",
)
"""Of workers' HTTP port, what the outside may ask. Not their orders, not metrics."""

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
RETIREMENTS = StateMachine(
    "retirements",
    "retire.asl.json",
    functions={"RetireFunctionArn": RETIRE.name},
)
STATE_MACHINES = (REDELIVERY, RING, TAKEOVERS, RETIREMENTS)

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
        container="worker",
    ),
    Rule(
        "deployments",
        pattern={
            "source": ["aws.ecs"],
            "detail-type": ["ECS Deployment State Change"],
            "detail": {"eventName": ["SERVICE_DEPLOYMENT_IN_PROGRESS"]},
        },
        machine=RETIREMENTS.name,
        retry_attempts=20,
        max_event_age_seconds=3600,
        is_of_aws=True,
        container="worker",
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
    METRICS = "PARLEY_METRICS"
