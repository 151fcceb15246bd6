"""Sockets of sessions, from the handshake to the last frame, on the loopback."""

import asyncio
import itertools
import json
import socket

import aiohttp
import pytest

from mediaworker.gateway import front
from mediaworker.runtime.ports import Peer
from mediaworker.transports import inlet, peer
from tests.worker.gateway.fakes import (
    ACCEPT,
    BINARY,
    CLOSE,
    CONTINUATION,
    NOW_MS,
    PING,
    PONG,
    TEXT,
    FakeHandle,
    Place,
    Refusing,
    Wire,
    masked,
    run,
    token,
    upgrade,
)

MEGABYTE = 1_048_576


def close_code(payload: bytes) -> int:
    return int.from_bytes(payload[:2])


async def opened(wire: Wire, place: Place, request: bytes | None = None) -> FakeHandle:
    wire.send(upgrade() if request is None else request)
    assert (await wire.head()).startswith(b"HTTP/1.1 101 ")
    return place.sessions.only


@pytest.mark.covers("path /call", "note both ways")
def test_carry_texts_and_audio_both_ways() -> None:
    async def talk() -> None:
        async with Place().listening() as place, aiohttp.ClientSession() as client:
            url = f"{place.url}/call?id=one&codec=pcm&token={token()}"
            async with client.ws_connect(url) as ws:
                handle = place.sessions.only
                await ws.send_str('{"command":"hangup"}')
                await ws.send_bytes(b"\x01\x02")
                await handle.until(lambda: handle.audio)
                assert handle.session_id == "one"
                assert handle.texts == [b'{"command":"hangup"}']
                assert handle.audio == [b"\x01\x02"]
                handle.peer.send_text("événement")
                assert handle.peer.send_audio(b"\x03" * 640)
                assert await ws.receive_str() == "événement"
                assert await ws.receive_bytes() == b"\x03" * 640
                handle.peer.close(4001, "over")
                handle.peer.close(1000, "again")
                handle.peer.send_text("late")
                assert not handle.peer.send_audio(b"late")
                assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
            assert ws.close_code == 4001

    run(talk)


def test_upgrade_a_connection_that_the_client_keeps() -> None:
    async def talk() -> None:
        async with Place().listening() as place, aiohttp.ClientSession() as client:
            for _ in range(2):
                async with client.get(f"{place.url}/health") as response:
                    assert response.headers["Connection"] == "close"
                    await response.read()
            async with client.ws_connect(f"{place.url}/call?token={token()}"):
                assert place.sessions.only.view.uid == "alice"

    run(talk)


def test_answer_as_the_rfc_has_it_whatever_follows_at_once() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            frames = masked(TEXT, b"{}") + masked(BINARY, b"\x07" * 200)
            wire.send(upgrade() + frames)
            assert b"Sec-WebSocket-Accept: " + ACCEPT in await wire.head()
            handle = place.sessions.only
            await handle.until(lambda: handle.audio)
            assert (handle.texts, handle.audio) == ([b"{}"], [b"\x07" * 200])

    run(talk)


def test_read_a_request_that_comes_byte_by_byte() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            for byte in upgrade() + masked(TEXT, b"abc"):
                wire.send(bytes([byte]))
                await asyncio.sleep(0)
            assert b" 101 " in await wire.head()
            handle = place.sessions.only
            await handle.until(lambda: handle.texts)

    run(talk)


def test_send_what_was_said_before_the_answer() -> None:
    def greet(peer: Peer) -> None:
        peer.send_text("first")
        assert not peer.send_audio(b"too early")
        peer.pause_reading()
        peer.close(1000, "done")

    async def talk() -> None:
        place = Place()
        place.sessions.greeting = greet
        async with place.listening(), Wire.to(place) as wire:
            await opened(wire, place)
            assert await wire.frame() == (TEXT, b"first")
            assert await wire.frame() == (CLOSE, b"\x03\xe8done")

    run(talk)


def test_tell_a_clean_close_from_a_lost_socket() -> None:
    async def talk() -> None:
        async with Place().listening() as place:
            async with Wire.to(place) as wire:
                handle = await opened(wire, place)
                wire.send(masked(CLOSE, b"\x03\xe8"))
                assert (await wire.frame())[0] == CLOSE
                assert await wire.rest() == b""
                assert handle.lost == [True]
            place.sessions.handles.clear()
            async with Wire.to(place) as wire:
                handle = await opened(wire, place)
                wire.writer.write_eof()
                assert await wire.rest() == b""
                assert handle.lost == [False]
            place.sessions.handles.clear()
            async with Wire.to(place) as wire:
                handle = await opened(wire, place)
                wire.writer.transport.abort()
                await handle.until(lambda: handle.lost)
                assert handle.lost == [False]

    run(talk)


def test_join_fragments() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place)
            wire.send(masked(TEXT, b'{"com', first=0))
            wire.send(masked(PING, b"between"))
            wire.send(masked(CONTINUATION, b'mand":', first=0))
            wire.send(masked(CONTINUATION, b'"x"}'))
            wire.send(masked(BINARY, b"\x01", first=0) + masked(CONTINUATION, b"\x02"))
            assert await wire.frame() == (PONG, b"between")
            await handle.until(lambda: len(handle.audio) == 2)
            assert handle.texts == [b'{"command":"x"}']
            assert handle.audio == [b"\x01", b"\x02"]

    run(talk)


def test_leave_text_that_is_no_utf_8_to_the_session() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place)
            wire.send(masked(TEXT, b"\xff\xfe"))
            await handle.until(lambda: handle.texts)
            assert handle.texts == [b"\xff\xfe"]

    run(talk)


HALF = b"x" * (MEGABYTE // 2 + 1)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (masked(CONTINUATION, b"of nothing"), 1002),
        (masked(TEXT, b"a", first=0) + masked(TEXT, b"b"), 1002),
        (masked(TEXT, b"compressed", first=0xC0), 1002),
        (masked(BINARY, b"reserved", first=0x90), 1002),
        (masked(3, b"no opcode"), 1002),
        (masked(PING, b"half", first=0), 1002),
        (masked(PING, b"p" * 126), 1002),
        (b"\x81\x02hi", 1002),
        (b"\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01mask", 1009),
        (b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xffmask", 1002),
        (masked(TEXT, HALF, first=0) + masked(CONTINUATION, HALF), 1009),
        (masked(CLOSE, b"\x00"), 1002),
        (masked(CLOSE, b"\x03\xed"), 1002),
    ],
)
def test_close_on_a_violation_with_its_code(frames: bytes, code: int) -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place)
            wire.send(frames)
            opcode, payload = await wire.frame()
            assert (opcode, close_code(payload)) == (CLOSE, code)
            wire.send(masked(CLOSE, payload[:2]))
            assert await wire.rest() == b""
            await handle.until(lambda: handle.lost)
            assert handle.lost == [False]
            assert handle.texts == handle.audio == []

    run(talk)


def test_take_the_largest_command_and_none_larger() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place)
            wire.send(masked(TEXT, b"c" * MEGABYTE))
            await handle.until(lambda: handle.texts)
            assert handle.texts == [b"c" * MEGABYTE]
            wire.send(masked(TEXT, b"c" * (MEGABYTE + 1)))
            opcode, payload = await wire.frame()
            assert (opcode, close_code(payload)) == (CLOSE, 1009)

    run(talk)


def test_let_others_go_first_in_a_flood_of_frames() -> None:
    """However many small frames come at once, so few are handled in one go."""

    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place)
            loop = asyncio.get_running_loop()
            turns: list[int] = []

            def turn() -> None:
                turns.append(len(handle.audio))
                if len(handle.audio) < 3_000:
                    loop.call_soon(turn)

            loop.call_soon(turn)
            wire.send(masked(BINARY, b"!") * 3_000)
            await handle.until(lambda: len(handle.audio) == 3_000)
            turn()
            most = inlet.MOST_FRAMES + inlet.SLICE_BYTES // 7 + 1
            steps = [after - before for before, after in itertools.pairwise(turns)]
            assert max(steps) <= most

    run(talk)


def test_read_no_further_while_the_session_is_busy() -> None:
    async def talk() -> None:
        def busy(handle: FakeHandle) -> None:
            if len(handle.texts) == 3:
                handle.peer.pause_reading()

        place = Place()
        place.sessions.hears = busy
        async with place.listening(), Wire.to(place) as wire:
            handle = await opened(wire, place)
            wire.send(masked(TEXT, b"x" * 2_000) * 40)
            await handle.until(lambda: len(handle.texts) == 3)
            async with Wire.to(place) as other:
                other.send(b"GET /health HTTP/1.1\r\nHost: w\r\n\r\n")
                assert b'"sessions": 1' in await other.rest()
            assert len(handle.texts) == 3
            handle.peer.resume_reading()
            await handle.until(lambda: len(handle.texts) == 40)

    run(talk)


def small_window(wire: Wire) -> None:
    """So that the worker soon has something queued."""
    connection = wire.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)


def test_drop_audio_that_nobody_reads_in_time() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            small_window(wire)
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            wire.send(upgrade())
            await asyncio.sleep(0)
            while not place.sessions.handles:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            handle = place.sessions.only
            sent = 0
            for _ in range(20_000):
                if not handle.peer.send_audio(bytes(640)):
                    break
                sent += 1
            else:
                raise AssertionError("all was sent to who reads nothing")
            assert not handle.peer.send_audio(bytes(640))
            assert sent > peer.FRAMES_QUEUED_MAX

    run(talk)


def test_cut_who_does_not_read_its_events() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place)
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for _ in range(200):
                handle.peer.send_text("e" * 60_000)
            assert handle.lost == []
            await handle.until(lambda: handle.lost)
            assert handle.lost == [False]
            wire.writer.transport.resume_reading()  # type: ignore[attr-defined]
            opcode = TEXT
            while opcode == TEXT:
                opcode, payload = await wire.frame()
            assert (opcode, close_code(payload)) == (CLOSE, 1013)

    run(talk)


def test_give_no_pongs_to_who_does_not_read_them() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place)
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for _ in range(5):
                handle.peer.send_text("e" * 200_000)
            wire.send(masked(PING, b"unread") + masked(TEXT, b"still here"))
            await handle.until(lambda: handle.texts)
            wire.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for _ in range(5):
                assert (await wire.frame())[0] == TEXT
            wire.send(masked(PING, b"read"))
            assert await wire.frame() == (PONG, b"read")

    run(talk)


@pytest.mark.covers(
    "event.binary.event",
    "event.binary.trackId",
    "event.binary.timestamp",
    "event.binary.data",
)
def test_send_audio_as_events_to_who_asks_for_it() -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            request = upgrade("/call?binary=json&serverSideTrack=bot")
            handle = await opened(wire, place, request)
            assert handle.peer.send_audio(b"\x00\xff")
            opcode, payload = await wire.frame()
            assert opcode == TEXT
            assert json.loads(payload) == {
                "event": "binary",
                "trackId": "bot",
                "timestamp": NOW_MS,
                "data": [0, 255],
            }

    run(talk)


def test_ping_and_give_up_who_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place, upgrade("/call?pingInterval=1"))
            assert await wire.frame() == (PING, b"")
            wire.send(masked(PONG))
            assert await wire.frame() == (PING, b"")
            assert await wire.rest() == b""
            assert handle.lost == [False]

    run(talk)


def test_abort_who_does_not_answer_a_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "CLOSE_SECONDS", 0.05)

    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            handle = await opened(wire, place)
            handle.peer.close(1012, "é" * 100)
            opcode, payload = await wire.frame()
            assert (opcode, close_code(payload)) == (CLOSE, 1012)
            assert payload[2:].decode() == "é" * 61
            wire.send(masked(TEXT, b"after the end"))
            with pytest.raises(ConnectionResetError):
                await wire.rest()
                wire.send(b"x")
                await wire.rest()
                raise ConnectionResetError
            assert handle.texts == []

    run(talk)


def test_close_what_is_left_when_the_port_stops() -> None:
    async def talk() -> None:
        async with Place().listening() as place:
            reader, writer = await asyncio.open_connection("127.0.0.1", place.number)
            wire = Wire(reader, writer)
            handle = await opened(wire, place)
        opcode, payload = await wire.frame()
        assert (opcode, close_code(payload)) == (CLOSE, 1001)
        assert await wire.rest() == b""
        assert handle.lost == [False]
        writer.close()

    run(talk)


REFUSED = [
    (upgrade(uid=None), 401, "a Bearer token is required"),
    (upgrade(Authorization="Basic eDp5"), 401, "Authorization must be Bearer and"),
    (upgrade(Authorization="Bearer junk"), 401, "the token is not valid"),
    (upgrade("/call?id=%20"), 400, "id must be"),
    (upgrade("/call?id=%ff"), 400, "the query cannot be read"),
    (upgrade("/call?codec=mp3"), 400, "codec must be"),
    (upgrade("/call?" + "a=1&" * 80), 400, "the query cannot be read"),
    (upgrade(Sec_WebSocket_Version="8"), 426, "the version of WebSockets is 13"),
    (upgrade(Sec_WebSocket_Version=""), 426, "the version of WebSockets is 13"),
    (upgrade(Sec_WebSocket_Key="short"), 400, "Sec-WebSocket-Key must be"),
    (upgrade(Sec_WebSocket_Key=""), 400, "Sec-WebSocket-Key must be"),
    (upgrade(Content_Length="5"), 400, "without a body"),
    (upgrade(Transfer_Encoding="chunked"), 400, "without a body"),
    (upgrade().replace(b"HTTP/1.1", b"HTTP/1.0"), 400, "by HTTP/1.1"),
]


@pytest.mark.parametrize(("request_", "status", "sentence"), REFUSED)
def test_refuse_before_the_upgrade(request_: bytes, status: int, sentence: str) -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            wire.send(request_ + masked(TEXT, b"sent in hope"))
            await refused(wire, status, sentence)
            assert place.sessions.handles == {}

    run(talk)


async def refused(wire: Wire, status: int, sentence: str) -> dict[str, str]:
    head, _, body = (await wire.rest()).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert int(first.split(" ")[1]) == status
    answer = json.loads(body)
    assert answer["code"] == status
    assert sentence in answer["message"]
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert headers["content-length"] == str(len(body))
    assert headers["connection"] == "close"
    return headers


def test_say_why_and_when_to_come_again() -> None:
    async def talk() -> None:
        place = Place()
        async with place.listening():
            for status, after in ((409, None), (403, None), (503, 5)):
                place.sessions.refusal = Refusing(status, "not now", after)
                async with Wire.to(place) as wire:
                    wire.send(upgrade())
                    headers = await refused(wire, status, "not now")
                assert headers.get("retry-after") == (str(after) if after else None)
            place.sessions.refusal = ZeroDivisionError("secret")
            async with Wire.to(place) as wire:
                wire.send(upgrade())
                await refused(wire, 500, "Internal Server Error")
            async with Wire.to(place) as wire:
                wire.send(upgrade(uid=None))
                headers = await refused(wire, 401, "required")
                assert headers["www-authenticate"] == "bearer"

    run(talk)


def test_ask_for_no_token_where_the_dialect_is_open() -> None:
    async def talk() -> None:
        async with Place(is_open=True).listening() as place:
            async with Wire.to(place) as wire:
                handle = await opened(wire, place, upgrade("/call?uid=bob", uid=None))
                assert handle.view.uid == "bob"
            place.sessions.handles.clear()
            async with Wire.to(place) as wire:
                handle = await opened(wire, place, upgrade(uid=None))
                assert handle.view.uid == "anonymous"
            async with Wire.to(place) as wire:
                wire.send(upgrade("/call?token=junk", uid=None))
                await refused(wire, 401, "the token is not valid")

    run(talk)


MALFORMED = [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "this is not HTTP"),
    (b"\r\n", 400, "this is not HTTP"),
    (b"get / HTTP/1.1\r\n\r\n", 400, "the method or the target"),
    (b"GET /\r\n\r\n", 400, "the request line"),
    (b"GET / HTTP/2.0\r\n\r\n", 400, "the request line"),
    (b"GET /\x80 HTTP/1.1\r\n\r\n", 400, "the method or the target"),
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, "a header field cannot"),
    (b"GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n", 400, "a header field cannot"),
    (b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n", 400, "a header field cannot"),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "host is required"),
    (b"GET / HTTP/1.0\r\nContent-Length: -1\r\n\r\n", 400, "content-length is"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400, "host must stand once"),
    (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 400, "at most 100"),
    (b"GET /" + b"a" * 16_384, 431, "at most 16384 bytes"),
    (b"GET /" + b"a" * 16_384 + b" HTTP/1.1\r\n\r\n", 431, "at most 16384 bytes"),
]


@pytest.mark.parametrize(("data", "status", "sentence"), MALFORMED)
def test_refuse_what_is_no_head(data: bytes, status: int, sentence: str) -> None:
    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            wire.send(data)
            await refused(wire, status, sentence)

    run(talk)


def test_wait_for_a_head_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(front, "LINGER_SECONDS", 0.05)

    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as wire:
            wire.send(b"GET / HTTP/1.1\r\nX-Slow: ")
            await refused(wire, 408, "did not come in time")
            async with Wire.to(place) as silent:
                await refused(silent, 408, "did not come in time")

    run(talk)


def test_hold_only_so_many_who_have_not_said_what_they_want(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(front, "WAITING_MAX", 1)

    async def talk() -> None:
        async with Place().listening() as place, Wire.to(place) as first:
            first.send(b"G")
            await asyncio.sleep(0)
            async with Wire.to(place) as second:
                assert await second.rest() == b""
            first.send(b"ET /health HTTP/1.1\r\nHost: w\r\n\r\n")
            assert b" 200 OK" in await first.rest()

    run(talk)
