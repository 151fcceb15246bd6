"""SIP over streams, and the ports of RTP."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from mediaworker.session.legs import Answered, Declined, PlaceCall, TakeCall
from mediaworker.telephony import resolving, sip_sockets, sip_streams
from mediaworker.telephony.phones import Phones
from mediaworker.telephony.rtp_ports import QUARANTINE_SECONDS, NoPorts, RtpPorts
from mediaworker.telephony.sip_sockets import SipPortTaken
from tests.e2e.test_laptop import free_ports
from tests.worker.telephony.stage import SITE, Seat, eventually, phones, settings

OPTIONS = (
    b"OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/TCP 127.0.0.1:5999;branch=z9hG4bK%d\r\n"
    b"From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:a@127.0.0.1>\r\n"
    b"Call-ID: c%d\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def play(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await act()

    asyncio.run(bounded())


async def connect(made: Phones) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", made.port)


def test_answer_over_the_connection_that_asked() -> None:
    async def act() -> None:
        async with phones() as made:
            reader, writer = await connect(made)
            writer.write(b"\r\n\r\n")
            assert await reader.readexactly(2) == b"\r\n"
            message = OPTIONS % (1, 1)
            writer.write(message[:50])
            await asyncio.sleep(0.02)
            writer.write(message[50:] + OPTIONS % (2, 2))
            for _ in range(2):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"SIP/2.0 200 ")
            assert made.readings()["sip_connections"] == 1
            writer.close()
            await eventually(lambda: not made.readings()["sip_connections"])

    play(act)


def test_cut_a_stream_that_cannot_be_read() -> None:
    async def act() -> None:
        async with phones() as made:
            reader, writer = await connect(made)
            writer.write(OPTIONS % (1, 1) + b"Content-Length: x\r\n\r\n")
            await reader.read()
            writer.close()
            await eventually(lambda: not made.readings()["sip_connections"])

    play(act)


def test_have_so_many_connections_of_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_streams, "MOST_OF_A_SOURCE", 1)

    async def act() -> None:
        async with phones() as made:
            _, first = await connect(made)
            await eventually(lambda: made.readings()["sip_connections"] == 1)
            reader, second = await connect(made)
            assert await reader.read() == b""
            first.close()
            second.close()

    play(act)


def test_close_what_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_streams, "FIRST_WORD_SECONDS", 0.1)

    async def act() -> None:
        async with phones() as made:
            reader, writer = await connect(made)
            assert await reader.read() == b""
            writer.close()

    play(act)


def test_call_over_tcp() -> None:
    """One worker's phones call another's."""

    async def act() -> None:
        async with phones() as made, phones() as other:
            callee = Seat(other, listen="bob")
            caller = Seat(made)
            uri = f"sip:bob@localhost:{other.port};transport=tcp"
            caller.leg.obey(PlaceCall(uri))
            await eventually(lambda: callee.told)
            callee.leg.obey(TakeCall())
            await caller.until(Answered)
            await callee.until(Answered)
            frame = caller.leg.wire.silence
            for slot in range(50):
                caller.leg.send_audio(frame, slot)
            await eventually(lambda: callee.leg.statistics.packets_received > 5)

    play(act)


def test_tell_of_a_place_that_cannot_be_reached() -> None:
    async def act() -> None:
        (port,) = free_ports(1)
        async with phones() as made:
            seat = Seat(made)
            seat.leg.obey(PlaceCall(f"sip:x@127.0.0.1:{port};transport=tcp"))
            assert (await seat.until(Declined)).code == 503

    play(act)


def test_take_another_port_unless_one_was_asked_for() -> None:
    async def act() -> None:
        async with phones() as made:
            taken = settings(port=made.port, is_port_asked_for=True)
            taken_port = made.port
            with pytest.raises(SipPortTaken):
                Phones(taken, SITE)
            given = replace(taken, port=taken_port, is_port_asked_for=False)
            async with phones(given) as other:
                assert other.port not in (0, taken_port)

    play(act)


def test_choose_a_port_that_is_free_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is free for UDP may be taken for TCP."""
    bound, refused = sip_sockets._bound, [2]

    def bind(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
        if kind is socket.SOCK_STREAM and refused[0]:
            refused[0] -= 1
            raise sip_sockets.SipPortTaken(f"the port {port} is taken")
        return bound(host, port, kind)

    monkeypatch.setattr(sip_sockets, "_bound", bind)

    async def run() -> int:
        async with phones() as made:
            return made.port

    assert asyncio.run(run()) > 0 and refused == [0]


def test_open_pairs_in_turn_and_let_them_rest() -> None:
    now = [0.0]
    ports = RtpPorts("127.0.0.1", range(38_001, 38_007), lambda: now[0])
    first, second = ports.open(), ports.open()
    assert (first.port, second.port) == (38_002, 38_004)
    with pytest.raises(NoPorts):
        ports.open()
    ports.close(first)
    assert len(ports) == 1
    with pytest.raises(NoPorts):
        ports.open()
    now[0] = QUARANTINE_SECONDS
    third = ports.open()
    assert third.port == 38_002
    ports.close(third)
    ports.close(second)


def test_pass_over_a_port_that_is_taken() -> None:
    one = RtpPorts("127.0.0.1", range(38_010, 38_014), lambda: 0.0)
    other = RtpPorts("127.0.0.1", range(38_010, 38_014), lambda: 0.0)
    first, second = one.open(), other.open()
    assert (first.port, second.port) == (38_010, 38_012)
    one.close(first)
    other.close(second)


def test_resolve_names() -> None:
    async def act() -> None:
        assert await resolving.resolve("127.0.0.1", False) == "127.0.0.1"
        assert await resolving.resolve("localhost", False) == "127.0.0.1"
        with pytest.raises(OSError):
            await resolving.resolve("127.0.0.1", True)
        with pytest.raises(OSError):
            await resolving.resolve("a" * 300, False)

    play(act)


def test_know_ones_own_address() -> None:
    assert resolving.own_address("10.0.0.1") == "10.0.0.1"
    assert "." in resolving.own_address("0.0.0.0")
    assert ":" in resolving.own_address("::")
