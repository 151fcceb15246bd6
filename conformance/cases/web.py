"""The REST endpoints, and calls of browsers."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.cases.ending import ISO
from conformance.client import Skip, check

if TYPE_CHECKING:
    from conformance.browser import Page

CASES = Cases("web")
case = CASES.case


@case(
    "GET /call/lists",
    "GET /call/lists.calls",
    "GET /call/lists.id",
    "GET /call/lists.call_type",
    "GET /call/lists.created_at",
    "GET /call/lists.option",
    "status 200",
)
async def calls_are_listed(bench: Bench) -> None:
    """The list has the call, its type, when it was made, and its parties."""
    path, key = bench.dialect.lists
    option = {"caller": "1234567890", "callee": "0987654321"}
    async with bench.call(option, id="conformance-of-lists"):
        status, body = await bench.ask("GET", path)
        check(status == 200, f"status {status}")
        found = [one for one in body[key] if one["id"] == "conformance-of-lists"]
        check(len(found) == 1, f"{len(found)} such calls")
        check(found[0]["call_type"] == "websocket", f"a {found[0]['call_type']} call")
        check(ISO.fullmatch(found[0]["created_at"]), "created_at is no ISO 8601")
        for name, who in option.items():
            check(found[0]["option"].get(name) == who, f"its {name} is missing")


@case("POST /call/kill/{id}", "POST /call/kill/{id}.id", "status 200")
async def call_is_killed(bench: Bench) -> None:
    """A call that is killed ends, and its socket is closed."""
    async with bench.call(id="conformance-of-killing") as call:
        path = f"{bench.dialect.kill}/conformance-of-killing"
        status, body = await bench.ask("POST", path)
        check(status == 200, f"status {status}")
        if bench.dialect.kill == "/call/kill":
            check(body is True, f"the answer is {body}")
        await call.closed()
        if bench.dialect.tells_hangup_on_sockets:
            check(call.events("hangup"), "no hangup was told")


@case("status 404", "POST /call/kill/{id}")
async def unknown_call_is_not_killed(bench: Bench) -> None:
    """Who kills a call that is not there is told 404."""
    status, _ = await bench.ask("POST", f"{bench.dialect.kill}/no-such-call-here")
    check(status == 404, f"status {status}")


@case(
    "GET /iceservers",
    "GET /iceservers.urls",
    "GET /iceservers.username",
    "GET /iceservers.credential",
    "note ICE from the environment",
)
async def ice_servers_are_told(bench: Bench) -> None:
    """iceservers is a list of servers with their urls, and credentials or null."""
    status, body = await bench.ask("GET", "/iceservers")
    check(status == 200 and isinstance(body, list), f"status {status}")
    for server in body:
        urls = server.get("urls")
        check(isinstance(urls, list) and urls, "a server without urls")
        for key in ("username", "credential"):
            check(server.get(key) is None or isinstance(server[key], str), key)


@case(
    "path /call/webrtc",
    "CallOption.offer",
    "event.answer.sdp",
    "note codecs negotiated",
)
async def browser_is_answered(bench: Bench) -> None:
    """An offer is answered by an SDP, and audio flows (aiortc plays the browser)."""
    browser = _browser()
    async with bench.socket("/call/webrtc") as call, browser as page:
        await call.command("invite", option={"offer": await page.offer()})
        answer = await call.expect("answer")
        check("a=fingerprint" in answer["sdp"], "its SDP has no fingerprint")
        await page.take(answer["sdp"])
        await call.command("play", url=bench.peers.file("long.wav"))
        await call.expect("trackStart", playId=bench.peers.file("long.wav"))
        check(await page.hears(), "no audio came in 8 s")
        await call.command("hangup")
        await call.closed()


@case("path /call/webrtc", "status 400", level=Level.EXTRAS)
async def bad_offer_is_told(bench: Bench) -> None:
    """An offer that is none is answered by `reject` or `error`, not by silence."""
    async with bench.socket("/call/webrtc") as call:
        await call.command("invite", option={"offer": "no SDP"})
        await call.until(
            lambda: call.events("reject") or call.events("error"), "nothing is told"
        )


def _browser() -> "AbstractAsyncContextManager[Page]":
    try:
        from conformance.browser import browser
    except ImportError:
        raise Skip("aiortc is not installed") from None
    return browser()
