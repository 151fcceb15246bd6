"""A session read along, as Server-Sent Events."""

import asyncio
import json
from typing import Any

import pytest

from chalicelib.protocol.vocabulary import Role
from mediaworker.gateway import errors, streams
from mediaworker.gateway.streams import Reader
from mediaworker.runtime.ports import Overloaded
from tests.worker.gateway.fakes import Place, Wire, run, token
from tests.worker.gateway.test_commands import PAGE, not_found
from tests.worker.gateway.test_rest import Client, refusal, speak

ANSWER = {"event": "answer", "trackId": "a", "timestamp": 1, "sdp": "v=0 secret"}
INVITE = {
    "command": "invite",
    "option": {
        "offer": "v=0 secret",
        "asr": {"provider": "tencent", "secretKey": "secret"},
        "sip": {"username": "u", "password": "secret"},
    },
}


def get(path: str, uid: str = "alice", **fields: str) -> bytes:
    given = {"Host": "w", "Authorization": f"Bearer {token(uid)}", **fields}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


async def chunk(wire: Wire) -> str:
    size = int(await wire.reader.readuntil(b"\r\n"), 16)
    return (await wire.take(size + 2))[:-2].decode()


def entry(text: str) -> tuple[str, str, Any]:
    number, name, data = text.removesuffix("\n\n").split("\n")
    fields = json.loads(data.removeprefix("data: "))
    return number.removeprefix("id: "), name.removeprefix("event: "), fields


def listen(talk: Any, place: Place | None = None) -> None:
    async def whole() -> None:
        async with (place or Place()).listening() as there, Wire.to(there) as wire:
            await talk(there, wire)

    run(whole)


async def reading(place: Place, wire: Wire, **fields: str) -> Any:
    place.sessions.add("a", "alice")
    wire.send(get("/events/a", **fields))
    head = (await wire.head()).decode().lower()
    assert head.startswith("http/1.1 200 ok")
    assert "content-type: text/event-stream; charset=utf-8" in head
    assert "connection: close" in head
    (watcher,) = place.sessions.watchers["a"]
    return watcher, head


def test_show_events_and_commands_without_their_secrets() -> None:
    async def talk(place: Place, wire: Wire) -> None:
        watcher, _ = await reading(place, wire)
        watcher.tell_event(json.dumps(ANSWER))
        number, name, fields = entry(await chunk(wire))
        assert (number, name, fields["event"]) == ("1", "event", "answer")
        assert "sdp" not in fields
        watcher.tell_command(json.dumps(INVITE).encode())
        text = await chunk(wire)
        number, name, fields = entry(text)
        assert (number, name, fields["command"]) == ("2", "command", "invite")
        assert fields["option"]["asr"]["provider"] == "tencent"
        assert "secret" not in text
        watcher.tell_command(b'{"command":"invite","secretKey":')
        watcher.tell_event("no JSON")
        watcher.tell_event('{"event":"unheard-of"}')
        watcher.end()
        assert entry(await chunk(wire)) == ("3", "end", {})
        assert await wire.rest() == b"0\r\n\r\n"
        assert place.sessions.watchers["a"] == []

    listen(talk)


def test_outlive_the_time_of_other_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.1)

    async def talk(place: Place, wire: Wire) -> None:
        watcher, _ = await reading(place, wire)
        for _ in range(3):
            assert await chunk(wire) == ": still here\n\n"
        watcher.end()
        assert entry(await chunk(wire))[1] == "end"

    listen(talk)


def test_let_a_page_of_another_origin_read_along() -> None:
    async def talk(place: Place, wire: Wire) -> None:
        _, head = await reading(place, wire, Origin=PAGE)
        assert "access-control-allow-origin: *" in head

    listen(talk, Place(origins=frozenset({"*"})))


def test_forget_a_reader_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.01)

    async def talk(place: Place, wire: Wire) -> None:
        await reading(place, wire)
        wire.writer.transport.abort()
        while place.sessions.watchers["a"]:  # noqa: ASYNC110 - fakes tell nobody
            await asyncio.sleep(0.01)

    listen(talk)


def test_cut_a_reader_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WRITE_SECONDS", 0.05)
    monkeypatch.setattr(streams, "MOST_WAITING_CHARACTERS", 2**27)

    async def talk(place: Place, wire: Wire) -> None:
        watcher, _ = await reading(place, wire)
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
        event = {"event": "addHistory", "timestamp": 1, "speaker": "s"}
        text = json.dumps({**event, "text": "x" * 60_000})
        for _ in range(1_000):
            watcher.tell_event(text)
        while place.sessions.watchers["a"]:  # noqa: ASYNC110 - fakes tell nobody
            await asyncio.sleep(0.01)

    listen(talk)


def test_keep_a_slow_reader_within_bounds() -> None:
    async def talk() -> None:
        reader = Reader()
        line = {"event": "addHistory", "timestamp": 1, "speaker": "s"}
        text = json.dumps({**line, "text": "x" * 60_000})
        for _ in range(10):
            reader.tell_event(text)
        assert (reader.is_slow, reader.is_over, reader.is_empty) == (True, True, True)
        assert await reader.take() == streams.TOO_SLOW
        reader.end()
        reader.tell_event(text)
        assert reader.is_empty

    run(talk)


def test_show_a_session_to_nobody_else() -> None:
    async def talk(client: Client) -> None:
        client.place.sessions.add("a", "alice")
        for bearer in (token("bob"), token("root", Role.ADMIN, "other")):
            assert await client.ask("/events/a", bearer) == not_found("a")
        assert await client.ask("/events/b", token()) == not_found("b")
        assert (await client.ask("/events/a"))[0] == 401

    speak(talk)


def test_show_no_more_than_can_be_borne(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(client: Client) -> None:
        sessions = client.place.sessions
        sessions.add("a", "alice")
        monkeypatch.setattr(streams, "MOST_STREAMS", 0)
        answer = await client.ask("/events/a", token())
        assert answer == refusal(503, "too many read sessions along")
        assert client.headers["Retry-After"] == "30"
        monkeypatch.setattr(streams, "MOST_STREAMS", 1)

        def watch(session_id: str, watcher: object) -> None:
            raise Overloaded("too many read this session along")

        monkeypatch.setattr(sessions, "watch", watch)
        answer = await client.ask("/events/a", token())
        assert answer == refusal(503, "too many read this session along")

    speak(talk)
