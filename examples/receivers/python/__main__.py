"""``WEBHOOK_SECRET=whsec_… python -m examples.receivers.python``: Ctrl-C ends it.

Prints one line of JSON for each event, in the order in which it is worked on.
"""

import hmac
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from examples.receivers.python.story import Event, Stories

MOST_BYTES = 1 << 20
LOOK_SECONDS = 0.2


class Refused(Exception):
    """Whoever sent it is told no more than that."""


class Verifier:
    """Believes what is signed with the secret, by one of the two ways."""

    def __init__(self, secret: str, is_tgortc: bool = False) -> None:
        self._secret = secret
        self._is_tgortc = is_tgortc
        is_base64 = secret.startswith("whsec_")
        self._standard = Webhook(secret if is_base64 else secret.encode())

    def verified(self, headers: Mapping[str, str], raw: bytes) -> Event:
        """Raises `Refused`. Verify the bytes as they came, before reading them."""
        if self._is_tgortc:
            self._verify_tgortc(headers, raw)
        else:
            self._verify_standard(headers, raw)
        try:
            return _event(headers, json.loads(raw))
        except (ValueError, AttributeError):
            raise Refused from None

    def _verify_standard(self, headers: Mapping[str, str], raw: bytes) -> None:
        """Refuses what is older than five minutes too, so nobody can send it again.

        While a secret is rotated there are two signatures: either will do.
        """
        try:
            self._standard.verify(raw, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            raise Refused from None

    def _verify_tgortc(self, headers: Mapping[str, str], raw: bytes) -> None:
        """TgoRTC's way says nothing of time: only the id protects from a replay."""
        expected = hmac.new(self._secret.encode(), raw, "sha256").hexdigest()
        given = headers.get("x-signature", "")
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise Refused


def _event(headers: Mapping[str, str], body: Any) -> Event:
    event_id = headers.get("webhook-id") or headers.get("x-event-id", "")
    data = body.get("data", {})
    call = body.get("room_id") or data.get("call_id") or data.get("session_id")
    seq = int(headers.get("x-event-seq", "0"))
    event_type = headers.get("x-event-type") or body.get("type", "")
    return Event(event_id, event_type, str(call or event_id), seq, body)


class Server(ThreadingHTTPServer):
    """Takes events at once, and works on them later, one after the other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, verifier: Verifier) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.verifier = verifier
        self._events = queue.SimpleQueue[Event]()
        threading.Thread(target=self._work, daemon=True).start()

    def take(self, event: Event) -> None:
        """Put it into your database here: once 2xx is said, it is yours."""
        self._events.put(event)

    def _work(self) -> None:
        stories = Stories()
        while True:
            ready: list[Event] = []
            try:
                event = self._events.get(timeout=LOOK_SECONDS)
                if stories.is_new(event.id):
                    ready = stories.take(event, time.monotonic())
            except queue.Empty:
                pass
            for event in ready + stories.overdue(time.monotonic()):
                work(event)


class Handler(BaseHTTPRequestHandler):
    """Answers before anything is done."""

    server: Server
    timeout = 10

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > MOST_BYTES:
            self._answer(413)
            return
        headers = {name.lower(): text for name, text in self.headers.items()}
        try:
            event = self.server.verifier.verified(headers, self.rfile.read(int(length)))
        except Refused:
            self._answer(401)
            return
        self.server.take(event)
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


def work(event: Event) -> None:
    """What your business does."""
    fields = {"id": event.id, "type": event.type, "call": event.call, "seq": event.seq}
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main() -> int:
    """The exit status."""
    secret = os.environ.get("WEBHOOK_SECRET", "")
    if not secret:
        sys.stderr.write("WEBHOOK_SECRET is the endpoint's secret.\n")
        return 2
    is_tgortc = os.environ.get("WEBHOOK_SIGNATURE") == "tgortc"
    port = int(os.environ.get("PORT", "9000"))
    with Server(port, Verifier(secret, is_tgortc)) as server:
        sys.stderr.write(f"listening on http://127.0.0.1:{server.server_port}\n")
        sys.stderr.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
