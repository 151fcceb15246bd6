"""One run of one handler, as Lambda's Python runtime does it."""

import json
import time
import traceback
from dataclasses import dataclass

from moto.core.models import DEFAULT_ACCOUNT_ID

from infra.laptop.environment import REGION
from infra.laptop.handlers import Handler


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda hands to a handler beside the event."""

    function_name: str
    memory_limit_in_mb: int
    aws_request_id: str
    ends_at: float
    """On the monotonic clock."""
    function_version: str = "$LATEST"

    @property
    def invoked_function_arn(self) -> str:
        return (
            f"arn:aws:lambda:{REGION}:{DEFAULT_ACCOUNT_ID}"
            f":function:{self.function_name}"
        )

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return "laptop"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.ends_at - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run gave, as JSON: the handler's value, or its error."""

    payload: bytes
    error: str | None = None
    """The exception's class name, which state machines match in Retry and Catch."""


def run(handler: Handler, payload: bytes, context: Context) -> Answer:
    """Event and answer pass through JSON, so nothing is shared by accident."""
    try:
        event = json.loads(payload or b"{}")
        return Answer(json.dumps(handler(event, context)).encode())
    except Exception as error:
        return failure(type(error).__name__, str(error), error)


def failure(kind: str, message: str, error: BaseException | None = None) -> Answer:
    """An error in the shape that Lambda gives it."""
    stack = traceback.format_tb(error.__traceback__) if error else []
    body = {"errorMessage": message, "errorType": kind, "stackTrace": stack}
    return Answer(json.dumps(body).encode(), error=kind)
