"""The way out to a media server, over loopback."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSCloseCode, WSMsgType, web

from chalicelib.protocol.session.kinds import Unfit
from chalicelib.protocol.session.options import MediaPassOption
from chalicelib.protocol.url_policy import UrlPolicy
from examples.media_server.server import application
from infra.demo_webhooks.hostile import HostileServer, Manner
from mediaworker.runtime.passes import MediaSocket
from mediaworker.session.passing import PassEnded, PassResumed
from mediaworker.speech.guard import Guard
from mediaworker.speech.ports import Failure
from mediaworker.transports.media_pass import MediaClient, Patience, _check_tls
from tests.peers.hostile_receiver import Authority, answers, is_silent, leaves_at_once
from tests.protocol.hostile_urls import RESOLVED, TARGETS

PUBLIC, DEVELOPMENT = UrlPolicy(), UrlPolicy(allows_loopback=True)
HASTE = Patience(connect_seconds=2.0, pauses=(0.01, 0.02, 0.03))
PATIENCE_SECONDS = 5.0

Serve = Callable[[web.WebSocketResponse, web.Request], Awaitable[None]]


@dataclass
class Ear:
    """Remembers what it was told, in order."""

    session_id: str = "s1"
    heard: list[bytes] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    resumed: list[PassResumed | None] = field(default_factory=list)
    losses: int = 0
    end: PassEnded | None = None
    socket: MediaSocket | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def opened(self, socket: MediaSocket, resumed: PassResumed | None) -> None:
        self.socket = socket
        self.resumed.append(resumed)
        self.news.set()

    def hear(self, audio: bytes) -> None:
        self.heard.append(audio)
        self.news.set()

    def read(self, text: bytes) -> None:
        self.texts.append(text)
        self.news.set()

    def lost(self) -> None:
        self.losses += 1
        self.news.set()

    def ended(self, event: PassEnded) -> None:
        self.end = event
        self.news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self.news.clear()
                await self.news.wait()

    async def over(self) -> PassEnded:
        await self.until(lambda: self.end is not None)
        assert self.end is not None
        return self.end

    def send(self, packet: bytes) -> bool:
        assert self.socket is not None
        return self.socket.send_audio(packet)


def option(url: str, **more: Any) -> MediaPassOption:
    return MediaPassOption(url, 16_000, 16_000, **more)


def resolving(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


@contextlib.asynccontextmanager
async def client(
    policy: UrlPolicy = DEVELOPMENT, *addresses: str, **more: Any
) -> AsyncIterator[MediaClient]:
    guard = Guard(policy, resolving(*(addresses or ("127.0.0.1",))))
    opened = MediaClient(guard, **{"patience": HASTE, **more})
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(opened.run())
        await asyncio.sleep(0)
        yield opened
        running.cancel()


@contextlib.asynccontextmanager
async def serving(served: web.Application, tls: Any = None) -> AsyncIterator[int]:
    runner = web.AppRunner(served, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    assert runner.addresses
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def socket_of(serve: Serve) -> web.Application:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        upgraded = web.WebSocketResponse(max_msg_size=0)
        await upgraded.prepare(request)
        await serve(upgraded, request)
        return upgraded

    served = web.Application()
    served.add_routes([web.get("/media", handle)])
    return served


async def stays(upgraded: web.WebSocketResponse, request: web.Request) -> None:
    async for _ in upgraded:
        pass


def failed(
    url: str, policy: UrlPolicy = DEVELOPMENT, *addresses: str, **more: Any
) -> PassEnded:
    """What comes of a first connection that cannot be had."""

    async def run() -> PassEnded:
        async with client(policy, *addresses, **more) as opened:
            ear = Ear()
            opened.open(option(url), ear)
            return await ear.over()

    ended = asyncio.run(run())
    assert "secret" not in (ended.sentence or "")
    return ended


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def test_echo_comes_back_byte_for_byte() -> None:
    async def run() -> None:
        async with client() as opened, serving(application()) as port:
            ear, told = Ear(), [bytes([n]) * 2_560 for n in range(20)]
            visit = opened.open(option(f"ws://media.example:{port}/echo"), ear)
            await ear.until(lambda: ear.socket is not None)
            for packet in told:
                assert ear.send(packet)
            await ear.until(lambda: len(ear.heard) == 20)
            assert ear.heard == told and ear.resumed == [None]
            visit.close(None)

    asyncio.run(run())


def test_example_answers_who_has_spoken_and_listens_to_who_goes_on() -> None:
    lines: list[str] = []

    async def run() -> None:
        async with client() as opened, serving(application(lines.append)) as port:
            ear, loud, quiet = Ear(), b"\x00\x10" * 1_280, bytes(2_560)
            visit = opened.open(option(f"ws://127.0.0.1:{port}/beep"), ear)
            await ear.until(lambda: ear.socket is not None)
            for packet in [loud, *[quiet] * 8]:
                ear.send(packet)
            await ear.until(lambda: len(ear.texts) == 1)
            assert [len(audio) for audio in ear.heard] == [16_000 * 2 * 400 // 1_000]
            for packet in [loud, loud]:
                ear.send(packet)
            await ear.until(lambda: len(ear.texts) == 2)
            assert ear.socket is not None
            ear.socket.send_text('{"event":"mark","name":"beep"}')
            visit.close('{"event":"stop"}')
            await asyncio.sleep(0.05)
            events = [json.loads(text)["event"] for text in ear.texts]
            assert events == ["mark", "clear"]

    asyncio.run(run())
    assert lines[0] == "s1 begins" and lines[-1] == "s1 ends"
    assert 's1: {"event":"stop"}' in lines


@pytest.mark.covers("MediaPassOption.url")
def test_server_is_told_what_the_contract_adds_and_no_secret() -> None:
    requests: list[web.Request] = []

    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        requests.append(request)

    async def run() -> None:
        async with client() as opened, serving(socket_of(serve)) as port:
            for query in ("", "?call=a%20b"):
                ear = Ear()
                url = f"ws://media.example:{port}/media{query}"
                opened.open(option(url, packet_size=640), ear)
                assert await ear.over() == PassEnded()

    asyncio.run(run())
    paths = [request.raw_path for request in requests]
    told = "sample_rate=16000&packet_size=640"
    assert paths == [f"/media?{told}", f"/media?call=a%20b&{told}"]
    headers = requests[0].headers
    assert headers["Host"].startswith("media.example:")
    assert headers["X-Session-ID"] == "s1"
    assert headers["User-Agent"] == "Parley-Media/1"
    assert not {"Authorization", "Cookie", "Sec-WebSocket-Protocol"} & set(headers)


def test_end_of_the_call_closes_the_socket() -> None:
    closings: list[Any] = []
    closed = asyncio.Event()

    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        await stays(upgraded, request)
        closings.append(upgraded.close_code)
        closed.set()

    async def run() -> None:
        async with client() as opened, serving(socket_of(serve)) as port:
            ear = Ear()
            visit = opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
            await ear.until(lambda: ear.socket is not None)
            visit.close(None)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await closed.wait()
            assert ear.end is None and ear.losses == 0

    asyncio.run(run())
    assert closings == [1_000]


def test_end_of_the_call_stops_what_is_being_opened() -> None:
    async def run() -> None:
        with HostileServer(is_silent) as server:
            async with client() as opened:
                ear = Ear()
                visit = opened.open(option(f"ws://127.0.0.1:{server.port}/"), ear)
                await asyncio.sleep(0.05)
                visit.close(None)
                await asyncio.sleep(0.05)
                assert ear.end is None
                assert visit.task is not None and visit.task.cancelled()

    asyncio.run(run())


@pytest.mark.parametrize("code", [WSCloseCode.GOING_AWAY, WSCloseCode.SERVICE_RESTART])
def test_lost_socket_is_had_back(code: WSCloseCode) -> None:
    visits = 0

    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        nonlocal visits
        visits += 1
        if visits == 1:
            await upgraded.close(code=code)
        elif visits == 2:
            assert request.transport is not None
            request.transport.abort()
        else:
            await upgraded.send_bytes(b"back")
            await stays(upgraded, request)

    async def run() -> None:
        async with client() as opened, serving(socket_of(serve)) as port:
            ear = Ear()
            visit = opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
            await ear.until(lambda: ear.heard == [b"back"])
            await ear.until(lambda: len(ear.resumed) == 3)
            assert ear.losses == 2 and ear.resumed[0] is None
            assert ear.resumed[2] is not None and ear.resumed[2].tries == 1
            visit.close(None)

    asyncio.run(run())


def test_server_that_stays_lost_is_given_up() -> None:
    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        await request.app.shutdown()

    async def run(patience: Patience) -> PassEnded:
        async with client(patience=patience) as opened:
            ear = Ear()
            async with serving(socket_of(stays)) as port:
                opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
                await ear.until(lambda: ear.socket is not None)
            return await ear.over()

    ended = asyncio.run(run(HASTE))
    sentence = "it was lost, and the media server cannot be reached"
    assert ended == PassEnded(sentence, 502)
    hasty = Patience(pauses=(0.02, 0.02), lost_seconds=0.01)
    sentence = "it was lost, and the media server was lost"
    assert asyncio.run(run(hasty)) == PassEnded(sentence, 502)


@pytest.mark.parametrize("code", [1_002, 1_003, 1_008, 1_009])
def test_server_that_says_it_is_our_fault_is_left(code: int) -> None:
    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        await upgraded.close(code=code)

    async def run() -> PassEnded:
        async with client() as opened, serving(socket_of(serve)) as port:
            ear = Ear()
            opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
            return await ear.over()

    assert asyncio.run(run()).code == 502


@pytest.mark.parametrize("size", [2_000_000, 4_000_000])
def test_frame_that_is_huge_ends_it(size: int) -> None:
    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        with contextlib.suppress(ConnectionError):
            await upgraded.send_bytes(bytes(size))
            await stays(upgraded, request)

    async def run() -> PassEnded:
        async with client() as opened, serving(socket_of(serve)) as port:
            ear = Ear()
            opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
            ended = await ear.over()
            assert ear.heard == []
            return ended

    assert asyncio.run(run()).code == 502


def test_largest_frame_is_taken() -> None:
    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        await upgraded.send_bytes(bytes(1_048_576))
        await stays(upgraded, request)

    async def run() -> None:
        async with client() as opened, serving(socket_of(serve)) as port:
            ear = Ear()
            visit = opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
            await ear.until(lambda: [len(audio) for audio in ear.heard] == [1_048_576])
            visit.close(None)

    asyncio.run(run())


def test_garbage_after_the_upgrade_ends_it() -> None:
    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        assert request.transport is not None
        request.transport.write(b"\xff" * 64)
        await stays(upgraded, request)

    async def run() -> PassEnded:
        async with client() as opened, serving(socket_of(serve)) as port:
            ear = Ear()
            opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
            return await ear.over()

    assert asyncio.run(run()).code == 502


def test_server_that_does_not_read_is_not_queued_for() -> None:
    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        assert request.transport is not None
        request.transport.pause_reading()
        await asyncio.sleep(30)

    async def run() -> None:
        async with client() as opened, serving(socket_of(serve)) as port:
            ear = Ear()
            visit = opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
            await ear.until(lambda: ear.socket is not None)
            packet, sent = bytes(2_560), 0
            while ear.send(packet):
                sent += 1
                assert sent < 20_000
                await asyncio.sleep(0)
            line: Any = ear.socket
            transport = line._peer._transport
            assert transport.get_write_buffer_size() <= 6_400 + 2_568
            visit.close(None)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("manner", "code", "word"),
    [
        (answers(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), 403, "403"),
        (answers(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), 502, "500"),
        (
            answers(b"HTTP/1.1 302 X\r\nLocation: ws://127.0.0.1/\r\n\r\n"),
            502,
            "302",
        ),
        (answers(b"SSH-2.0-x\r\n\r\n"), 502, "WebSocket"),
        (answers(b"\x00" * 40_000), 502, "WebSocket"),
        (leaves_at_once, 502, "reached"),
    ],
)
def test_server_that_does_not_upgrade_is_an_error(
    manner: Manner, code: int, word: str
) -> None:
    with HostileServer(manner) as server:
        ended = failed(f"ws://127.0.0.1:{server.port}/?k=secret")
    assert ended.code == code
    assert word in (ended.sentence or "")


def test_server_that_is_not_there_is_an_error() -> None:
    ended = failed(f"ws://127.0.0.1:{free_port()}/?k=secret")
    assert ended == PassEnded("the media server cannot be reached", 502)


def test_server_that_does_not_answer_is_given_up() -> None:
    with HostileServer(is_silent) as server:
        hasty = Patience(connect_seconds=0.1)
        url = f"ws://127.0.0.1:{server.port}/?k=secret"
        assert failed(url, patience=hasty).code == 504


def test_name_that_is_not_found_is_an_error() -> None:
    async def run() -> PassEnded:
        guard = Guard(DEVELOPMENT, resolving())
        opened = MediaClient(guard, HASTE)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(opened.run())
            await asyncio.sleep(0)
            ear = Ear()
            opened.open(option("ws://media.example/"), ear)
            ended = await ear.over()
            running.cancel()
            return ended

    assert asyncio.run(run()).code == 502


def test_next_address_is_tried_where_one_refuses() -> None:
    async def run() -> None:
        addresses = ("127.0.0.9", "::1", "127.0.0.1")
        async with (
            client(DEVELOPMENT, *addresses) as opened,
            serving(application()) as port,
        ):
            ear = Ear()
            visit = opened.open(option(f"ws://a.example:{port}/echo"), ear)
            await ear.until(lambda: ear.socket is not None)
            visit.close(None)

    asyncio.run(run())


def test_no_hostile_url_is_called() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError("it was looked up")

    async def run() -> set[int]:
        opened, codes = MediaClient(Guard(PUBLIC, never), HASTE), set()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(opened.run())
            await asyncio.sleep(0)
            for url in set(TARGETS) - {"ws://shop.example/", "wss://shop.example/"}:
                for scheme in ("ws", "wss"):
                    ear = Ear()
                    hostile = re.sub(r"(?ai)^(\s*)https?:", rf"\1{scheme}:", url)
                    with contextlib.suppress(Unfit):
                        opened.open(option(hostile), ear)
                        codes.add((await ear.over()).code)
            running.cancel()
        return codes

    assert asyncio.run(run()) == {403}


@pytest.mark.parametrize(("url", "addresses"), RESOLVED)
def test_no_name_that_leads_inside_is_called(
    url: str, addresses: tuple[str, ...]
) -> None:
    assert failed(url.replace("http", "wss", 1), PUBLIC, *addresses).code == 403


def test_server_elsewhere_needs_tls() -> None:
    ended = failed("ws://media.example/?k=secret", PUBLIC, "93.184.216.34")
    assert ended == PassEnded("the URL is not allowed: it has to be wss", 403)
    target = DEVELOPMENT.target("http://media.example/")
    _check_tls(target, ("127.0.0.1", "::1"))
    with pytest.raises(Failure):
        _check_tls(target, ("127.0.0.1", "93.184.216.34"))
    assert failed("wss:/secret", PUBLIC).code == 403
    assert failed("https://media.example/", PUBLIC).code == 403
    assert failed("ws", PUBLIC).code == 403


def test_name_is_believed_and_not_the_address(tmp_path: Path) -> None:
    authority, names = Authority.make(tmp_path), list[str | None]()
    tls = authority.server("media.example", told=names.append)

    async def run() -> None:
        async with (
            client(tls=authority.believer()) as opened,
            serving(application(), tls) as port,
        ):
            ear = Ear()
            visit = opened.open(option(f"wss://media.example:{port}/echo"), ear)
            await ear.until(lambda: ear.socket is not None)
            assert ear.send(b"ab" * 2_000)
            await ear.until(lambda: bool(ear.heard))
            visit.close(None)
            other = Ear()
            opened.open(option(f"wss://other.example:{port}/echo"), other)
            ended = await other.over()
            assert ended.sentence == "the media server's certificate is not valid"

    asyncio.run(run())
    assert names == ["media.example", "other.example"]


def test_door_that_is_shut_opens_nothing() -> None:
    async def run() -> None:
        opened = MediaClient(Guard(DEVELOPMENT), HASTE)
        with pytest.raises(RuntimeError):
            opened.open(option("ws://127.0.0.1:1/"), Ear())

    asyncio.run(run())


def test_text_is_heard_as_text() -> None:
    async def serve(upgraded: web.WebSocketResponse, request: web.Request) -> None:
        await upgraded.send_str('{"event":"start"}')
        message = await upgraded.receive()
        assert message.type is WSMsgType.TEXT
        await upgraded.send_str(message.data)
        await stays(upgraded, request)

    async def run() -> None:
        async with client() as opened, serving(socket_of(serve)) as port:
            ear = Ear()
            visit = opened.open(option(f"ws://127.0.0.1:{port}/media"), ear)
            await ear.until(lambda: len(ear.texts) == 1 and ear.socket is not None)
            assert ear.socket is not None
            ear.socket.send_text("hello")
            await ear.until(lambda: len(ear.texts) == 2)
            assert ear.texts[1] == b"hello"
            visit.close(None)
            visit.close(None)

    asyncio.run(run())
