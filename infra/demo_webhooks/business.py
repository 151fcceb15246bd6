"""The business's endpoints: they keep what they take, and tell how they failed."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from infra.demo_webhooks.hostile import Caller, Request, answer

DRIP_SECONDS = 0.5
LONGER_THAN_PATIENCE = 3.0
OK = answer("200 OK")


@dataclass(frozen=True, slots=True)
class Taken:
    """A webhook that was answered with 2xx."""

    id: str
    type: str
    seq: int
    call: str
    body: bytes
    signatures: int
    """How many it came with."""
    verified_by: tuple[bool, ...]
    """For each secret that the endpoint has had, the oldest first."""


@dataclass(frozen=True, slots=True)
class Failing:
    """One way to fail."""

    name: str
    treat: Callable[[Caller], None]


def ways_to_fail(trap_url: str) -> tuple[Failing, ...]:
    def redirects(caller: Caller) -> None:
        caller.send(answer("307 Temporary Redirect", f"Location: {trap_url}"))

    return (
        Failing("500", _says(answer("500 Internal Server Error"))),
        Failing("resets the connection", lambda caller: caller.reset()),
        Failing("redirects to a trap", redirects),
        Failing("answers garbage", _says(b"\x00\xff what is HTTP?\r\n\r\n")),
        Failing("leaves without an answer", lambda caller: None),
        Failing("says nothing", lambda caller: caller.stay(LONGER_THAN_PATIENCE)),
        Failing("429, Retry-After: 1", _says(answer("429 Slow", "Retry-After: 1"))),
        Failing("two bytes a second", lambda caller: caller.drip(OK, DRIP_SECONDS)),
        Failing("503, half an answer", _says(b"HTTP/1.1 503 Bu")),
        Failing("100 Continue, for ever", _continues),
    )


def _says(data: bytes) -> Callable[[Caller], None]:
    return lambda caller: caller.send(data)


def _continues(caller: Caller) -> None:
    for _ in range(1_000):
        caller.send(b"HTTP/1.1 100 Continue\r\n\r\n")


class Receiver:
    """One endpoint of the business; a `Manner` of who connects."""

    def __init__(self, tell: Callable[[str], None] = lambda line: None) -> None:
        self.failed: Counter[str] = Counter()
        self._tell = tell
        self._secrets: list[str] = []
        self._taken: list[Taken] = []
        self._ways: Iterator[Failing] | None = None
        self._in_trouble = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> list[Taken]:
        """In the order in which they were."""
        with self._lock:
            return list(self._taken)

    def learn(self, secret: str) -> None:
        """The endpoint's, or its newest."""
        with self._lock:
            self._secrets.append(secret)

    def fail(self, ways: tuple[Failing, ...]) -> None:
        """In each way in turn, from now on."""
        with self._lock:
            self._ways = itertools.cycle(ways)

    def recover(self) -> None:
        with self._lock:
            self._ways = None

    def __call__(self, caller: Caller) -> None:
        request = caller.read()
        if request is None:
            return
        way = self._begin()
        try:
            if way is None:
                self._take(caller, request)
            else:
                what = f"{request.query.get('event_type', '')}"
                self._tell(f"{way.name:26} {what}")
                way.treat(caller)
        finally:
            self._end(way)

    def _begin(self) -> Failing | None:
        """How to fail now, if so; not healthy before all who were failed have left."""
        with self._lock:
            way = next(self._ways) if self._ways else None
            if way is None and self._in_trouble:
                way = Failing("503, coming back", _says(answer("503 Coming back")))
            if way is not None:
                self.failed[way.name] += 1
                self._in_trouble += 1
            return way

    def _end(self, way: Failing | None) -> None:
        with self._lock:
            self._in_trouble -= way is not None

    def _take(self, caller: Caller, request: Request) -> None:
        with self._lock:
            self._taken.append(_read(request, self._secrets))
        caller.send(OK)


def says_gone(caller: Caller) -> None:
    caller.read()
    caller.send(answer("410 Gone"))


def _read(request: Request, secrets: list[str]) -> Taken:
    body: dict[str, Any] = json.loads(request.body)
    data = body.get("data", {})
    headers = request.headers
    return Taken(
        id=headers["webhook-id"],
        type=headers["x-event-type"],
        seq=int(headers["x-event-seq"]),
        call=body.get("room_id") or data.get("endpoint_id", ""),
        body=request.body,
        signatures=len(headers["webhook-signature"].split()),
        verified_by=tuple(_is_verified(request, secret) for secret in secrets),
    )


def _is_verified(request: Request, secret: str) -> bool:
    try:
        Webhook(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True
