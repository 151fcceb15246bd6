"""What can be watched in the laptop cloud, for tests and for counting cost."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import BotocoreStubber

from infra.laptop.change import Change as Change
from infra.laptop.patching import replaced

RUNNING_FUNCTION: ContextVar[str | None] = ContextVar("running_function", default=None)
"""The function that runs in this thread."""


@dataclass(frozen=True, slots=True)
class AwsRequest:
    """One HTTP request that an AWS client made, SDK retries counted singly."""

    service: str
    """As botocore's events have it: ``dynamodb``, ``sfn``, ``eventbridge`` …"""
    operation: str
    parameters: Any
    """The decoded JSON body; text where the service does not speak JSON."""
    status: int
    answer: Any
    seconds: float
    function: str | None
    """Who made it; None for the machinery itself or a function's own threads."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function, to its end."""

    function: str
    request_id: str
    seconds: float
    error: str | None
    """The exception's class name, or None."""
    payload_bytes: int
    answer_bytes: int


@dataclass(frozen=True, slots=True)
class ExecutionEnd:
    """One execution of a state machine that is over."""

    machine: str
    is_express: bool
    seconds: float


Observation = AwsRequest | Invocation | Change | ExecutionEnd
Observer = Callable[[Observation], None]


@contextmanager
def requests_observed(observe: Observer) -> Iterator[None]:
    """Every request of every AWS client in this process is told to ``observe``."""
    original = BotocoreStubber.__call__

    def answer(
        stubber: BotocoreStubber,
        event_name: str,
        request: AWSPreparedRequest,
        **more: Any,
    ) -> AWSResponse | None:
        began = time.perf_counter()
        response = original(stubber, event_name, request, **more)
        if response is not None:
            seconds = time.perf_counter() - began
            observe(_observed(event_name, request, response, seconds))
        return response

    with replaced(BotocoreStubber, "__call__", answer):
        yield


def _observed(
    event_name: str, request: AWSPreparedRequest, response: AWSResponse, seconds: float
) -> AwsRequest:
    _, service, operation = event_name.split(".", 2)
    return AwsRequest(
        service=service,
        operation=operation,
        parameters=_decoded(request.body),
        status=response.status_code,
        answer=_decoded(response.raw.getvalue()),
        seconds=seconds,
        function=RUNNING_FUNCTION.get(),
    )


def _decoded(body: Any) -> Any:
    """JSON where it is JSON, else text."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        return text
