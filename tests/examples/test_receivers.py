"""The example receivers as processes, against posts that our own code signs."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.endpoints import Endpoint
from chalicelib.services.webhooks.bodies import Webhook, headers_of, url_of
from examples.receivers.python.story import MOST_CALLS, MOST_IDS, Event, Stories
from infra.laptop.clock import now_seconds

ROOT = Path(__file__).parent.parent.parent
TYPESCRIPT = ROOT / "examples" / "receivers" / "typescript"
SECONDS = 10.0
PATIENCE_SECONDS = 3.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PLAIN_SECRET = "a secret of TgoRTC's, as it stands"
OLD_MS = 301_000


@dataclass
class Receiver:
    """One that runs."""

    port: int
    lines: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def post(self, headers: Mapping[str, str], body: bytes, path: str = "/") -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, dict(headers), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code

    def send(self, endpoint: Endpoint, webhook: Webhook, age_ms: int = 0) -> int:
        """As Parley does it."""
        headers = headers_of(endpoint, webhook, now_ms() - age_ms)
        path = url_of(endpoint, webhook).removeprefix("https://shop.example")
        return self.post(headers, webhook.body, path)

    def worked_on(self, count: int) -> list[dict[str, Any]]:
        """The next, in the order in which they were worked on."""
        return [json.loads(self.lines.get(timeout=SECONDS)) for _ in range(count)]

    def is_idle(self) -> bool:
        """Nothing else comes before the next that is sent."""
        probe = webhook("probe", seq=0)
        endpoint = Endpoint("e", "https://shop.example/", SECRET)
        probe = replace(probe, id=f"probe-{now_seconds()}")
        assert self.send(endpoint, probe) == 204
        return bool(self.worked_on(1)[0]["id"] == probe.id)


def now_ms() -> int:
    return int(now_seconds() * 1000)


def webhook(call: str, seq: int = 1, **more: Any) -> Webhook:
    body = {"room_id": call, "creator": "Ünï 你好", **more}
    raw = json.dumps(body, ensure_ascii=False).encode()
    return Webhook(f"{call}-{seq}", "room.started", now_ms(), seq, raw)


def endpoint(secret: str = SECRET) -> Endpoint:
    return Endpoint("e", "https://shop.example/hooks?a=b", secret)


@pytest.fixture(scope="module")
def commands() -> Mapping[str, list[str]]:
    node = shutil.which("node")
    assert node, "Node is needed"
    tsc = ROOT / "node_modules" / ".bin" / "tsc"
    subprocess.run([tsc, "-p", TYPESCRIPT], check=True, timeout=60)
    return {
        "python": [sys.executable, "-m", "examples.receivers.python"],
        "typescript": [node, str(TYPESCRIPT / "build" / "receiver.js")],
    }


@contextmanager
def running(command: list[str], **variables: str) -> Iterator[Receiver]:
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", os.defpath), "PORT": "0", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stderr
        listening = process.stderr.readline()
        receiver = Receiver(int(listening.rpartition(":")[2]))
        reader = threading.Thread(target=_read, args=(process.stdout, receiver.lines))
        reader.start()
        try:
            yield receiver
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(SECONDS)
            reader.join()


def _read(stream: Any, lines: queue.SimpleQueue[str]) -> None:
    for line in stream:
        lines.put(line)


@pytest.fixture(scope="module", params=["python", "typescript"])
def command(
    request: pytest.FixtureRequest, commands: Mapping[str, list[str]]
) -> list[str]:
    return commands[request.param]


@pytest.fixture(scope="module")
def receiver(command: list[str]) -> Iterator[Receiver]:
    with running(command, WEBHOOK_SECRET=SECRET) as one:
        yield one


def test_take_what_is_genuine(receiver: Receiver) -> None:
    told = webhook("genuine")
    assert receiver.send(endpoint(), told) == 204
    (event,) = receiver.worked_on(1)
    assert event == {
        "id": told.id,
        "type": "room.started",
        "call": "genuine",
        "seq": 1,
    }


def test_refuse_what_was_tampered_with(receiver: Receiver) -> None:
    told = webhook("tampered")
    headers = headers_of(endpoint(), told, now_ms())
    without = {k: v for k, v in headers.items() if k != "webhook-signature"}
    for bad_headers, body in (
        (headers, told.body.replace(b"tampered", b"TAMPERED")),
        (headers, told.body + b" "),
        (headers, b""),
        ({**headers, "webhook-id": "another"}, told.body),
        ({**headers, "webhook-timestamp": str(now_ms() // 1000 + 1)}, told.body),
        ({**headers, "webhook-timestamp": "soon"}, told.body),
        ({**headers, "webhook-signature": "v1,AAAA"}, told.body),
        ({**headers, "webhook-signature": "AAAA"}, told.body),
        ({**headers, "webhook-signature": "v1,=\xfc"}, told.body),
        (without, told.body),
        ({}, told.body),
        ({}, b"\xff\xfe"),
        (headers_of(endpoint(NEW_SECRET), told, now_ms()), told.body),
    ):
        assert receiver.post(bad_headers, body) == 401
    assert receiver.is_idle()


def test_refuse_what_is_signed_but_no_event(receiver: Receiver) -> None:
    for raw in (b"[1]", b"{", b"7", b"null", "ü".encode("latin-1")):
        assert receiver.send(endpoint(), replace(webhook("none"), body=raw)) == 401
    assert receiver.is_idle()


def test_refuse_what_is_old_or_of_the_future(receiver: Receiver) -> None:
    told = webhook("old")
    assert receiver.send(endpoint(), told, OLD_MS) == 401
    assert receiver.send(endpoint(), told, -OLD_MS) == 401
    assert receiver.send(endpoint(), told, OLD_MS - 20_000) == 204
    assert [event["call"] for event in receiver.worked_on(1)] == ["old"]


def test_refuse_what_is_too_large(receiver: Receiver) -> None:
    # It is not read to its end, which some clients cannot bear.
    with suppress(urllib.error.URLError, ConnectionError):
        assert receiver.post({}, bytes(2 << 20)) == 413
    assert receiver.is_idle()


def test_work_once_on_what_comes_twice(receiver: Receiver) -> None:
    told = webhook("twice")
    assert [receiver.send(endpoint(), told) for _ in range(3)] == [204] * 3
    assert [event["id"] for event in receiver.worked_on(1)] == [told.id]
    assert receiver.is_idle()


def test_put_a_call_in_order(receiver: Receiver) -> None:
    for seq in (3, 2, 5, 1, 4):
        assert receiver.send(endpoint(), webhook("ordered", seq)) == 204
    also = replace(webhook("ordered", 4), id="ordered-4-1")
    assert receiver.send(endpoint(), also) == 204
    assert [event["seq"] for event in receiver.worked_on(6)] == [1, 2, 3, 4, 5, 4]


def test_wait_for_a_gap_no_longer_than_it_is_worth(
    commands: Mapping[str, list[str]],
) -> None:
    with (
        running(commands["python"], WEBHOOK_SECRET=SECRET) as one,
        running(commands["typescript"], WEBHOOK_SECRET=SECRET) as other,
    ):
        for receiver in (one, other):
            for seq in (4, 2, 3):
                assert receiver.send(endpoint(), webhook("gap", seq)) == 204
        for receiver in (one, other):
            assert [event["seq"] for event in receiver.worked_on(3)] == [2, 3, 4]
            assert receiver.send(endpoint(), webhook("gap", 1)) == 204
            assert [event["seq"] for event in receiver.worked_on(1)] == [1]


def test_take_both_secrets_while_one_is_rotated(
    receiver: Receiver, command: list[str]
) -> None:
    rotated = endpoint().rotated(NEW_SECRET, now_ms(), 60_000)
    assert receiver.send(rotated, webhook("rotated")) == 204
    with running(command, WEBHOOK_SECRET=NEW_SECRET) as renewed:
        assert renewed.send(rotated, webhook("rotated")) == 204
        over = replace(rotated, previous_until_ms=now_ms() - 1)
        assert renewed.send(over, webhook("over")) == 204
    assert receiver.send(over, webhook("over")) == 401
    assert [event["call"] for event in receiver.worked_on(1)] == ["rotated"]


def test_take_a_secret_as_it_stands(command: list[str]) -> None:
    with running(command, WEBHOOK_SECRET=PLAIN_SECRET) as receiver:
        assert receiver.send(endpoint(PLAIN_SECRET), webhook("plain")) == 204
        assert receiver.send(endpoint(SECRET), webhook("plain")) == 401


def test_take_what_is_signed_in_tgortcs_way(command: list[str]) -> None:
    given = {"WEBHOOK_SECRET": PLAIN_SECRET, "WEBHOOK_SIGNATURE": "tgortc"}
    told = webhook("tgortc")
    headers = headers_of(endpoint(PLAIN_SECRET), told, now_ms())
    old = {k: v for k, v in headers.items() if not k.startswith("webhook")}
    with running(command, **given) as receiver:
        assert receiver.post(old, told.body) == 204
        assert receiver.post(old, told.body) == 204
        assert receiver.post(headers, told.body + b" ") == 401
        assert receiver.post({**old, "X-Signature": "\xfc"}, told.body) == 401
        assert receiver.post({**old, "X-Signature": ""}, told.body) == 401
        assert receiver.send(endpoint(PLAIN_SECRET), webhook("last")) == 204
        worked = [event["call"] for event in receiver.worked_on(2)]
    assert worked == ["tgortc", "last"]


def test_say_that_there_is_no_secret(command: list[str]) -> None:
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", os.defpath)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert run.returncode == 2 and "WEBHOOK_SECRET" in run.stderr


def event(seq: int, call: str = "call") -> Event:
    return Event(f"{call}-{seq}", "room.started", call, seq, {})


def test_keep_no_more_calls_and_ids_than_there_is_room_for() -> None:
    stories = Stories()
    assert all(stories.is_new(str(number)) for number in range(MOST_IDS + 1))
    assert stories.is_new("0") and not stories.is_new(str(MOST_IDS))
    for number in range(MOST_CALLS + 1):
        stories.take(event(2, str(number)), 0)
    assert len(stories.overdue(PATIENCE_SECONDS)) == MOST_CALLS


def test_hand_out_what_has_waited_long_enough() -> None:
    stories = Stories()
    assert stories.take(event(5), 0) == [] == stories.take(event(3), 1)
    assert stories.overdue(PATIENCE_SECONDS - 0.1) == []
    assert [one.seq for one in stories.overdue(PATIENCE_SECONDS)] == [3, 5]
    assert [one.seq for one in stories.take(event(4), 4)] == [4]
