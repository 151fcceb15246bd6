"""Requests that came to the wrong worker: two or three of them on the loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import cast

import aiohttp
import pytest

from chalicelib.protocol.lease import Neighbour
from chalicelib.protocol.tokens import worker_token
from mediaworker.control.plane import Unanswered
from mediaworker.gateway import front, passage, passing
from mediaworker.gateway.head import Head
from mediaworker.transports.peer import SocketPeer
from tests.worker.gateway.fakes import (
    BINARY,
    CLOSE,
    FAR_SECONDS,
    PING,
    PONG,
    SECRET,
    TEXT,
    FakeHandle,
    FakeSessions,
    Place,
    Refusing,
    Wire,
    masked,
    run,
    token,
    upgrade,
)
from tests.worker.runtime.world import World

MINE = "w2-0001"
MEGABYTE = 1_048_576


def neighbour(place: Place) -> Neighbour:
    return Neighbour(place.worker_id, f"127.0.0.1:{place.number}")


@contextlib.asynccontextmanager
async def fleet(size: int = 2) -> AsyncIterator[list[Place]]:
    async with contextlib.AsyncExitStack() as stack:
        places = [Place(worker_id=f"w{n + 1}") for n in range(size)]
        for place in places:
            await stack.enter_async_context(place.listening())
        for place in places:
            place.neighbours.learn(map(neighbour, places))
        yield places


def met(talk: Callable[[Place, Place], Awaitable[None]]) -> None:
    """Two workers that know each other."""

    async def whole() -> None:
        async with fleet() as (first, second):
            await talk(first, second)

    run(whole)


async def opened(
    wire: Wire, place: Place, path: str = f"/call?id={MINE}"
) -> FakeHandle:
    wire.send(upgrade(path))
    assert (await wire.head()).startswith(b"HTTP/1.1 101 ")
    return place.sessions.only


def closed(payload: bytes) -> tuple[int, str]:
    return int.from_bytes(payload[:2]), payload[2:].decode()


def request(method: str, path: str, uid: str = "alice", **fields: str) -> bytes:
    given = {"Host": "w", "Authorization": f"Bearer {token(uid)}", **fields}
    lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


def test_carry_a_socket_both_ways_as_if_it_were_here() -> None:
    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire:
            wire.send(upgrade(f"/call?id={MINE}") + masked(TEXT, b"early"))
            assert (await wire.head()).startswith(b"HTTP/1.1 101 ")
            handle = second.sessions.only
            assert (handle.session_id, handle.view.uid) == (MINE, "alice")
            assert first.sessions.handles == {}
            assert first.passing.readings()["passages"] == 1
            wire.send(masked(BINARY, b"\x07" * 640) + masked(PING, b"?"))
            await handle.until(lambda: handle.audio)
            assert (handle.texts, handle.audio) == ([b"early"], [b"\x07" * 640])
            assert await wire.frame() == (PONG, b"?")
            handle.peer.send_text("événement")
            handle.peer.send_audio(b"\x03" * 640)
            assert await wire.frame() == (TEXT, "événement".encode())
            assert await wire.frame() == (BINARY, b"\x03" * 640)
            handle.peer.close(4_001, "over")
            opcode, payload = await wire.frame()
            assert (opcode, closed(payload)) == (CLOSE, (4_001, "over"))
            wire.send(masked(CLOSE, payload))
            assert await wire.rest() == b""
        while first.passing.readings()["passages"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    met(talk)


def test_bring_the_application_s_own_end_to_the_session() -> None:
    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire:
            handle = await opened(wire, second)
            wire.send(masked(CLOSE, (4_002).to_bytes(2) + b"done"))
            assert (await wire.frame())[0] == CLOSE
            await handle.until(lambda: handle.lost)
            assert handle.lost == [True]
        async with Wire.to(first) as wire:
            second.sessions.handles.clear()
            handle = await opened(wire, second)
            wire.writer.transport.abort()
            await handle.until(lambda: handle.lost)
            assert handle.lost == [False]

    met(talk)


@pytest.mark.parametrize("path", ["/call", "/call?id=w1-again", "/call?id=chosen"])
def test_begin_a_session_at_a_neighbour_while_we_drain(path: str) -> None:
    async def talk(first: Place, second: Place) -> None:
        first.worker.drain()
        async with Wire.to(first) as wire:
            await opened(wire, second, path)
            assert first.sessions.handles == {}
        # Nobody is left who would take one: the refusal is our own.
        second.neighbours.learn(())
        first.neighbours.learn([replace(neighbour(second), is_draining=True)])
        first.sessions.refusal = Refusing(503, "the worker drains", 1)
        async with Wire.to(first) as wire:
            wire.send(upgrade("/call"))
            assert (await wire.head()).startswith(b"HTTP/1.1 503 ")

    met(talk)


def test_keep_a_session_here_while_we_drain() -> None:
    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire:
            await opened(wire, first, "/call?id=w1-here")
        first.worker.drain()
        async with Wire.to(first) as wire:
            await opened(wire, first, "/call?id=w1-here")
        assert second.sessions.handles == {}
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{first.url}/health") as answer,
        ):
            assert answer.status == 200

    met(talk)


def test_begin_a_session_of_a_chosen_id_where_it_would_be_sought() -> None:
    async def talk(first: Place, second: Place) -> None:
        async with aiohttp.ClientSession() as client:
            for place in (first, second):
                url = f"{place.url}/call?id=w2-chosen&token={token()}"
                async with client.ws_connect(url):
                    assert list(second.sessions.handles) == ["w2-chosen"]
                second.sessions.handles.clear()

    met(talk)


@pytest.mark.parametrize(
    "path", ["/call", "/call?id=w1-mine", "/call?id=w3-theirs", "/call?id=chosen"]
)
def test_keep_what_is_nobody_else_s(path: str) -> None:
    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire:
            await opened(wire, first, path)
            assert second.sessions.handles == {}

    met(talk)


def test_keep_what_is_here_whatever_its_id_looks_like() -> None:
    async def talk(first: Place, second: Place) -> None:
        first.sessions.add(MINE, "alice")
        async with Wire.to(first) as wire:
            await opened(wire, first)
            assert second.sessions.handles == {}

    met(talk)


def test_ask_the_control_plane_for_an_id_that_names_nobody() -> None:
    async def talk(first: Place, second: Place) -> None:
        asked: list[tuple[str, str]] = []

        async def holder(tenant: str, session_id: str) -> Neighbour | None:
            asked.append((tenant, session_id))
            return neighbour(second) if session_id == "chosen" else None

        first.neighbours.ask_by(holder)
        async with Wire.to(first) as wire:
            second.sessions.add("chosen", "alice")
            await opened(wire, second, "/call?id=chosen")
        async with Wire.to(first) as wire:
            await opened(wire, first, "/call?id=unheard-of")
        async with Wire.to(first) as wire:
            wire.send(request("POST", "/call/kill/chosen"))
            assert (await wire.rest()).startswith(b"HTTP/1.1 200 ")
        assert [order.session_id for order in second.sessions.ended] == ["chosen"]
        assert asked == [
            ("default", "chosen"),
            ("default", "unheard-of"),
            ("default", "chosen"),
        ]

    met(talk)


def test_take_a_session_for_new_while_nobody_can_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passing, "SEARCH_SECONDS", 0.02)

    async def talk(first: Place, second: Place) -> None:
        async def away(tenant: str, session_id: str) -> Neighbour | None:
            raise Unanswered("answered 503")

        async def slow(tenant: str, session_id: str) -> Neighbour | None:
            await asyncio.sleep(60)
            return None

        async def ours(tenant: str, session_id: str) -> Neighbour | None:
            return neighbour(first)

        for ask in (None, away, slow, ours):
            first.neighbours.ask_by(ask)
            first.sessions.handles.clear()
            async with Wire.to(first) as wire:
                await opened(wire, first, "/call?id=chosen")

    met(talk)


def test_search_no_more_than_so_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "MOST_SEARCHES", 1)

    async def talk(first: Place, second: Place) -> None:
        is_asked, may_answer = asyncio.Event(), asyncio.Event()

        async def holder(tenant: str, session_id: str) -> Neighbour | None:
            is_asked.set()
            await may_answer.wait()
            return None

        first.neighbours.ask_by(holder)
        async with Wire.to(first) as one, Wire.to(first) as two:
            one.send(upgrade("/call?id=sought"))
            await is_asked.wait()
            await opened(two, first, "/call?id=another")
            may_answer.set()
            await one.head()
            assert list(first.sessions.handles) == ["another", "sought"]

    met(talk)


def test_forget_who_leaves_while_it_is_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.1)

    async def talk(first: Place, second: Place) -> None:
        is_asked, may_answer = asyncio.Event(), asyncio.Event()

        async def holder(tenant: str, session_id: str) -> Neighbour | None:
            is_asked.set()
            await may_answer.wait()
            return None

        first.neighbours.ask_by(holder)
        async with Wire.to(first) as patient, Wire.to(first) as gone:
            for wire in (gone, patient):
                wire.send(upgrade("/call?id=sought"))
            await is_asked.wait()
            gone.writer.transport.abort()
            patient.send(bytes(200_000))
            assert b" 408 " in await patient.head()
            may_answer.set()
            await asyncio.sleep(0.02)
            assert first.sessions.handles == {}

    met(talk)


def test_pass_on_what_is_asked_of_a_session() -> None:
    async def talk(first: Place, second: Place) -> None:
        handle = second.sessions.add(MINE, "alice")
        async with aiohttp.ClientSession() as client:
            headers = {"Authorization": f"Bearer {token()}"}
            command = '{"command":"interrupt"}'
            async with client.post(
                f"{first.url}/command/{MINE}", data=command, headers=headers
            ) as response:
                assert response.status == 200
                assert await response.json() == {"status": "sent", "id": MINE}
            assert handle.texts == [command.encode()]
            stranger = {"Authorization": f"Bearer {token('eve')}"}
            for who, status in ((stranger, 404), (headers, 200), (headers, 404)):
                async with client.get(
                    f"{first.url}/call/kill/{MINE}", headers=who
                ) as response:
                    assert response.status == status
        assert len(second.sessions.ended) == 1
        assert first.sessions.ended == []

    met(talk)


def test_wait_for_a_body_that_comes_late() -> None:
    async def talk(first: Place, second: Place) -> None:
        handle = second.sessions.add(MINE, "alice")
        body = b'{"command":"interrupt"' + b" " * 30_000 + b"}"
        async with Wire.to(first) as wire:
            head = request("POST", f"/command/{MINE}", Content_Length=str(len(body)))
            wire.send(head)
            await asyncio.sleep(0.01)
            wire.send(body)
            assert (await wire.rest()).startswith(b"HTTP/1.1 200 ")
            assert handle.texts == [body]

    met(talk)


def test_stream_events_from_another_worker_until_it_is_gone() -> None:
    async def talk(first: Place, second: Place) -> None:
        second.sessions.add(MINE, "alice")
        async with Wire.to(first) as wire:
            wire.send(request("GET", f"/events/{MINE}"))
            assert b"text/event-stream" in await wire.head()
            (watcher,) = second.sessions.watchers[MINE]
            watcher.tell_event('{"event":"custom","timestamp":1,"data":{}}')
            async with asyncio.timeout(5):
                told = await wire.reader.readuntil(b"\n\n")
            assert b"event: event" in told
            watcher.end()
            assert (await wire.rest()).endswith(b"0\r\n\r\n")

    met(talk)


@pytest.mark.parametrize("uid", [None, "alice"])
def test_answer_strangers_here(uid: str | None) -> None:
    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire:
            path = f"/call?id={MINE}" + ("" if uid is None else "&%zz=%ff")
            wire.send(upgrade(path, uid=uid))
            status = b" 401 " if uid is None else b" 400 "
            assert status in await wire.head()
            assert first.passing.readings()["passages_total"] == 0

    met(talk)


def test_answer_strangers_here_while_we_drain() -> None:
    async def talk(first: Place, second: Place) -> None:
        first.worker.drain()
        async with Wire.to(first) as wire:
            wire.send(upgrade(uid=None))
            assert b" 401 " in await wire.head()
        assert first.passing.readings()["passages_total"] == 0

    met(talk)


def test_tell_what_the_session_s_worker_says() -> None:
    async def talk(first: Place, second: Place) -> None:
        second.sessions.refusal = Refusing(409, "the session's socket is alive")
        async with Wire.to(first) as wire:
            wire.send(upgrade(f"/call?id={MINE}"))
            answer = await wire.rest()
            assert answer.startswith(b"HTTP/1.1 409 ")
            assert answer.endswith(b'"the session\'s socket is alive"}')

    met(talk)


def hop(worker_id: str = "w1", by: str | None = None) -> str:
    return f"{worker_id} {by or worker_token(SECRET, 'w9', FAR_SECONDS)}"


def test_pass_on_once_at_most() -> None:
    async def whole() -> None:
        async with fleet(3) as (first, second, third):
            # Each takes the next one for the owner.
            first.neighbours.learn([Neighbour("w2", f"127.0.0.1:{third.number}")])
            third.neighbours.learn([Neighbour("w2", f"127.0.0.1:{first.number}")])
            async with Wire.to(first) as wire:
                wire.send(upgrade(f"/call?id={MINE}"))
                answer = await wire.rest()
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"Retry-After: 1" in answer
                assert b"another worker was meant" in answer
            passed = [
                place.passing.readings()["passages_total"]
                for place in (first, second, third)
            ]
            assert passed == [1, 0, 0]
            async with Wire.to(first) as wire:
                wire.send(upgrade(f"/call?id={MINE}", X_Parley_Hop=hop()))
                assert b" 101 " in await wire.head()
                assert list(first.sessions.handles) == [MINE]

    run(whole)


@pytest.mark.parametrize(
    "mark",
    ["w1", "w1 x", "w1 " + token(), hop(by=worker_token("s" * 32, "w9", FAR_SECONDS))],
)
def test_believe_no_stranger_s_mark(mark: str) -> None:
    async def talk(first: Place, second: Place) -> None:
        for line in (
            upgrade(X_Parley_Hop=mark),
            request("GET", "/health", x_parley_hop=mark),
        ):
            async with Wire.to(first) as wire:
                wire.send(line)
                assert b" 401 " in await wire.head()
        assert first.sessions.handles == {}

    met(talk)


def test_say_that_a_worker_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(passage, "ANSWER_SECONDS", 0.05)

    async def talk(first: Place, second: Place) -> None:
        with socket.socket() as silent, socket.socket() as refusing:
            for one in (silent, refusing):
                one.bind(("127.0.0.1", 0))
            silent.listen()
            for there in (refusing, silent):
                address = f"127.0.0.1:{there.getsockname()[1]}"
                first.neighbours.learn([Neighbour("w2", address)])
                body = b"x" * 300_000
                head = request(
                    "POST", f"/command/{MINE}", Content_Length=str(len(body))
                )
                for sent in (upgrade(f"/call?id={MINE}"), head + body):
                    async with Wire.to(first) as wire:
                        wire.send(sent)
                        answer = await wire.rest()
                        assert answer.startswith(b"HTTP/1.1 503 ")
                        assert b"Retry-After: 1" in answer

    met(talk)


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:port", "[::1]:1"])
def test_say_that_an_address_is_none(address: str) -> None:
    async def talk(first: Place, second: Place) -> None:
        first.neighbours.learn([Neighbour("w2", address)])
        async with Wire.to(first) as wire:
            wire.send(upgrade(f"/call?id={MINE}"))
            assert (await wire.rest()).startswith(b"HTTP/1.1 503 ")

    met(talk)


def test_close_with_a_clear_code_when_the_worker_is_killed() -> None:
    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire:
            handle = await opened(wire, second)
            handle.peer.send_text("last")
            assert await wire.frame() == (TEXT, b"last")
            assert isinstance(handle.peer, SocketPeer)
            # As the kernel does for a process that is dead.
            handle.peer.abort()
            opcode, payload = await wire.frame()
            assert opcode == CLOSE
            assert closed(payload) == (1_014, "the session's worker is gone")
            wire.send(masked(CLOSE, payload))
            assert await wire.rest() == b""

    met(talk)


def test_leave_the_session_to_be_resumed_when_this_worker_stops() -> None:
    async def whole() -> None:
        second = Place(worker_id="w2")
        async with second.listening():
            first = Place(worker_id="w1")
            async with wired_through(first, second) as (wire, handle):
                pass
            opcode, payload = await wire.frame()
            assert (opcode, closed(payload)) == (CLOSE, (1_001, "the worker stops"))
            await handle.until(lambda: handle.lost)
            assert handle.lost == [False]

    run(whole)


@contextlib.asynccontextmanager
async def wired_through(
    first: Place, second: Place
) -> AsyncIterator[tuple[Wire, FakeHandle]]:
    """A socket that is passed on, and outlives the worker that passes it on."""
    async with first.listening():
        first.neighbours.learn([neighbour(second)])
        reader, writer = await asyncio.open_connection("127.0.0.1", first.number)
        wire = Wire(reader, writer)
        yield wire, await opened(wire, second)
    writer.close()


def test_bound_what_waits_for_a_slow_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire:
            handle = await opened(wire, second)
            wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
            while first.passing.readings()["passage_frames_dropped_total"] < 50:
                handle.peer.send_audio(bytes(640))
                await asyncio.sleep(0)
            while not handle.lost:
                handle.peer.send_text("e" * 1_000)
                await asyncio.sleep(0)
            assert handle.lost == [False]
            assert isinstance(handle.peer, SocketPeer)
            assert handle.peer.frames_dropped == 0
            wire.reader._transport.resume_reading()  # type: ignore[attr-defined]
            opcode, payload = await wire.frame()
            while opcode != CLOSE:
                opcode, payload = await wire.frame()
            assert closed(payload)[0] == 1_013

    met(talk)


def test_read_no_more_than_the_other_worker_takes() -> None:
    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire:
            handle = await opened(wire, second)
            handle.peer.pause_reading()
            many = masked(BINARY, bytes(60_000)) * 400
            wire.send(many)
            await asyncio.sleep(0.2)
            assert len(handle.audio) == 0
            assert wire.writer.transport.get_write_buffer_size() > 4 * MEGABYTE
            handle.peer.resume_reading()
            await handle.until(lambda: len(handle.audio) == 400)

    met(talk)


def test_hold_so_many_passages_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "MOST_PASSAGES", 1)

    async def talk(first: Place, second: Place) -> None:
        async with Wire.to(first) as wire, Wire.to(first) as other:
            await opened(wire, second)
            other.send(upgrade(f"/call?id={MINE}"))
            assert b" 503 " in await other.head()

    met(talk)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("GET /call/kill/w2-1", "w2-1"),
        ("POST /call/kill/w2%2D1?token=t", "w2-1"),
        ("PUT /call/kill/w2-1", None),
        ("OPTIONS /command/w2-1", None),
        ("GET /events/", None),
        ("GET /events/a/b", None),
        ("GET /events/%00", None),
        ("GET /call/lists", None),
        ("GET /call?id=w2-1", None),
    ],
)
def test_tell_the_session_by_the_path(line: str, named: str | None) -> None:
    head = Head.parse(f"{line} HTTP/1.1\r\nHost: w".encode())
    assert passing.session_named(head) == named


def test_resume_a_lost_socket_at_whichever_worker() -> None:
    async def whole() -> None:
        world = World()
        owner = Place(worker_id="0000abcd", sessions=cast(FakeSessions, world.roster))
        async with fleet() as (first, second), owner.listening():
            for place in (first, second):
                place.neighbours.learn([neighbour(owner)])
            request = upgrade("/call?id=0000abcd-1")
            async with Wire.to(first) as lost:
                lost.send(request)
                assert b" 101 " in await lost.head()
                seat = world.roster.find("0000abcd-1")
                assert seat is not None
                async with Wire.to(second) as early:
                    early.send(request)
                    assert b" 409 " in await early.head()
                lost.writer.transport.abort()
                async with asyncio.timeout(5):
                    while seat.is_attached:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            async with Wire.to(second) as stranger:
                stranger.send(upgrade("/call?id=0000abcd-1", uid="eve"))
                assert b" 403 " in await stranger.head()
            async with Wire.to(second) as wire:
                wire.send(request)
                assert b" 101 " in await wire.head()
                assert seat.is_attached
                assert len(world.roster) == 1

    run(whole)
