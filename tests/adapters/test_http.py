"""The guarded client against real sockets on loopback."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chalicelib.adapters.http import GuardedPoster
from chalicelib.protocol.url_policy import UrlPolicy
from chalicelib.services.ports import Answer

DEVELOPMENT = UrlPolicy(allows_loopback=True)


class Business(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    received: list[tuple[str, dict[str, str], bytes]]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received.append((self.path, dict(self.headers), body))
        self.send_response(int(self.path.strip("/").partition("?")[0]))
        self.send_header("Location", "http://169.254.169.254/")
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def business() -> Iterator[type[Business]]:
    handler = type("Handler", (Business,), {"received": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        handler.port = server.server_port  # type: ignore[attr-defined]
        yield handler
        server.shutdown()
        thread.join()


def url(business: type[Business], path: str, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{business.port}/{path}"  # type: ignore[attr-defined]


def test_post_sends_body_and_headers_as_they_are(business: type[Business]) -> None:
    poster = GuardedPoster(DEVELOPMENT)
    answer = poster.post(
        url(business, "200?event_id=1"), {"X-Signature": "s"}, b'{"a":1}', 5
    )
    assert answer == Answer(200, retry_after_seconds=7)
    ((path, headers, body),) = business.received
    assert path == "/200?event_id=1" and body == b'{"a":1}'
    assert headers["X-Signature"] == "s"


def test_post_does_not_follow_redirects(business: type[Business]) -> None:
    answer = GuardedPoster(DEVELOPMENT).post(url(business, "302"), {}, b"", 5)
    assert answer.status == 302
    assert len(business.received) == 1


def test_post_goes_to_the_address_that_was_checked(business: type[Business]) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    poster = GuardedPoster(DEVELOPMENT, resolve)
    answer = poster.post(url(business, "204", "shop.example"), {}, b"", 5)
    assert answer.status == 204
    assert asked == ["shop.example"]
    ((_, headers, _),) = business.received
    assert headers["Host"].startswith("shop.example:")


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["169.254.169.254"]]
)
def test_post_to_a_forbidden_address_is_not_made(addresses: list[str]) -> None:
    poster = GuardedPoster(UrlPolicy(), lambda host, port: addresses)
    answer = poster.post("http://shop.example/", {}, b"", 5)
    assert answer.status is None and answer.error.startswith("forbidden")


def test_post_to_no_url_is_not_made() -> None:
    answer = GuardedPoster(DEVELOPMENT).post("gopher://shop.example/", {}, b"", 5)
    assert answer.status is None and answer.error.startswith("forbidden")


@pytest.mark.parametrize("found", [[], OSError("no such name")])
def test_post_to_an_unknown_name_fails(found: list[str] | OSError) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if isinstance(found, OSError):
            raise found
        return found

    answer = GuardedPoster(DEVELOPMENT, resolve).post("http://nobody/", {}, b"", 5)
    assert answer == Answer(None, "the host's name cannot be resolved")


def test_post_to_a_closed_port_fails() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    answer = GuardedPoster(DEVELOPMENT).post(f"http://127.0.0.1:{port}/", {}, b"", 5)
    assert answer.status is None and answer.error


def test_post_to_who_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        poster = GuardedPoster(DEVELOPMENT)
        answer = poster.post(f"http://127.0.0.1:{port}/", {}, b"", 0.05)
    assert answer == Answer(None, "ReadTimeoutError")


def test_post_over_tls_believes_only_real_certificates() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]
        thread = threading.Thread(target=_answer_plainly, args=(plain,))
        thread.start()
        answer = GuardedPoster(DEVELOPMENT).post(
            f"https://127.0.0.1:{port}/", {}, b"", 5
        )
        thread.join()
    assert answer.status is None and answer.error


def _answer_plainly(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
