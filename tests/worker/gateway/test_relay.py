"""Sessions whose sockets the gateway holds."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.protocol.relay import Frame, Gone, Open, RelayMessages
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.vocabulary import Role
from mediaworker.gateway import relay, relayed, reordering
from mediaworker.gateway.errors import Refused
from mediaworker.transports import relay_peer
from mediaworker.transports.relay_peer import Outcome, RelayPeer
from tests.worker.gateway.fakes import (
    NOW_MS,
    FakeHandle,
    Place,
    Refusing,
    part_token,
    run,
    token,
)
from tests.worker.gateway.test_rest import Client, refusal, speak

PATH = "/internal/relay"
ENDPOINT = "http://127.0.0.1:8000"
OPEN = Open("c1", ENDPOINT, "default", "alice", Role.USER, CallType.SIP, {"id": "a"})
SENT = (204, "")


def frame(cseq: int | None, name: str = "pause", connection_id: str = "c1") -> Frame:
    fields = {"command": name, "name": str(cseq), "cseq": cseq}
    return Frame(connection_id, json.dumps(fields), cseq)


class Gateway(Client):
    """Says what the relay function says."""

    async def tell(self, message: RelayMessages) -> tuple[int, Any]:
        return await self.ask(PATH, part_token(), "POST", json=message.render())

    async def opened(self, message: Open = OPEN) -> FakeHandle:
        assert await self.tell(message) == SENT
        return self.place.sessions.handles[message.query["id"]]

    def numbers(self, handle: FakeHandle) -> list[int]:
        return [json.loads(text)["cseq"] for text in handle.texts]

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not is_so():  # noqa: ASYNC110 - fakes tell nobody
                await asyncio.sleep(0.005)

    def errors(self) -> list[str]:
        told = [json.loads(text) for _, text in self.place.way.posted]
        return [event["error"] for event in told if event["event"] == "error"]


def relaying(
    talk: Callable[[Gateway], Awaitable[None]], place: Place | None = None
) -> None:
    async def as_gateway(client: Client) -> None:
        await talk(Gateway(client.place, client._http))

    speak(as_gateway, place)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reordering, "GAP_SECONDS", 0.05)
    monkeypatch.setattr(relay, "GAP_SECONDS", 0.05)
    monkeypatch.setattr(relayed, "PAUSE_SECONDS", 0.005)


def test_carry_a_session_from_its_opening_to_its_end() -> None:
    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        assert handle.view.call_type is CallType.SIP
        assert (handle.view.uid, handle.view.tenant) == ("alice", "default")
        for cseq in (2, 1, 3, 2):
            assert await gateway.tell(frame(cseq)) == SENT
        assert gateway.numbers(handle) == [1, 2, 3]
        for number in range(5):
            handle.peer.send_text(f'{{"event":"{number}"}}')
        assert not handle.peer.send_audio(b"frame")
        handle.peer.close(1000, "hangup")
        handle.peer.close(1011, "again")
        way = gateway.place.way
        await gateway.until(lambda: way.closed)
        assert way.posted == [("c1", f'{{"event":"{n}"}}') for n in range(5)]
        assert way.closed == ["c1"]
        answer = await gateway.tell(frame(4))
        assert answer == refusal(404, "there is no such connection")

    relaying(talk)


def test_take_parley_s_own_parts_alone() -> None:
    async def talk(gateway: Gateway) -> None:
        for bearer in (None, token(), token("root", Role.ADMIN)):
            answer = await gateway.ask(PATH, bearer, "POST", json=OPEN.render())
            assert answer[0] == 401
        for body in (b"{", b'{"v":1,"type":"session.end"}', b'{"v":7}'):
            answer = await gateway.ask(PATH, part_token(), "POST", data=body)
            assert answer[0] == 400
        large = io.BytesIO(b" " * 1_048_577)
        assert (await gateway.ask(PATH, part_token(), "POST", data=large))[0] == 413
        assert not gateway.place.sessions.handles

    relaying(talk)


def test_take_the_largest_text_that_the_gateway_takes() -> None:
    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        text = json.dumps({"command": "pause", "name": '"' * 60_000})
        assert await gateway.tell(Frame("c1", text, 1)) == SENT
        assert handle.texts == [text.encode()]

    relaying(talk)


def test_open_once_though_it_is_asked_twice() -> None:
    async def talk(gateway: Gateway) -> None:
        await gateway.opened()
        await gateway.opened()
        assert len(gateway.place.sessions.queries) == 1

    relaying(talk)


def test_tell_of_a_gap_and_go_on() -> None:
    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        await gateway.tell(frame(3))
        await gateway.until(lambda: handle.texts)
        await gateway.tell(frame(4))
        await gateway.tell(frame(2))
        await gateway.tell(frame(900))
        await gateway.until(lambda: len(gateway.errors()) == 2)
        assert gateway.numbers(handle) == [3, 4]
        assert gateway.errors() == [
            "messages 1 to 2 did not come",
            "cseq 900 is too far ahead: dropped",
        ]
        error = json.loads(gateway.place.way.posted[0][1])
        assert error["trackId"] == "a"
        assert (error["timestamp"], error["sender"]) == (NOW_MS, "relay")

    relaying(talk)


def test_want_a_number_of_each_message() -> None:
    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        await gateway.tell(frame(None))
        await gateway.until(gateway.errors)
        assert gateway.errors() == [relayed.NUMBER_WANTED]
        await gateway.tell(Frame("c1", "no JSON"))
        assert handle.texts == [b"no JSON"], "the session says what is wrong"

    relaying(talk)


@pytest.mark.parametrize(
    ("status", "after"), [(403, None), (409, None), (501, None), (503, 5)]
)
def test_refuse_as_the_sessions_do(status: int, after: int | None) -> None:
    async def talk(gateway: Gateway) -> None:
        gateway.place.sessions.refusal = Refusing(status, "no room", after)
        assert await gateway.tell(OPEN) == refusal(status, "no room")
        assert gateway.headers.get("Retry-After") == (after and str(after))

    relaying(talk)


def test_refuse_a_query_that_means_nothing() -> None:
    async def talk(gateway: Gateway) -> None:
        answer = await gateway.tell(replace(OPEN, query={"dump": "perhaps"}))
        assert answer == refusal(400, "dump must be true or false")

    relaying(talk)


def test_open_nothing_before_it_runs() -> None:
    async def talk() -> None:
        place = Place()
        async with place.listening():
            idle = relay.Relay(place.sessions, place.relay._reach, "t", lambda: NOW_MS)
            with pytest.raises(Refused, match="starting"):
                await idle.take(OPEN)
            assert await idle._is_there(OPEN)

    run(talk)


@pytest.mark.parametrize("is_clean", [True, False])
def test_lose_a_client_after_what_it_said(is_clean: bool) -> None:
    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        assert await gateway.tell(Gone("c1", is_clean)) == SENT
        assert await gateway.tell(frame(1)) == SENT
        await gateway.until(lambda: handle.lost)
        assert (handle.lost, gateway.numbers(handle)) == ([is_clean], [1])
        handle.peer.send_text("to nobody")
        await gateway.until(lambda: not gateway.place.relay._sockets)
        assert gateway.place.way.posted == []
        assert gateway.place.way.closed == [], "it is closed already"
        answer = await gateway.tell(Gone("c1", is_clean))
        assert answer == refusal(404, "there is no such connection")

    relaying(talk)


def test_lose_a_client_that_the_gateway_does_not_know_any_more() -> None:
    async def talk(gateway: Gateway) -> None:
        handle, way = await gateway.opened(), gateway.place.way
        way.outcomes = [Outcome.GONE, Outcome.GONE, Outcome.TAKEN]
        handle.peer.send_text("early")
        await gateway.until(lambda: way.posted)
        assert handle.lost == [], "it was just being let in"
        way.outcomes = [Outcome.GONE]
        handle.peer.send_text("late")
        await gateway.until(lambda: handle.lost)
        assert (handle.lost, way.closed) == ([False], [])

    relaying(talk)


def test_lose_a_client_that_is_never_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relayed, "LET_IN_SECONDS", 0.03)

    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        gateway.place.way.outcomes = [Outcome.GONE] * 1_000
        handle.peer.send_text("early")
        await gateway.until(lambda: handle.lost)
        assert handle.lost == [False]

    relaying(talk)


def test_post_again_what_failed_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def talk(gateway: Gateway) -> None:
        handle, way = await gateway.opened(), gateway.place.way
        way.outcomes = [Outcome.FAILED, Outcome.FAILED]
        handle.peer.send_text("one")
        handle.peer.send_text("two")
        await gateway.until(lambda: len(way.posted) == 2)
        assert [text for _, text in way.posted] == ["one", "two"]
        monkeypatch.setattr(relayed, "FAILED_SECONDS", 0.03)
        way.outcomes = [Outcome.FAILED] * 1_000
        handle.peer.send_text("three")
        await gateway.until(lambda: handle.lost)
        assert handle.lost == [False]

    relaying(talk)


def test_tell_of_an_event_that_is_too_large() -> None:
    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        gateway.place.way.outcomes = [Outcome.TOO_LARGE]
        handle.peer.send_text("x" * 200)
        await gateway.until(gateway.errors)
        sentence = "an event of 200 characters is too large to be sent"
        assert gateway.errors() == [sentence]

    relaying(talk)


def test_close_a_reader_who_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_peer, "TEXT_QUEUED_MAX", 100)

    async def talk(gateway: Gateway) -> None:
        handle, way = await gateway.opened(), gateway.place.way
        for _ in range(3):
            handle.peer.send_text("x" * 50)
        await gateway.until(lambda: way.closed)
        assert gateway.errors() == ["events were not read in time"]
        assert json.loads(way.posted[-1][1])["code"] == 1013
        assert handle.lost == [False]

    relaying(talk)


def test_hold_commands_while_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relayed, "MOST_HELD", 3)

    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        handle.peer.pause_reading()
        for cseq in (1, 2, 3):
            await gateway.tell(frame(cseq))
        assert handle.texts == []
        handle.peer.resume_reading()
        assert gateway.numbers(handle) == [1, 2, 3]
        handle.peer.pause_reading()
        for cseq in (4, 5, 6, 7, 8):
            await gateway.tell(frame(cseq))
        await gateway.until(lambda: gateway.place.way.closed)
        assert gateway.errors() == ["commands come faster than they are obeyed"]
        assert handle.lost == [False]
        assert gateway.numbers(handle) == [1, 2, 3]

    relaying(talk)


def test_end_a_socket_that_is_older_than_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relayed, "LIFETIME_SECONDS", 0.02)

    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()
        await gateway.until(lambda: handle.lost)
        assert gateway.place.way.closed == ["c1"]

    relaying(talk)


def test_let_one_come_back_before_the_loss_is_told() -> None:
    async def talk(gateway: Gateway) -> None:
        first = await gateway.opened()
        gateway.place.way.gone.add("c1")
        second = await gateway.opened(replace(OPEN, connection_id="c2"))
        assert (first.lost, second.lost) == ([False], [])
        await gateway.tell(Gone("c2", False))
        gateway.place.way.gone.clear()
        await gateway.opened(replace(OPEN, connection_id="c3"))
        assert second.lost == [False], "it is leaving"
        await gateway.opened(replace(OPEN, connection_id="c4"))
        third = gateway.place.relay._sockets["c3"]
        assert third.handle.lost == [], "it is alive: the sessions refuse who comes"  # type: ignore[attr-defined]
        stranger = replace(OPEN, connection_id="c5", uid="bob")
        gateway.place.way.gone |= {"c3", "c4"}
        await gateway.opened(stranger)
        assert third.handle.lost == []  # type: ignore[attr-defined]

    relaying(talk)


def test_survive_a_session_that_fails() -> None:
    async def talk(gateway: Gateway) -> None:
        handle = await gateway.opened()

        def lose(is_clean: bool) -> None:
            raise RuntimeError("a mistake of ours")

        handle.lose = lose  # type: ignore[method-assign]
        gateway.place.way.outcomes = [Outcome.TAKEN, Outcome.GONE]
        handle.peer.send_text("one")
        handle.peer.send_text("two")
        await gateway.until(lambda: not gateway.place.relay._sockets)
        await gateway.opened(replace(OPEN, connection_id="c2", query={"id": "b"}))

    relaying(talk)


def test_wait_for_last_words_but_not_long() -> None:
    async def talk(gateway: Gateway) -> None:
        held = gateway.place.relay
        handle = await gateway.opened()
        await held.flush(0.01)
        assert not gateway.place.way.posted
        handle.peer.send_text("bye")
        handle.peer.close(1000, "bye")
        await held.flush(5)
        assert gateway.place.way.posted == [("c1", "bye")]

    relaying(talk)


def test_send_nothing_once_it_is_closed() -> None:
    async def talk() -> None:
        peer = RelayPeer(lambda: NOW_MS)
        peer.send_text("one")
        peer.close(1000, "over")
        peer.send_text("two")
        assert [await peer.next(), await peer.next()] == ["one", None]
        peer.resume_reading()

    run(talk)
