"""The observer of the laptop cloud that counts what AWS would bill for."""

from collections.abc import Mapping
from contextlib import ExitStack
from math import ceil
from types import TracebackType
from typing import Any, Self

from infra import wiring
from infra.costing import logs
from infra.costing.assumptions import LOG_COMPRESSION, RUNTIME_MS
from infra.costing.capacity import Capacity
from infra.costing.layout import Layout
from infra.costing.machines import count_express
from infra.costing.prices import (
    BUS_EVENT,
    GIB,
    HTTP_API_REQUEST,
    INTERNET_GB,
    LAMBDA_GB_SECOND,
    LAMBDA_REQUEST,
    LOG_GB,
    LOG_GB_MONTH,
    QUEUE_REQUEST,
    SECRET_REQUEST,
)
from infra.costing.requests import READS, WRITES
from infra.costing.stopwatch import Stopwatch, Timing
from infra.costing.tally import Tally
from infra.laptop.clients import client
from infra.laptop.cloud import Cloud
from infra.laptop.observation import (
    AwsRequest,
    Change,
    ExecutionEnd,
    Invocation,
    Observation,
)
from infra.parts import Function

FULL_CORE_MB = 1769
"""A function of so much memory has one core; a smaller one its share of it."""

HTTP_CHUNK_BYTES = 512 * 1024
EVENT_CHUNK_BYTES = 64 * 1024
EVENT_TIME_BYTES = 14
"""What an event's ``Time`` counts for."""

LOG_MONTHS = 1
"""As long as the stacks keep log lines."""

DATA = WRITES | READS | {"Query"}
"""Operations that cost whoever asks, be it a state machine."""

COUNTED_ELSEWHERE = frozenset({("sfn", "StartExecution"), ("lambda", "Invoke")})
"""Executions are counted when they have ended, invocations as such."""


class Meter:
    """Counts what happens in ``cloud`` within ``with``, which it has to be in."""

    def __init__(self, cloud: Cloud, stopwatch: Stopwatch, tally: Tally) -> None:
        self.tally = tally
        self.express_ended = 0
        """How many express executions are over."""
        self.capacity = Capacity({}, wiring.TABLE.ttl_attribute, tally)
        self._cloud = cloud
        self._stopwatch = stopwatch
        self._functions = {one.name: one for one in wiring.FUNCTIONS}
        self._installed = ExitStack()

    def __enter__(self) -> Self:
        dynamodb = client("dynamodb")
        for name in dynamodb.list_tables()["TableNames"]:
            table = dynamodb.describe_table(TableName=name)["Table"]
            self.capacity.layouts[name] = Layout.parse(table)
        self._cloud.observe(self.observe)
        for what in (
            self._stopwatch.installed(),
            logs.printed_bytes_told(lambda count: self.log(count, "handlers' lines")),
        ):
            self._installed.enter_context(what)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._installed.close()

    def observe(self, observation: Observation) -> None:
        match observation:
            case Change():
                self.capacity.change(observation)
            case Invocation():
                self._invocation(observation)
            case AwsRequest():
                self._request(observation)
            case ExecutionEnd(machine=name, is_express=True, seconds=seconds):
                self.express_ended += 1
                count_express(self.tally, name, seconds)

    def http_request(
        self, method: str, path: str, status: int, sizes: tuple[int, int]
    ) -> None:
        """One that the gateway took; ``sizes`` are its body's and its answer's."""
        asked, answered = sizes
        chunks = max(1, ceil(asked / HTTP_CHUNK_BYTES))
        self.tally.add(HTTP_API_REQUEST, "HTTP requests", chunks)
        self.tally.add(INTERNET_GB, "answers to clients", answered / GIB)
        self.log(logs.access_bytes(method, path, status, answered), "access log")

    def log(self, count: int, what: str) -> None:
        """Bytes of a log, taken in and kept."""
        self.tally.add(LOG_GB, what, count / GIB)
        kept = count * LOG_COMPRESSION * LOG_MONTHS / GIB
        self.tally.add(LOG_GB_MONTH, "logs, for a month", kept)

    def _invocation(self, invocation: Invocation) -> None:
        function = self._functions[invocation.function]
        timing = self._stopwatch.take()
        own_ms = own_milliseconds(timing, function)
        waits_ms = timing.waits_ms + RUNTIME_MS
        billed_ms = ceil(own_ms + waits_ms)
        gb_per_ms = function.memory_mb / 1024 / 1000
        name = function.name
        self.tally.add(LAMBDA_REQUEST, f"invocations of {name}")
        self.tally.add(
            LAMBDA_GB_SECOND,
            f"{name}: own work, measured",
            (billed_ms - waits_ms) * gb_per_ms,
        )
        self.tally.add(
            LAMBDA_GB_SECOND, f"{name}: waiting, assumed", waits_ms * gb_per_ms
        )
        self.tally.add(INTERNET_GB, "requests to others", timing.sent_bytes / GIB)
        size = logs.platform_bytes(
            invocation.request_id, own_ms + waits_ms, billed_ms, function.memory_mb
        )
        self.log(size, "Lambda's lines")

    def _request(self, request: AwsRequest) -> None:
        match request.service, request.operation:
            case "dynamodb", operation if request.function or operation in DATA:
                self.capacity.request(request)
            case "eventbridge", "PutEvents":
                for entry in request.parameters["Entries"]:
                    self.tally.add(BUS_EVENT, "events put", event_chunks(entry))
            case "sqs", "SendMessage":
                body = request.parameters["MessageBody"].encode()
                chunks = max(1, ceil(len(body) / EVENT_CHUNK_BYTES))
                self.tally.add(QUEUE_REQUEST, "messages sent", chunks)
            case "secrets-manager", "GetSecretValue":
                self.tally.add(SECRET_REQUEST, "secrets read")
            case service, operation:
                # The emulation makes requests of its own, which AWS does not.
                is_ours = request.function is not None
                if is_ours and (service, operation) not in COUNTED_ELSEWHERE:
                    self.tally.miss(f"{service} {operation}")


def own_milliseconds(timing: Timing, function: Function) -> float:
    """Our work as long as it takes on the function's share of a core."""
    share = min(1.0, function.memory_mb / FULL_CORE_MB)
    return max(0.0, timing.cpu_seconds) * 1000 / share


def event_chunks(entry: Mapping[str, Any]) -> int:
    """How many events an entry of PutEvents counts for."""
    texts = [entry.get(name) or "" for name in ("Source", "DetailType", "Detail")]
    size = sum(len(text.encode()) for text in (*texts, *entry.get("Resources", ())))
    size += EVENT_TIME_BYTES if "Time" in entry else 0
    return max(1, ceil(size / EVENT_CHUNK_BYTES))
