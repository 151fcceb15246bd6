"""The kinds of things that Parley is made of in AWS; `infra.wiring` says which."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

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
    manages_connections: bool = False
    """May post to the sockets of its WebSocket API, and close them."""
    posts_to: tuple[str, ...] = ()
    """WebSocket APIs whose sockets it may post to, and close."""
    enlists_phones: bool = False
    """Makes SNS endpoints of push tokens, where the deployment names SNS's apps."""
    pushes_to_phones: bool = False
    """Publishes to such endpoints, and removes those that are gone."""
    seals: bool = False
    """May seal and open secrets with the environment's one key."""
    measures: bool = False
    """Prints metrics to its log."""
    sees_deployments: bool = False
    """May look at the workers' ECS service and its tasks."""
    reads_all: bool = False
    """May scan the table: who erases a user, and nobody whom calls wait for."""
    sits_in_vpc: bool = False
    """Speaks to workers: where there is a network of theirs, it is in it."""


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
    container: str | None = None
    """Of this container's service alone, where there is a cluster: which that is, the
    deployment adds to the pattern."""


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
class WebSocketApi:
    """An API Gateway WebSocket API: one function hears of whoever comes, of what it
    says and, mostly, that it has gone."""

    name: str
    function: str
    stage: str
    """Part of its address on AWS, which has no path beyond it."""
    laptop_paths: dict[str, dict[str, str]]
    """Path on the HTTP port -> parameters that an address on AWS bears instead."""


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


class Transport(StrEnum):
    """What a port is a port of."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class Door:
    """Ports of a container, and who may send to them."""

    purpose: str
    transport: Transport
    first: int
    last: int
    callers: tuple[str, ...] = ()
    """Security groups, by their names; none: whoever there is."""

    @property
    def is_public(self) -> bool:
        return not self.callers


@dataclass(frozen=True, slots=True)
class Container:
    """A service of containers of the one image, in Fargate."""

    name: str
    """Of the service too: it stands in the ARNs of its tasks."""
    module: str
    """Of Python, run as a program."""
    vcpus: float
    memory_mb: int
    least: int
    """How many run at least; `Deployment` may say otherwise of workers."""
    http_port: int
    """Where it is asked for its health."""
    doors: tuple[Door, ...]
    secrets: tuple[str, ...]
    """Variables whose values are keys of the environment's one JSON secret."""
    environment: dict[str, str]
    """Variables that are the same in every deployment."""
    health_path: str = "/health"
    posts_to: tuple[str, ...] = ()
    """WebSocket APIs whose sockets it may post to, and close."""
    protects_itself: bool = False
    """May keep ECS from stopping its own task while it has work."""
    hears_and_speaks: bool = False
    """May have AWS write down what is said, and say what is written."""
    records: bool = False
    """May put recordings into their bucket."""
