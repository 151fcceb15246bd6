"""How long a function's cold start takes: import, and all that a first run builds."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench import cold_start
from bench.clients import SECRET, token
from bench.machine import GENERATOR_CORE, SYSTEM_CORE, pinned
from bench.measurement import Measurement, Progress, summary
from infra import bundle, wiring
from infra.laptop.environment import FAKE_AWS

RUNS = 11

ENVIRONMENT = {
    **FAKE_AWS,
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": SECRET,
    "LIVEKIT_URL": "wss://media.example",
    "BUSINESS_WEBHOOK_URLS": "https://shop.example/hook",
    "PARLEY_BUS": "parley",
    "PARLEY_CLIENTS_URL": "https://clients.example/live",
    "PARLEY_CONNECTIONS_URL": "https://sockets.example/live",
    "PARLEY_ENV": "production",
    "PARLEY_JWT_SECRET": SECRET,
    "PARLEY_REDELIVERY_MACHINE_ARN": "arn:aws:states:us-east-1:1:stateMachine:r",
    "PARLEY_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:1:secret:parley",
    "PARLEY_TABLE": "calls",
    "POWERTOOLS_SERVICE_NAME": "parley",
}
CALL = {"tenant": "default", "call_id": "call-1"}
DOORBELL = {
    "v": 1,
    **CALL,
    "seq": 1,
    "event_id": "101-1",
    "type": "room.started",
    "at_ms": 1_700_000_000_000,
    "data": {},
}
REDELIVERY = {
    "v": 1,
    **CALL,
    "seq": 1,
    "webhook_id": "101-1",
    "endpoint_id": "none",
    "attempt": 2,
    "delay_seconds": 5,
    "outcome": "retry",
}
KEYS = {"pk": {"S": "CALL#default#call-1"}, "sk": {"S": "WAKE"}}


def measure(progress: Progress) -> Measurement:
    """Rounds of every function in turn, after one that warms the disk's cache."""
    folder = bundle.build(bundle.Target.LOCAL)
    handlers = {"plain": cold_start.PLAIN}
    handlers |= {function.name: function.handler for function in wiring.FUNCTIONS}
    starts: dict[str, list[dict[str, Any]]] = {name: [] for name in handlers}
    with pinned(GENERATOR_CORE):
        for number in range(RUNS + 1):
            progress(f"round {number} of {RUNS}")
            for name, handler in handlers.items():
                start = start_once(folder, handler, event_for(name))
                if number:
                    starts[name].append(start)
    return Measurement(
        values={f"lambda_import_{name}": _median(starts[name]) for name in handlers},
        details=[_line(name, runs) for name, runs in starts.items()],
        raw=starts,
    )


def start_once(folder: Path, handler: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """One cold start of the handler in ``folder``, on the system's core."""
    # Not the virtual environment's, which would lend its packages.
    python = vars(sys).get("_base_executable", sys.executable)
    command = [python, "-I", "-S", cold_start.__file__, str(folder), handler]
    with pinned(SYSTEM_CORE):
        process = subprocess.run(
            [*command, json.dumps(event)],
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )
    found: dict[str, Any] = json.loads(process.stdout)
    return found


DEPLOYMENT = {
    "v": 1,
    "service_arn": "arn:aws:ecs:us-east-1:000000000000:service/parley/worker",
    "deployment_id": "ecs-svc/1",
}


def event_for(function: str) -> Mapping[str, Any]:
    """One that makes the function use all that it has."""
    image = {"body": {"S": json.dumps({**DOORBELL, "is_last": True})}}
    events: dict[str, Mapping[str, Any]] = {
        "plain": _request("/nowhere"),
        "api": _request("/api/v1/rooms/sync", "uid=alice&device_type=app"),
        "outbox": _records({"NewImage": image}),
        "deliver": {"detail": DOORBELL},
        "redeliver": REDELIVERY,
        "wake": CALL,
        "expired": _records({"Keys": KEYS}),
        "takeover": {"task_arn": "none"},
        "retire": DEPLOYMENT,
        "perform": {
            "detail": {**DOORBELL, "type": "effect.none", "data": {"provider": "p2p"}}
        },
        # The row is read, and a worker would be asked.
        "relay": _message('{"command":"hangup","cseq":1}'),
        "clients": _message('{"command":"heartbeat"}'),
        "notify": {"detail": {**DOORBELL, "is_last": True}},
    }
    return events.get(function, {})


def _records(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"Records": [{"dynamodb": {"SequenceNumber": "1", **record}}]}


def _request(path: str, query: str = "") -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"authorization": f"Bearer {token('alice')}"},
        "requestContext": {"http": {"method": "GET", "path": path}, "requestId": "r"},
    }


def _message(body: str) -> dict[str, Any]:
    about = {"connectionId": "none", "eventType": "MESSAGE", "routeKey": "$default"}
    return {"requestContext": about, "body": body}


def _median(starts: list[dict[str, Any]]) -> float:
    return float(median(one["import_ms"] + one["first_ms"] for one in starts))


def _line(name: str, starts: list[dict[str, Any]]) -> str:
    imports = [start["import_ms"] for start in starts]
    firsts = [start["first_ms"] for start in starts]
    answers = {start["error"] or start["status"] for start in starts} - {None}
    told = f", answered {', '.join(map(str, answers))}" if answers else ""
    return f"{name}: import {summary(imports)}; first run {summary(firsts)} ms{told}"
