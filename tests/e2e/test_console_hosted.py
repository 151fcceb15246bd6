"""The console as the cloud serves it: nobody is signed in by it, and all else is
elsewhere; the content security policy is the cloud's own."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from infra import page_headers
from infra.laptop.console_files import ConsoleFiles, content_type
from tests.peers.chromium import CHROMIUM, FAKES, chromium

pytestmark = [
    pytest.mark.laptop,
    pytest.mark.alone,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

FILES = ConsoleFiles(Path(__file__).parents[2] / "console")
ALLOWED = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*, authorization",
    "access-control-allow-methods": "*",
}
OF_SOCKETS = ("WebSocket connection", "status of 4")
"""Complaints that there is no socket behind this API, and of a token not taken."""


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, *args: Any) -> None: ...

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@dataclass
class Api:
    """What it is asked, and whether it knows tokens."""

    takes_tokens: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(path, token)"""


class ApiHandler(Quiet):
    def __init__(self, api: Api, *args: Any) -> None:
        self._api = api
        super().__init__(*args)

    def do_OPTIONS(self) -> None:
        self.answer(204, b"", ALLOWED)

    def do_GET(self) -> None:
        self._api.asked.append((self.path, self.headers.get("authorization", "")))
        found = b'{"status": "ok"}' if self.path == "/health" else b'{"calls": []}'
        self.answer(200, found, ALLOWED)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._api.asked.append((self.path, self.headers.get("authorization", "")))
        status = 200 if self._api.takes_tokens else 401
        self.answer(status, b'{"ticket": "t"}', ALLOWED)


class PagesHandler(Quiet):
    """The bucket and CloudFront before it."""

    def __init__(self, api_port: int, *args: Any) -> None:
        self._origins = [f"{kind}://127.0.0.1:{api_port}" for kind in ("http", "ws")]
        super().__init__(*args)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        policy = page_headers.content_policy(self._origins)
        headers = {"content-security-policy": policy}
        if path == "/config.json":
            http, sockets = self._origins
            config = {"apiUrl": http, "clientsUrl": f"{sockets}/live"}
            return self.answer(200, json.dumps(config).encode(), headers)
        file = FILES.find(path)
        if file is None:
            return self.answer(404, b"", headers)
        headers["content-type"] = content_type(file)
        return self.answer(200, file.read_bytes(), headers)


@contextmanager
def serving(handler: Any) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running, chromium(running, *FAKES) as started:
        yield started


@dataclass(frozen=True)
class Hosted:
    page: Page
    url: str
    api: Api
    complaints: list[str]


@pytest.fixture
def hosted(browser: Browser) -> Iterator[Hosted]:
    api = Api()
    with ExitStack() as opened:
        api_port = opened.enter_context(serving(partial(ApiHandler, api)))
        port = opened.enter_context(serving(partial(PagesHandler, api_port)))
        page = browser.new_page()
        opened.callback(page.close)
        complaints: list[str] = []
        page.on("console", lambda told: complaints.append(told.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Hosted(page, f"http://127.0.0.1:{port}", api, complaints)
        ours = [one for one in complaints if not any(s in one for s in OF_SOCKETS)]
        assert ours == []


def token_of(**claims: Any) -> str:
    """Nobody has signed it."""

    def part(value: Any) -> str:
        text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
        return text.rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part(claims)}.c2lnbmF0dXJl"


def test_sign_in_by_a_token_that_is_pasted(hosted: Hosted) -> None:
    page, token = hosted.page, token_of(sub="alice")
    page.goto(f"{hosted.url}/calls.html")
    expect(page.get_by_label("Your name")).to_be_hidden()
    page.get_by_label("Your token").fill("alice")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").first).to_contain_text("This is no token")
    page.get_by_label("Your token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#me")).to_have_text("alice")
    expect(page.get_by_role("tab", name="Operations")).to_be_visible()
    # The same tab is known on the other page, and its token goes to the API alone.
    page.goto(f"{hosted.url}/voice.html")
    expect(page.get_by_label("Your name")).to_have_value("alice")
    assert ("/v1/tickets", f"Bearer {token}") in hosted.api.asked
    page.get_by_role("button", name="Use another token").click()
    expect(page.get_by_label("Your token")).to_be_focused()


@pytest.mark.parametrize("mark", ["?", "#"])
def test_sign_in_by_a_link_whose_token_is_taken_out(hosted: Hosted, mark: str) -> None:
    page = hosted.page
    page.goto(f"{hosted.url}/calls.html{mark}token={token_of(uid='ops', role='admin')}")
    expect(page.locator("#me")).to_have_text("ops")
    expect(page.locator("#role")).to_be_visible()
    assert page.url == f"{hosted.url}/calls.html"
    page.get_by_role("button", name="Sign out").click()
    page.reload()
    expect(page.get_by_label("Your token")).to_have_value("")


def test_say_so_when_the_api_does_not_take_the_token(hosted: Hosted) -> None:
    hosted.api.takes_tokens = False
    hosted.page.goto(f"{hosted.url}/calls.html#token={token_of(sub='alice')}")
    trouble = hosted.page.locator("#entrance-trouble")
    expect(trouble).to_have_text("This token is not taken (401). Get a new one.")


def test_start_page_names_the_cloud_s_addresses(hosted: Hosted) -> None:
    page = hosted.page
    page.goto(f"{hosted.url}/")
    expect(page.locator("#api-state")).to_have_text("Answers")
    expect(page.locator("#worker-state")).to_have_text("Does not answer")
    expect(page.get_by_text("/v1/tokens")).to_be_visible()
    for words in ("make token", "make demo", "make run"):
        expect(page.get_by_text(words).first).to_be_hidden()
