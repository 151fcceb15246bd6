"""One cold start, by a fresh interpreter that has nothing but the bundle.

Run as a script, with ``-I -S``: BUNDLE HANDLER EVENT. It prints how many milliseconds
the import took and how many the first invocation, in which every AWS client is made.
AWS answers at once here, for the network is not what is measured. The handler
``entry.plain`` is the API without the composition root, and so without any AWS client.
"""

import contextlib
import importlib
import json
import sys
import time
import types

PLAIN = "entry.plain"
ANSWER = {
    # Of the table, the bus, the state machines and the secret: each reads its own.
    "Attributes": {},
    "Count": 0,
    "Entries": [],
    "FailedEntryCount": 0,
    "Items": [],
    "ScannedCount": 0,
    "SecretString": "{}",
    "failures": [],
    "services": [],
}


def main() -> None:
    """Time one start."""
    bundle, handler, event_text = sys.argv[1:]
    event = json.loads(event_text)
    sys.path.insert(0, bundle)
    if handler == PLAIN:
        _leave_out_bootstrap()
        handler = "entry.http"
    module, _, attribute = handler.rpartition(".")
    began = time.perf_counter()
    function = getattr(importlib.import_module(module), attribute)
    imported = time.perf_counter()
    _answer_for_aws()
    invoked = time.perf_counter()
    answer, error = None, None
    try:
        # What a function prints is its log.
        with contextlib.redirect_stdout(sys.stderr):
            answer = function(event, None)
    except Exception as raised:
        error = repr(raised)
    ended = time.perf_counter()
    result = {
        "import_ms": (imported - began) * 1000,
        "first_ms": (ended - invoked) * 1000,
        "error": error,
        "status": answer.get("statusCode") if isinstance(answer, dict) else None,
    }
    sys.stdout.write(json.dumps(result))


def _leave_out_bootstrap() -> None:
    """Routes name it and use it in requests only, which are not made."""
    empty = types.ModuleType("chalicelib.bootstrap")
    vars(empty)["__getattr__"] = lambda name: object
    sys.modules[empty.__name__] = empty


def _answer_for_aws() -> None:
    session = sys.modules.get("botocore.httpsession")
    if session is None:
        return
    from botocore.awsrequest import AWSResponse, HTTPHeaders

    class Raw:
        def stream(self, *_: object, **__: object) -> "list[bytes]":
            return [json.dumps(ANSWER).encode()]

    def send(_: object, request: object) -> AWSResponse:
        return AWSResponse("https://aws.invalid", 200, HTTPHeaders(), Raw())

    vars(session)["URLLib3Session"].send = send


if __name__ == "__main__":
    main()
