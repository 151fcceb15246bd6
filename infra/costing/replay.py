"""Calls between two people, one after the other, on a laptop cloud of their own."""

import json
import os
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jwt

from chalicelib.adapters.clock import SystemClock
from chalicelib.services import agenda
from infra import wiring
from infra.costing.machines import count_executions
from infra.costing.meter import Meter
from infra.costing.receiver import Receiver
from infra.costing.stopwatch import Stopwatch
from infra.costing.tally import Tally
from infra.laptop.built import forget_built
from infra.laptop.clock import now_seconds
from infra.laptop.cloud import Cloud, Pace
from infra.laptop.environment import laptop_environment
from infra.laptop.patching import replaced
from infra.laptop.payload import HttpRequest, HttpResponse, event_of, response_of
from infra.token import ALGORITHM, Wanted, claims_of

WEBHOOKS = Counter(
    {
        "participant.invited": 1,
        "room.started": 1,
        "participant.joined": 2,
        "participant.left": 2,
        "room.finished": 1,
    }
)
"""Of one call."""

SETTLE_SECONDS = 20.0
EXECUTION_SECONDS = 300.0
PAUSE_SECONDS = 0.1
RING_SECONDS = 30
"""What a timer runs for, however soon the call is answered."""
NO_SWEEP = Pace(sweep_seconds=3600)
"""TTL deletes for free and days later; here it would only take time."""

HEADERS = {
    "accept": "*/*",
    "content-type": "application/json",
    "host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
}

LAMBDA_VARIABLES = {
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "_X_AMZN_TRACE_ID": (
        "Root=1-6553f100-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0"
    ),
}
"""What a function finds in its environment, and repeats in every line of its log."""


class ReplayFailed(Exception):
    """One sentence on what the replay should have seen."""


Progress = Callable[[int], None]


def replay(calls: int, progress: Progress = lambda done: None) -> Tally:
    """What so many calls have used; ``progress`` hears how many are over."""
    jwt_secret = secrets.token_urlsafe(48)
    tally = Tally()
    stopwatch = Stopwatch()
    with Receiver() as receiver, _built_anew():
        cloud = Cloud(
            _environment(jwt_secret, receiver.url),
            handlers=stopwatch.handlers(wiring.FUNCTIONS),
            pace=NO_SWEEP,
            without={"sweep"},
        )
        with cloud, Meter(cloud, stopwatch, tally) as meter:
            clients = Clients(cloud, meter, jwt_secret)
            for number in range(calls):
                clients.hold_call(number)
                progress(number + 1)
            _wait_for_rings(meter, calls)
            count_executions(tally, EXECUTION_SECONDS)
            _sweep_ended(cloud)
            meter.capacity.store(now_seconds())
        expected = Counter({kind: n * calls for kind, n in WEBHOOKS.items()})
        if receiver.types != expected:
            raise ReplayFailed(
                f"The webhooks were {dict(receiver.types)}, not {dict(expected)}."
            )
    return tally


def _wait_for_rings(meter: Meter, calls: int) -> None:
    """Every ring's timer runs to its deadline, though the call was answered."""
    ends_at = time.monotonic() + EXECUTION_SECONDS
    while meter.express_ended < calls:
        if time.monotonic() > ends_at:
            raise ReplayFailed("The rings' timers do not come to an end.")
        time.sleep(PAUSE_SECONDS)


def _sweep_ended(cloud: Cloud) -> None:
    """Every call is looked at once more after its end, by a clock set forward."""
    now_ms, ahead_ms = SystemClock.now_ms, 2 * agenda.AUDIT_MS
    with replaced(SystemClock, "now_ms", lambda clock: now_ms(clock) + ahead_ms):
        answer = cloud.invoke(wiring.SWEEP.name, b"{}")
    if answer.error:
        raise ReplayFailed(f"The sweep failed: {answer.error}.")


class Clients:
    """Two people's devices, and the gateway before the function."""

    def __init__(self, cloud: Cloud, meter: Meter, jwt_secret: str) -> None:
        self._cloud = cloud
        self._meter = meter
        self._jwt_secret = jwt_secret

    def hold_call(self, number: int) -> None:
        """The caller rings, both join, the callee hangs up."""
        caller, callee = f"caller-{number:06}", f"callee-{number:06}"
        ring = {
            "creator": caller,
            "device_type": "app",
            "rtc_type": 1,
            "uids": [callee],
        }
        place = f"/api/v1/rooms/{self._post('/api/v1/rooms', caller, ring)['room_id']}"
        for uid, device_type in ((callee, "web"), (caller, "app")):
            joining = {"uid": uid, "device_type": device_type}
            self._post(f"{place}/join", uid, joining)
        self._post(f"{place}/leave", callee, {"uid": callee})

    def _post(self, path: str, uid: str, body: Any) -> Any:
        """The decoded answer, once all that came of the request is done."""
        raw = json.dumps(body).encode()
        event = event_of(
            self._request(path, uid, raw), str(uuid.uuid4()), int(now_seconds() * 1000)
        )
        payload = json.dumps(event).encode()
        answer = self._cloud.invoke(wiring.HTTP_DEFAULT.name, payload)
        response = response_of(json.loads(answer.payload))
        sizes = len(raw), _size(response)
        self._meter.http_request("POST", path, response.status, sizes)
        if answer.error or response.status != 200:
            raise ReplayFailed(f"POST {path} answered {response.body.decode()}.")
        if not self._cloud.settle(SETTLE_SECONDS):
            raise ReplayFailed(f"What POST {path} began does not come to an end.")
        return json.loads(response.body)

    def _request(self, path: str, uid: str, body: bytes) -> HttpRequest:
        headers = {**HEADERS, "authorization": f"Bearer {self._token(uid)}"}
        return HttpRequest(
            method="POST",
            path=path,
            raw_query="",
            headers=tuple(headers.items()),
            body=body,
            source_ip="203.0.113.100",
            port=443,
        )

    def _token(self, uid: str) -> str:
        wanted = Wanted(uid, "user", "default", hours=1)
        claims = claims_of(wanted, int(now_seconds()))
        return jwt.encode(claims, self._jwt_secret, ALGORITHM)


def _size(response: HttpResponse) -> int:
    headers = (len(f"{name}: {value}\r\n") for name, value in response.headers)
    return len("HTTP/1.1 200 OK\r\n\r\n") + sum(headers) + len(response.body)


def _environment(jwt_secret: str, webhooks_url: str) -> Mapping[str, str]:
    """The same for everybody: nothing of the user's own has a say in the cost."""
    endpoint = {"url": webhooks_url, "secret": secrets.token_urlsafe(24)}
    given = {
        "PATH": os.defpath,
        "PARLEY_JWT_SECRET": jwt_secret,
        "PARLEY_RING_SECONDS": str(RING_SECONDS),
        "PARLEY_METRICS": "emf",
        # Nobody is connected; but whoever pushes looks whether anybody is.
        "PARLEY_CLIENTS_URL": "http://127.0.0.1:9",
        "BUSINESS_WEBHOOK_ENDPOINTS": json.dumps([endpoint]),
        # The receiver takes what LiveKit is told, too.
        "LIVEKIT_URL": webhooks_url.rpartition("/")[0],
    }
    return laptop_environment(given | LAMBDA_VARIABLES, wiring.ROOT)


@contextmanager
def _built_anew() -> Iterator[None]:
    """Within the block the functions build everything for this replay alone."""
    forget_built()
    try:
        yield
    finally:
        forget_built()
