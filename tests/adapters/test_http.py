"""The guarded client against real sockets on loopback."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters import exchange, http
from chalicelib.adapters.http import GuardedPoster, alternating
from chalicelib.protocol.url_policy import UrlPolicy
from chalicelib.services.ports import Answer
from infra.demo_webhooks.hostile import Caller, HostileServer, Manner, Request, answer
from tests.builders import FakeClock
from tests.peers.hostile_receiver import (
    EXPIRED,
    Authority,
    answers,
    drips,
    floods,
    is_silent,
    keeps,
    leaves,
    leaves_at_once,
    resets,
    resets_at_once,
)
from tests.protocol.hostile_urls import RESOLVED, TARGETS

DEVELOPMENT = UrlPolicy(allows_loopback=True)
SLACK_SECONDS = 0.5
HASTE = 0.2
NOT_HTTP = "the answer is not HTTP"
OK = answer("200 OK")

Resolve = Callable[[str, int], list[str]]


def leads_to(*addresses: str) -> Resolve:
    return lambda host, port: list(addresses)


def posted(
    manner: Manner,
    seconds: float = 5,
    path: str = "/hook",
    body: bytes = b"{}",
    now_ms: int = 0,
) -> Answer:
    with HostileServer(manner) as server:
        poster = GuardedPoster(DEVELOPMENT, clock=FakeClock(now_ms))
        url = f"http://127.0.0.1:{server.port}{path}"
        return poster.post(url, {"X-Signature": "s"}, body, seconds)


def test_post_sends_body_and_headers_as_they_are() -> None:
    requests: list[Request] = []
    assert posted(keeps(requests), path="/hook?event_id=1").status == 200
    (request,) = requests
    assert request.path == "/hook?event_id=1" and request.body == b"{}"
    host = request.headers.pop("host")
    assert host.startswith("127.0.0.1:")
    assert request.headers == {
        "user-agent": "Parley-Webhooks/1",
        "x-signature": "s",
        "accept": "*/*",
        "connection": "close",
        "content-length": "2",
    }


def test_post_says_itself_what_holds_for_the_connection() -> None:
    requests: list[Request] = []
    with HostileServer(keeps(requests)) as server:
        given = {"HOST": "x", "content-Length": "9", "Connection": "keep-alive"}
        given |= {"User-Agent": "another", "Transfer-Encoding": "chunked"}
        url = f"http://127.0.0.1:{server.port}/"
        GuardedPoster(DEVELOPMENT).post(url, given, b"abc", 5)
    (request,) = requests
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["content-length"] == "3" and request.body == b"abc"
    assert request.headers["connection"] == "close"
    assert "transfer-encoding" not in request.headers
    assert request.headers["user-agent"] == "another"


@pytest.mark.parametrize(
    "header",
    [("X-A", "b\r\nX-C: d"), ("X-A\r\nX-B", "c"), ("X-A", "\x00"), ("X-A", "你")],
)
def test_post_with_two_headers_in_one_is_not_made(header: tuple[str, str]) -> None:
    answer = GuardedPoster(DEVELOPMENT).post(
        "http://a.example/", dict([header]), b"", 5
    )
    assert answer == Answer(
        None, "forbidden: a header has characters that it cannot have"
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("200 OK", 200),
        ("204", 204),
        ("302 Found", 302),
        ("410 Gone", 410),
        ("599 x", 599),
    ],
)
def test_post_answers_what_is_answered(status: str, code: int) -> None:
    head = answer(status, "Location: http://169.254.169.254/", "Set-Cookie: a=b")
    assert posted(answers(head)) == Answer(code)


def test_post_does_not_follow_redirects() -> None:
    with HostileServer(answers(OK)) as trap:
        location = f"Location: http://127.0.0.1:{trap.port}/"
        for status in ("301 Moved", "302 Found", "303 See", "307 T", "308 P"):
            assert posted(answers(answer(status, location))).status == int(status[:3])
        assert trap.connections == 0


def test_post_uses_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with HostileServer(answers(OK)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        assert posted(answers(OK)).status == 200
        assert proxy.connections == 0


def test_post_connects_anew_each_time_and_keeps_nothing() -> None:
    requests: list[Request] = []
    with HostileServer(keeps(requests)) as server:
        poster = GuardedPoster(DEVELOPMENT)
        for _ in range(3):
            poster.post(f"http://127.0.0.1:{server.port}/", {}, b"", 5)
        assert server.connections == 3
    assert not any("cookie" in request.headers for request in requests)


# Where it goes


def test_post_to_a_hostile_url_is_not_made() -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError("it was looked up")

    poster = GuardedPoster(UrlPolicy(), never)
    for url in TARGETS:
        answer = poster.post(url, {}, b"", 5)
        assert answer.status is None and answer.error.startswith("forbidden: "), url


@pytest.mark.parametrize(("url", "addresses"), RESOLVED)
def test_post_to_a_name_that_leads_inside_is_not_made(
    url: str, addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_connect", lambda *_: pytest.fail("it was connected to"))
    answer = GuardedPoster(UrlPolicy(), leads_to(*addresses)).post(url, {}, b"", 5)
    assert answer.status is None and answer.error.startswith("forbidden: ")


def test_post_goes_to_the_address_that_was_checked() -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    requests: list[Request] = []
    with HostileServer(keeps(requests)) as server:
        poster = GuardedPoster(DEVELOPMENT, rebinding)
        url = f"http://Shop.example:{server.port}/"
        assert poster.post(url, {}, b"", 5).status == 200
        assert asked == ["shop.example"]
        assert requests[0].headers["host"] == f"shop.example:{server.port}"
        again = poster.post(url, {}, b"", 5)
        assert again.error == "forbidden: the address is not a public one"
        assert server.connections == 1


def test_post_connects_to_none_but_checked_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that is public when it is asked first, and loopback from then on."""
    connected: list[tuple[str, int]] = []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        connected.append((address, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(http, "_connect", connect)
    lives = iter([["93.184.216.34", "93.184.216.35"], ["127.0.0.1"], ["::1"]])
    poster = GuardedPoster(UrlPolicy(), lambda host, port: next(lives))
    errors = [poster.post("http://a.example/", {}, b"", 5).error for _ in range(3)]
    assert connected == [("93.184.216.34", 80), ("93.184.216.35", 80)]
    assert errors[0] == "the connection was refused"
    assert all(error.startswith("forbidden") for error in errors[1:])


def test_post_asks_nobody_about_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: pytest.fail("it was looked up")
    )
    assert posted(answers(OK)).status == 200


@pytest.mark.parametrize(
    "found", [[], OSError("no such name"), UnicodeError("no such name")]
)
def test_post_to_an_unknown_name_fails(found: list[str] | Exception) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if isinstance(found, Exception):
            raise found
        return found

    answer = GuardedPoster(DEVELOPMENT, resolve).post("http://nobody/", {}, b"", 5)
    assert answer == Answer(None, "the host's name cannot be resolved")


def test_post_tells_of_a_resolver_that_is_broken() -> None:
    def broken(host: str, port: int) -> list[str]:
        raise KeyError(host)

    with pytest.raises(KeyError):
        GuardedPoster(DEVELOPMENT, broken).post("http://nobody/", {}, b"", 5)


def test_post_to_a_name_that_the_system_knows() -> None:
    with HostileServer(answers(OK)) as server:
        url = f"http://localhost:{server.port}/"
        assert GuardedPoster(DEVELOPMENT).post(url, {}, b"", 5).status == 200


def test_post_gives_up_a_slow_look_up() -> None:
    is_over = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        is_over.wait(10)
        return ["127.0.0.1"]

    began = time.monotonic()
    answer = GuardedPoster(DEVELOPMENT, slow).post("http://nobody/", {}, b"", HASTE)
    is_over.set()
    assert answer == Answer(None, "timed out looking up the host's name")
    assert time.monotonic() - began < HASTE + SLACK_SECONDS


def test_post_does_not_pile_up_slow_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_LOOKUPS", 2)
    is_over, asked = threading.Event(), list[str]()

    def slow(host: str, port: int) -> list[str]:
        asked.append(host)
        is_over.wait(10)
        return ["127.0.0.1"]

    poster = GuardedPoster(DEVELOPMENT, slow)
    with ThreadPoolExecutor(6) as threads:
        posts = [
            threads.submit(poster.post, "http://nobody/", {}, b"", HASTE)
            for _ in range(6)
        ]
        errors = {post.result().error for post in posts}
    assert errors == {"timed out looking up the host's name"} and len(asked) == 2
    is_over.set()


def test_try_the_next_address_where_one_refuses() -> None:
    with HostileServer(answers(OK)) as server:
        url = f"http://shop.example:{server.port}/"
        for addresses in (
            ["127.0.0.9", "127.0.0.1"],
            ["::1", "127.0.0.1"],
            ["127.0.0.9", "::1", "127.0.0.8", "127.0.0.1"],
        ):
            poster = GuardedPoster(DEVELOPMENT, leads_to(*addresses))
            assert poster.post(url, {}, b"", 5).status == 200, addresses


def test_try_no_other_address_once_one_has_taken_the_connection() -> None:
    with HostileServer(resets) as server:
        poster = GuardedPoster(DEVELOPMENT, leads_to("127.0.0.1", "127.0.0.1"))
        answer = poster.post(f"http://a.example:{server.port}/", {}, b"", 5)
        assert answer == Answer(None, "the connection was reset")
        assert server.connections == 1


def test_reach_a_server_over_ipv6() -> None:
    requests: list[Request] = []
    with HostileServer(keeps(requests), host="::1") as server:
        url = f"http://[::1]:{server.port}/"
        assert GuardedPoster(DEVELOPMENT).post(url, {}, b"", 5).status == 200
    assert requests[0].headers["host"] == f"[::1]:{server.port}"


@pytest.mark.parametrize(
    ("addresses", "tried"),
    [
        (["1", "2", "1"], ["1", "2"]),
        (["a:", "b:", "1", "2", "3"], ["a:", "1", "b:", "2", "3"]),
        (["1", "a:", "b:"], ["1", "a:", "b:"]),
    ],
)
def test_take_families_in_turn(addresses: Sequence[str], tried: list[str]) -> None:
    assert alternating(addresses) == tried


# How long it takes


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port whose queue is full: connecting to it never ends."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as next_:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for filling in (first, next_):
            filling.setblocking(False)
            filling.connect_ex(server.getsockname())
        yield int(server.getsockname()[1])


def test_post_to_who_takes_no_connection_times_out(deaf: int) -> None:
    began = time.monotonic()
    poster = GuardedPoster(DEVELOPMENT, leads_to("127.0.0.1", "127.0.0.1"))
    answer = poster.post(f"http://a.example:{deaf}/", {}, b"", HASTE)
    assert answer == Answer(None, "timed out connecting")
    assert time.monotonic() - began < HASTE + SLACK_SECONDS


def test_leave_time_for_the_next_address(deaf: int) -> None:
    with socket.create_server(("127.0.0.2", deaf)):
        poster = GuardedPoster(DEVELOPMENT, leads_to("127.0.0.1", "127.0.0.2"))
        answer = poster.post(f"http://a.example:{deaf}/", {}, b"", 2 * HASTE)
    assert answer == Answer(None, "timed out waiting for the answer")


@pytest.mark.parametrize(
    "manner",
    [
        is_silent,
        drips(OK, 0.02),
        drips(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1_000, 0.01),
        drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.02),
        answers(b"HTTP/1.1 200 OK\r\n", stays=True),
        answers(b"HTTP/1.1 100 Continue\r\n\r\n", stays=True),
    ],
)
def test_post_to_who_is_slow_times_out_on_time(manner: Manner) -> None:
    with HostileServer(manner) as server:
        began = time.monotonic()
        url = f"http://127.0.0.1:{server.port}/"
        answer = GuardedPoster(DEVELOPMENT).post(url, {}, b"{}", HASTE)
        seconds = time.monotonic() - began
    assert answer == Answer(None, "timed out waiting for the answer")
    assert HASTE <= seconds < HASTE + SLACK_SECONDS


def test_post_to_who_does_not_read_times_out() -> None:
    def deaf(caller: Caller) -> None:
        caller.is_over.wait(5)

    with HostileServer(deaf) as server:
        began = time.monotonic()
        url = f"http://127.0.0.1:{server.port}/"
        answer = GuardedPoster(DEVELOPMENT).post(url, {}, bytes(30 << 20), HASTE)
        seconds = time.monotonic() - began
    assert answer == Answer(None, "timed out sending")
    assert seconds < HASTE + SLACK_SECONDS


def test_post_that_has_no_time_at_all_fails() -> None:
    assert posted(answers(OK), seconds=0).error == "timed out connecting"


# What comes back


@pytest.mark.parametrize(
    ("manner", "error"),
    [
        (resets, "the connection was reset"),
        (resets_at_once, "the connection was reset"),
        (leaves, "the connection was closed without an answer"),
        (answers(b"HTT"), "the answer ended early"),
        (answers(b"HTTP/1.1 200 OK\r\n"), "the answer ended early"),
        (answers(b"HTTP/1.1 200 OK\r\nA: b\r\n"), "the answer ended early"),
        (answers(b"HTTP/1.1 100 Continue\r\n\r\n"), "the answer ended early"),
        (answers(b"hello"), NOT_HTTP),
        (answers(b"<html>of HTTP/0.9</html>"), NOT_HTTP),
        (answers(b"\x15\x03\x01\x00\x02\x02\x28"), NOT_HTTP),
        (answers(b"SSH-2.0-OpenSSH_9.2\r\n", stays=True), NOT_HTTP),
        (answers(b"\r\nHTTP/1.1 200 OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/2 200 OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.2 200 OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1 2000 OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1 099 OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1 999 OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1 -20 OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1 200OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1  200 OK\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1 101 Switching\r\n\r\n"), NOT_HTTP),
        (answers(b"HTTP/1.1 100 Continue\r\n\r\nwhat?"), NOT_HTTP),
        (floods(bytes(4_096)), NOT_HTTP),
        (floods(b"a" * 4_096, b"HTTP/1.1 200 "), "the answer's head is too large"),
        (
            floods(b"A: b\r\n" * 99, b"HTTP/1.1 200 OK\r\n"),
            "the answer's head is too large",
        ),
        (floods(b"HTTP/1.1 100 Continue\r\n\r\n"), "the answers of 1xx do not end"),
        (
            floods(b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\n"),
            "the answers of 1xx do not end",
        ),
    ],
)
def test_post_to_who_answers_badly_says_why(manner: Manner, error: str) -> None:
    assert posted(manner) == Answer(None, error)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 200 \r\n\r\n",
        b"HTTP/1.1 200 \xff\xfe\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 200 OK\nA: b\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n: none\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_post_takes_a_status_wherever_one_is(head: bytes) -> None:
    assert posted(answers(head)) == Answer(200)
    assert posted(drips(head, 0)) == Answer(200)


def test_post_does_not_read_the_body() -> None:
    began = time.monotonic()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    assert posted(floods(bytes(1 << 16), head)) == Answer(200)
    assert time.monotonic() - began < 2


def test_post_hears_who_answers_before_all_was_sent() -> None:
    def refuses(caller: Caller) -> None:
        caller.connection.recv(100)
        caller.send(answer("413 Too Large"))
        caller.connection.shutdown(socket.SHUT_WR)
        caller.stay(1)

    assert posted(refuses, body=bytes(1 << 20)).status == 413


def test_post_to_who_leaves_while_it_is_sent_fails() -> None:
    assert posted(leaves_at_once, body=bytes(30 << 20)).error in (
        "the connection was reset",
        "the connection was closed without an answer",
    )


def test_post_to_a_closed_port_fails() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    answer = GuardedPoster(DEVELOPMENT).post(f"http://127.0.0.1:{port}/", {}, b"", 5)
    assert answer == Answer(None, "the connection was refused")


def test_post_to_a_host_that_is_not_there_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(address: str, port: int, seconds: float) -> socket.socket:
        raise OSError("No route to host")

    monkeypatch.setattr(http, "_connect", nowhere)
    answer = GuardedPoster(UrlPolicy()).post("http://93.184.216.34/", {}, b"", 5)
    assert answer == Answer(None, "the host cannot be reached")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Retry-After: 7", 7),
        ("retry-AFTER:7", 7),
        ("Retry-After: Thu, 01 Jan 1970 00:02:00 GMT", 60),
        ("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Retry-After: soon", None),
        ("Retry-After: -1", None),
        ("X-Retry-After: 7", None),
        ("Retry-After: 7\r\nRetry-After: 8", 7),
    ],
)
def test_post_hears_how_long_it_is_to_wait(text: str, seconds: int | None) -> None:
    manner = answers(answer("503 Busy", text))
    asked = posted(manner, now_ms=60_999)
    assert asked == Answer(503, retry_after_seconds=seconds)


# Whom it believes


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


def secured(
    authority: Authority,
    tls: ssl.SSLContext | None,
    manner: Manner,
    host: str = "shop.example",
) -> Answer:
    with HostileServer(manner, tls) as server:
        poster = GuardedPoster(
            DEVELOPMENT, leads_to("127.0.0.1"), tls=authority.believer
        )
        return poster.post(f"https://{host}:{server.port}/", {}, b"{}", 5)


def test_post_over_tls_is_to_the_name_whatever_the_address(
    authority: Authority,
) -> None:
    names: list[str | None] = []
    requests: list[Request] = []
    tls = authority.server("shop.example", told=names.append)
    assert secured(authority, tls, keeps(requests), "SHOP.example").status == 200
    assert names == ["shop.example"]
    assert requests[0].headers["host"].startswith("shop.example:")


def test_post_over_tls_to_an_address_needs_its_certificate(
    authority: Authority,
) -> None:
    names: list[str | None] = []
    tls = authority.server("127.0.0.1", told=names.append)
    assert secured(authority, tls, answers(OK), "127.0.0.1").status == 200
    assert names == [None]
    other = authority.server("127.0.0.2")
    answer = secured(authority, other, answers(OK), "127.0.0.1")
    assert answer.error == "the certificate is for another address"


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("other.example", "shop.example"),
        ("127.0.0.1", "shop.example"),
        ("*.example", "a.shop.example"),
        ("shop.example", "www.shop.example"),
    ],
)
def test_post_over_tls_does_not_believe_another_name(
    authority: Authority, name: str, host: str
) -> None:
    answer = secured(authority, authority.server(name), answers(OK), host)
    assert answer == Answer(None, "the certificate is for another name")


def test_post_over_tls_says_what_is_wrong_with_a_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    expired = authority.server("shop.example", until=EXPIRED)
    alone = authority.server("shop.example", is_self_signed=True)
    stranger = Authority.make(tmp_path).server("shop.example")
    errors = [
        secured(authority, tls, answers(OK)).error for tls in (expired, alone, stranger)
    ]
    assert errors == [
        "the certificate has expired",
        "the certificate is self-signed",
        "the certificate is not trusted",
    ]


def test_post_over_tls_believes_only_whom_the_system_believes(
    authority: Authority,
) -> None:
    with HostileServer(answers(OK), authority.server("shop.example")) as server:
        poster = GuardedPoster(DEVELOPMENT, leads_to("127.0.0.1"))
        url = f"https://shop.example:{server.port}/"
        answer = poster.post(url, {}, b"", 5)
    assert answer == Answer(None, "the certificate is not trusted")


@pytest.mark.parametrize(
    ("manner", "errors"),
    [
        (answers(OK), {"the server does not speak TLS properly"}),
        (
            leaves,
            {"the server does not speak TLS properly", "the connection was reset"},
        ),
        (resets_at_once, {"the connection was reset", "the host cannot be reached"}),
        (
            leaves_at_once,
            {"the server does not speak TLS properly", "the connection was reset"},
        ),
    ],
)
def test_post_over_tls_to_who_does_not_speak_it_fails(
    authority: Authority, manner: Manner, errors: set[str]
) -> None:
    def serve(caller: Caller) -> None:
        caller.connection.settimeout(0.2)
        try:
            manner(caller)
        except TimeoutError:
            caller.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    assert secured(authority, None, serve).error in errors


def test_post_over_tls_is_in_time_too(authority: Authority) -> None:
    tls = authority.server("shop.example")
    for secure, manner, doing in (
        (None, is_silent, "in the TLS handshake"),
        (None, drips_at_once, "in the TLS handshake"),
        (tls, drips(OK, 0.02), "waiting for the answer"),
    ):
        with HostileServer(manner, secure) as server:
            poster = GuardedPoster(
                DEVELOPMENT, leads_to("127.0.0.1"), tls=authority.believer
            )
            began = time.monotonic()
            url = f"https://shop.example:{server.port}/"
            answer = poster.post(url, {}, b"", HASTE)
            assert time.monotonic() - began < HASTE + SLACK_SECONDS
        assert answer == Answer(None, f"timed out {doing}")


def drips_at_once(caller: Caller) -> None:
    """The beginning of a long record of a handshake."""
    caller.drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(500), 0.02)


class Spoken(socket.socket):
    """Brings these pieces, then the end."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self._pieces = [piece for piece in pieces if piece]

    def recv(self, size: int, flags: int = 0) -> bytes:
        return self._pieces.pop(0)[:size] if self._pieces else b""

    def send(self, data: object, flags: int = 0) -> int:
        return len(memoryview(data))  # type: ignore[arg-type]


@given(
    st.lists(
        st.binary(max_size=40)
        | st.sampled_from(
            [b"HTTP/1.1 ", b"100 Go\r\n\r\n", b"200 OK\r\n", b"A: b\r\n", b"\r\n"]
        ),
        max_size=30,
    )
)
def test_any_answer_is_one_or_none(pieces: list[bytes]) -> None:
    """However it is cut."""
    whole, found = b"".join(pieces), list[object]()
    for cut in (pieces, [whole], [whole[at : at + 1] for at in range(len(whole))]):
        with Spoken(cut) as connection:
            try:
                deadline = exchange.Deadline.after(60)
                found.append(exchange.answer_to(b"x", connection, deadline))
            except exchange.Failed as failure:
                found.append(str(failure))
    assert found[0] == found[1] == found[2]


def test_a_deadline_ends() -> None:
    deadline = exchange.Deadline.after(60)
    assert 59 < deadline.left() <= 60
    with pytest.raises(TimeoutError):
        exchange.Deadline.after(0).left()
