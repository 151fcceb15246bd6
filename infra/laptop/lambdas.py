"""moto's Lambda, which only echoes without Docker, made to run our functions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.awslambda_simple.models import LambdaSimpleBackend

from infra.laptop.functions import Functions
from infra.laptop.patching import replaced


@contextmanager
def invocations_run_by(functions: Functions) -> Iterator[None]:
    """Within the block Lambda's Invoke runs one of ``functions``."""

    def invoke(
        backend: LambdaSimpleBackend,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: dict[str, str],
    ) -> bytes:
        payload = body if isinstance(body, bytes) else (body or "{}").encode()
        name = function_name.rpartition(":")[2]
        if (headers or {}).get("X-Amz-Invocation-Type") == "Event":
            functions.submit(name, payload)
            return b""
        answer = functions.invoke(name, payload)
        if answer.error:
            response_headers["x-amz-function-error"] = "Unhandled"
        return answer.payload

    with replaced(LambdaSimpleBackend, "invoke", invoke):
        yield
