"""The way out to providers: what it refuses, pins and bounds."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from aiohttp import WSMessage, WSMsgType, web

from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.speech.guard import Guard
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.mishaps import failures
from mediaworker.speech.providers.net import Patience, Pool
from tests.protocol.hostile_urls import TARGETS
from tests.worker.speech.providers.fakes.server import cut
from tests.worker.speech.test_fetching import self_signed

HASTE = Patience(connect_seconds=1.0, answer_seconds=0.4, idle_seconds=0.2)
Talk = Callable[[str], Awaitable[None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve(handler: Handler, talk: Talk) -> None:
    async def bounded() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with asyncio.timeout(8):
                await talk(f"127.0.0.1:{runner.addresses[0][1]}")
        finally:
            await runner.cleanup()

    asyncio.run(bounded())


def pool(most: int = 1 << 20, resolve: object = None, *, is_open: bool = True) -> Pool:
    policy = UrlPolicy(allows_loopback=is_open)
    guard = Guard(policy, resolve, 0.2) if resolve else Guard(policy)  # type: ignore[arg-type]
    return Pool(guard, patience=HASTE, most=most)


async def posted(ways: Pool, url: str, trusted: str | None = None) -> bytes:
    try:
        headers = {"X": "1"}
        async with ways.net(trusted).post(url, headers, b"asked") as answer:
            return b"".join([piece async for piece in answer])
    finally:
        await ways.close()


async def talked(ways: Pool, url: str, *sent: str | bytes) -> list[str | bytes]:
    try:
        async with ways.net().connect(url) as socket:
            for message in sent:
                await socket.send(message)
            return [message async for message in socket]
    finally:
        await ways.close()


def failure(attempt: Awaitable[object]) -> tuple[str, int]:
    async def fail() -> tuple[str, int]:
        with pytest.raises(Failure) as failed:
            await attempt
        return failed.value.sentence, failed.value.code

    return asyncio.run(fail())


async def echo(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    return web.Response(
        body=f"{request.headers['Host']} {request.path_qs} ".encode() + body
    )


def test_post_to_the_address_that_was_checked() -> None:
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    async def talk(at: str) -> None:
        port = at.rpartition(":")[2]
        url = f"http://speech.example:{port}/a?b=%20c"
        told = await posted(pool(resolve=resolve), url)
        assert told == f"speech.example:{port} /a?b=%20c asked".encode()
        assert asked == [("speech.example", int(port))]

    serve(echo, talk)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://10.1.2.3/",
        "ftp://speech.example/",
        "http://user:word@speech.example/",
        "//speech.example",
    ],
)
def test_refuse_what_the_policy_forbids(url: str) -> None:
    sentence, code = failure(posted(pool(), url))
    assert sentence.startswith("the URL is not allowed") and code == 403


def test_go_nowhere_that_a_hostile_url_leads() -> None:
    net = pool(is_open=False).net()
    for url in set(TARGETS) - {"wss://shop.example/"}:
        with pytest.raises(Failure) as failed:
            net.connect(url)
        assert failed.value.code == 403, url


def test_refuse_a_name_with_an_inner_address() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    ways = pool(resolve=resolve)
    sentence, code = failure(talked(ways, "wss://speech.example/asr"))
    assert (sentence, code) == (
        "the URL is not allowed: the address is not a public one",
        403,
    )


@pytest.mark.parametrize("url", ["http://speech.example/", "ws://speech.example/"])
def test_refuse_plain_text_outside_development(url: str) -> None:
    told = failure(talked(pool(is_open=False), url))
    assert told == ("only wss and https are allowed", 403)


def test_go_where_the_operator_says() -> None:
    async def talk(at: str) -> None:
        trusted = f"ws://{at}/speech"
        ways = pool(is_open=False)
        told = await posted(ways, f"http://{at}/tts", trusted)
        assert told.endswith(b"/tts asked")
        with pytest.raises(Failure):
            await posted(ways, "http://10.0.0.1/", trusted)

    serve(echo, talk)


def test_believe_the_operators_name() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def talk(at: str) -> None:
        port = at.rpartition(":")[2]
        url = f"http://speech.internal:{port}"
        ways = pool(resolve=resolve, is_open=False)
        assert (await posted(ways, f"{url}/a", url)).endswith(b"/a asked")

    serve(echo, talk)


def test_follow_no_redirect() -> None:
    asked = []

    async def redirect(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(
            status=307, headers={"Location": f"http://{request.host}/x"}
        )

    async def talk(at: str) -> None:
        for attempt in (posted(pool(), f"http://{at}/"), talked(pool(), f"ws://{at}/")):
            with pytest.raises(Failure, match="redirects") as failed:
                await attempt
            assert failed.value.code == 502
        assert asked == ["/", "/"]

    serve(redirect, talk)


@pytest.mark.parametrize(("status", "code"), [(401, 401), (429, 429), (500, 502)])
def test_tell_how_it_was_answered(status: int, code: int) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="the key is s3cr3t")

    async def talk(at: str) -> None:
        for attempt in (posted(pool(), f"http://{at}/"), talked(pool(), f"ws://{at}/")):
            with pytest.raises(Failure) as failed:
                await attempt
            assert failed.value.sentence == f"the provider answered {status}"
            assert failed.value.code == code

    serve(refuse, talk)


def test_take_no_more_than_is_right() -> None:
    async def much(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(300_000))

    async def talk(at: str) -> None:
        with pytest.raises(Failure, match="too much") as failed:
            await posted(pool(200_000), f"http://{at}/")
        assert failed.value.code == 413
        assert len(await posted(pool(), f"http://{at}/")) == 300_000

    serve(much, talk)


def test_give_up_on_who_does_not_answer() -> None:
    async def sleep(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3)
        return web.Response()

    async def talk(at: str) -> None:
        with pytest.raises(Failure, match="did not answer in time") as failed:
            await posted(pool(), f"http://{at}/")
        assert failed.value.code == 504

    serve(sleep, talk)


def test_give_up_on_who_is_not_there() -> None:
    told = failure(posted(pool(), "http://127.0.0.1:9/"))
    assert told == ("the provider cannot be reached", 502)


@pytest.mark.parametrize("word", ["nothing", "slow"])
def test_give_up_on_names_that_are_not_resolved(word: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(5 if word == "slow" else 0)
        return []

    sentence, code = failure(posted(pool(resolve=resolve), "https://speech.example/"))
    assert code == (504 if word == "slow" else 502) and "resolved" in sentence


def test_refuse_what_cannot_be_a_header() -> None:
    async def talk(at: str) -> None:
        ways = pool()
        with pytest.raises(Failure, match="the request cannot be sent") as failed:
            async with ways.net().connect(f"ws://{at}/", {"X": "a\r\nB: c"}):
                raise AssertionError
        await ways.close()
        assert failed.value.code == 400

    serve(echo, talk)


def sockets(
    hear: Callable[[web.WebSocketResponse, WSMessage], Awaitable[bool]],
    *,
    autoping: bool = True,
) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=autoping)
        await socket.prepare(request)
        async for message in socket:
            if not await hear(socket, message):
                break
        return socket

    return handle


def test_talk_both_ways() -> None:
    async def hear(socket: web.WebSocketResponse, message: WSMessage) -> bool:
        if message.type is WSMsgType.TEXT:
            await socket.ping(b"?")
            await socket.send_str(message.data)
            return True
        await socket.send_bytes(message.data)
        return False

    async def talk(at: str) -> None:
        assert await talked(pool(), f"ws://{at}/", "a", b"b") == ["a", b"b"]

    serve(sockets(hear), talk)


def test_lose_a_socket() -> None:
    async def hear(socket: web.WebSocketResponse, message: WSMessage) -> bool:
        assert socket._req is not None and socket._req.transport is not None
        socket._req.transport.abort()
        return False

    async def talk(at: str) -> None:
        with pytest.raises(Failure, match="connection was lost"):
            await talked(pool(), f"ws://{at}/", "a")

    serve(sockets(hear), talk)


@pytest.mark.parametrize(("size", "most"), [(2 << 20, 8 << 20), (1_000, 2_500)])
def test_take_no_message_that_is_too_long(size: int, most: int) -> None:
    async def hear(socket: web.WebSocketResponse, message: WSMessage) -> bool:
        for _ in range(3):
            await socket.send_bytes(bytes(size))
        return True

    async def talk(at: str) -> None:
        with pytest.raises(Failure, match="too much"):
            await talked(pool(most), f"ws://{at}/", "a")

    serve(sockets(hear), talk)


def test_give_up_on_a_silent_socket() -> None:
    async def hear(socket: web.WebSocketResponse, message: WSMessage) -> bool:
        return True

    async def talk(at: str) -> None:
        with pytest.raises(Failure, match="did not answer in time"):
            await talked(pool(), f"ws://{at}/", "a")

    serve(sockets(hear), talk)


@pytest.mark.parametrize("is_there", [True, False])
def test_wait_for_who_has_nothing_to_say_while_audio_goes(is_there: bool) -> None:
    async def hear(socket: web.WebSocketResponse, message: WSMessage) -> bool:
        if message.data == b"end":
            await socket.close()
        return True

    async def talk(at: str) -> None:
        ways = pool()
        try:
            async with ways.net().connect(f"ws://{at}/") as socket:

                async def speak() -> None:
                    for _ in range(20):
                        await socket.send(b"..")
                        await asyncio.sleep(0.05)
                    await socket.send(b"end")

                speaking = asyncio.ensure_future(speak())
                try:
                    assert [each async for each in socket] == []
                    assert is_there
                except Failure as late:
                    assert not is_there and late.code == 504
                speaking.cancel()
                await asyncio.wait([speaking])
        finally:
            await ways.close()

    serve(sockets(hear, autoping=is_there), talk)


def test_believe_no_certificate_that_nobody_signed(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)

    async def attempt() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = await asyncio.start_server(
            lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context
        )
        async with server:
            port = server.sockets[0].getsockname()[1]
            await talked(pool(), f"wss://127.0.0.1:{port}/")

    assert failure(attempt()) == ("the provider's certificate is not valid", 502)


def test_expect_tls_where_it_was_asked_for() -> None:
    async def talk(at: str) -> None:
        with pytest.raises(Failure, match="does not speak TLS properly"):
            await posted(pool(), f"https://{at}/")

    serve(echo, talk)


def test_lose_the_connection_before_the_answer() -> None:
    async def drop(request: web.Request) -> web.StreamResponse:
        cut(request)
        return web.Response()

    async def talk(at: str) -> None:
        with pytest.raises(Failure, match="connection was lost"):
            await posted(pool(), f"http://{at}/")

    serve(drop, talk)


def test_hide_no_bug() -> None:
    with pytest.raises(KeyError), failures():
        raise KeyError
