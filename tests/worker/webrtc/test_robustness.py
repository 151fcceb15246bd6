"""Strangers' datagrams, and mistakes of our own."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
import uvloop
from aioice import stun

from mediaworker.rtp import reporting
from mediaworker.rtp.stream import MediaStream
from mediaworker.session.legs import AddCandidate, AnswerOffer, PressKeys
from mediaworker.webrtc import transport
from mediaworker.webrtc.call import Call
from mediaworker.webrtc.stack import (
    MOST_PAIRS,
    Certificate,
    Path,
    Socket,
    host_candidate,
)
from mediaworker.webrtc.transport import Transport
from tests.peers.light_webrtc import LightBrowser
from tests.worker.webrtc.stage import Seat, browsers, eventually

LOOPBACK = "127.0.0.1"
CERTIFICATE = Certificate.generateCertificate()
RTP = bytes([128, 0]) + bytes(170)
Talk = Callable[[Seat, LightBrowser], Coroutine[Any, Any, None]]


def connected(talk: Talk) -> Seat:
    """A call that is up, and dropped in the end."""

    async def run() -> Seat:
        async with asyncio.timeout(20), browsers() as made:
            made._addresses[False] = (1e12, [LOOPBACK])
            seat, browser = Seat(made), LightBrowser(CERTIFICATE)
            await browser.accept(await seat.answer(await browser.offer()))
            await eventually(lambda: seat.leg.is_open)
            await talk(seat, browser)
            seat.drop()
            await browser.close()
            return seat

    return uvloop.run(run())


def rtp(sequence: int, ssrc: int = 7) -> bytes:
    head = bytes([128, 0]) + sequence.to_bytes(2, "big") + bytes(4)
    return head + ssrc.to_bytes(4, "big") + b"\xff" * 160


def port_of(seat: Seat) -> int:
    path = carried(seat).path
    return int(path.local_candidates[0].port)


def carried(seat: Seat) -> Transport:
    leg: Any = seat.leg
    return leg._call._transport  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x00",
        b"\x00\x01\x00\x00" + bytes(16),
        b"\x01\x01" + bytes(200),
        b"\x16\xfe\xfd" + bytes(100),
        b"\x40" + bytes(20),
        b"\x80" + bytes(3),
        RTP,
        bytes([129, 200]) + bytes(40),
        b"\xff" * 1_400,
        bytes([128, 0]) + bytes(3_000),
    ],
)
def test_bear_datagrams_of_strangers(datagram: bytes) -> None:
    async def talk(seat: Seat, browser: LightBrowser) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            for _ in range(20):
                stranger.sendto(datagram, (LOOPBACK, port_of(seat)))
        await asyncio.sleep(0.02)
        browser.transport.send_rtp(rtp(1))
        await eventually(lambda: seat.leg.statistics.packets_received == 1)

    assert connected(talk).lost == []


def test_know_no_more_sources_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes memory in libsrtp, until the call is over."""
    monkeypatch.setattr(transport, "MOST_SOURCES", 3)

    async def talk(seat: Seat, browser: LightBrowser) -> None:
        for ssrc in range(1, 20):
            browser.transport.send_rtp(rtp(1, ssrc))
        await eventually(lambda: carried(seat).rejected == 16)
        assert len(carried(seat)._sources) == 3

    connected(talk)


def test_send_nothing_that_cannot_be_protected() -> None:
    async def talk(seat: Seat, browser: LightBrowser) -> None:
        assert not carried(seat).send_rtp(bytes(4_000))
        assert not carried(seat).send_rtcp(b"\x80\xc8")

    connected(talk)


def test_report_by_rtcp_and_take_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 3550 section 6.2, in a tenth of its time; RFC 5761: on RTP's path."""
    monkeypatch.setattr(reporting, "INTERVAL_SECONDS", 0.5)
    kinds: list[int] = []

    async def talk(seat: Seat, browser: LightBrowser) -> None:
        browser.transport._listener = listener
        for slot in range(60):
            seat.leg.send_audio(seat.leg.wire.silence, slot)
            browser.transport.send_rtp(rtp(slot))
            await asyncio.sleep(0.01)
        await eventually(lambda: 200 in kinds)
        seat.drop()
        await eventually(lambda: 203 in kinds)

    class Listener:
        def rtp_received(self, packet: bytes) -> None:
            """Not looked at."""

        def rtcp_received(self, packet: bytes) -> None:
            at = 0
            while at < len(packet):
                kinds.append(packet[at + 1])
                at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")

    listener = Listener()
    connected(talk)


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (MediaStream, "receive_rtp"),
        (MediaStream, "take_keys"),
        (MediaStream, "receive_rtcp"),
        (Call, "keep"),
    ],
)
def test_end_the_call_that_fails_and_no_other(
    monkeypatch: pytest.MonkeyPatch, owner: type, method: str
) -> None:
    async def talk(seat: Seat, browser: LightBrowser) -> None:
        def fail(*values: object) -> None:
            raise RuntimeError("a mistake")

        monkeypatch.setattr(owner, method, fail)
        browser.transport.send_rtp(rtp(1))
        browser.transport.send_rtp(rtp(2))
        browser.transport.send_rtcp(bytes([128, 201, 0, 1]) + bytes(4))
        await eventually(lambda: len(seat.lost) > 0)
        async with asyncio.timeout(5):
            await browser.transport.ended()
        seat.leg.obey(PressKeys("1", 100, 50))

    seat = connected(talk)
    assert [str(error) for error in seat.lost] == ["a mistake"]
    assert seat.last is None


@pytest.mark.parametrize("method", ["open", "connect", "add_remote_candidate"])
def test_end_the_call_whose_setting_up_fails(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async def fail(*values: object) -> None:
        raise RuntimeError("a mistake")

    async def run() -> None:
        async with asyncio.timeout(20), browsers() as made:
            seat, browser = Seat(made), LightBrowser(CERTIFICATE)
            offer = await browser.offer()
            monkeypatch.setattr(Path, method, fail)
            seat.leg.obey(AnswerOffer(offer))
            await eventually(lambda: len(seat.lost) > 0)
            seat.leg.obey(AddCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host"))
            seat.drop()
            seat.drop()
            await browser.close()
            assert [str(error) for error in seat.lost] == ["a mistake"]
            assert made._legs == set()

    uvloop.run(run())


def test_decline_when_too_many_are_being_set_up() -> None:
    async def run() -> None:
        async with asyncio.timeout(20), browsers() as made:
            made._share.gate.inside = 10**6
            seat, browser = Seat(made), LightBrowser(CERTIFICATE)
            seat.leg.obey(AnswerOffer(await browser.offer()))
            await eventually(lambda: seat.last is not None)
            assert repr(seat.last) == (
                "Declined(code=503, reason='too many calls are being set up')"
            )
            seat.drop()
            await browser.close()

    uvloop.run(run())


def test_end_all_calls_with_the_worker() -> None:
    async def run() -> None:
        async with asyncio.timeout(20):
            async with browsers() as made:
                made._addresses[False] = (1e12, [LOOPBACK])
                seat, browser = Seat(made), LightBrowser(CERTIFICATE)
                await browser.accept(await seat.answer(await browser.offer()))
                await eventually(lambda: seat.leg.is_open)
            await browser.transport.ended()
            await browser.close()
            seat.leg.obey(AddCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host"))
            seat.drop()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    uvloop.run(run())


def test_try_so_many_ways_to_a_browser_and_no_more() -> None:
    class Wire:
        def sendto(self, data: bytes, address: tuple[str, int]) -> None:
            """Nobody is there."""

    async def run() -> int:
        path = Transport(CERTIFICATE, LightBrowser(CERTIFICATE)).path
        path.remote_username, path.remote_password = "them", "p" * 22
        path._early_checks_done = True
        protocol = Socket(path)
        protocol.transport = cast(Any, Wire())
        protocol.local_candidate = host_candidate(LOOPBACK, 9)
        check = stun.Message(
            message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST
        )
        check.attributes["USERNAME"] = f"{path.local_username}:them"
        check.attributes["PRIORITY"] = 1
        check.attributes["ICE-CONTROLLING"] = 1
        check.add_message_integrity(path.local_password.encode())
        for port in range(1_000, 1_000 + 3 * MOST_PAIRS):
            protocol.datagram_received(bytes(check), (LOOPBACK, port))
        tried = len(path._check_list)
        await path.close()
        return tried

    assert asyncio.run(run()) == MOST_PAIRS
