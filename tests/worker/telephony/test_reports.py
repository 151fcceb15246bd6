"""RTCP of phones' calls: on a port of its own, and on that of RTP (RFC 5761)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mediaworker.rtp.rtcp import (
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    SourceName,
    ntp_of,
    parse,
    render,
)
from mediaworker.runtime.clock import epoch_ms
from mediaworker.session.legs import Answered, CallCame, DropLeg, TakeCall
from mediaworker.sip.events import Accepted
from mediaworker.telephony.phones import Phones
from tests.peers.sip_phone import SILENCE, SipPhone, sip_phone
from tests.worker.telephony.stage import Seat, eventually, phones, target

LOOPBACK = "127.0.0.1"
DELAY_SECONDS = 0.05
NAMES = SourceDescription((SourceName(7, "phone@test"),))
Address = tuple[str, int]


def play(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await act()

    asyncio.run(bounded())


class Reports(asyncio.DatagramProtocol):
    """A phone's RTP and RTCP, or its RTCP alone."""

    def __init__(self) -> None:
        self.told: list[tuple[RtcpPacket, Address]] = []
        self.heard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if 200 <= data[1] <= 204:
            self.told += [(part, addr[:2]) for part in parse(data)]
        else:
            self.heard += 1

    def of(self, kind: type[Any]) -> list[Any]:
        return [part for part, _ in self.told if isinstance(part, kind)]

    def send(self, to: Address, *parts: RtcpPacket) -> None:
        self.transport.sendto(render([*parts, NAMES]), to)


@asynccontextmanager
async def reports(host: str = LOOPBACK) -> AsyncIterator[Reports]:
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(Reports, local_addr=(host, 0))
    yield made
    transport.close()


@asynccontextmanager
async def call(
    *, has_mux: bool
) -> AsyncIterator[tuple[Phones, Seat, SipPhone, Reports, Address]]:
    """One that is up, whose phone's reports are the test's; and where ours are."""
    async with phones() as made, sip_phone() as phone, reports() as mine:
        port = mine.port if has_mux else phone.rtp_address[1]
        extra = "a=rtcp-mux\r\n" if has_mux else f"a=rtcp:{mine.port}\r\n"
        seat = Seat(made, listen="agent")
        phone.invite(target(made), offer=phone.sdp(port=port) + extra)
        await seat.until(CallCame)
        seat.leg.obey(TakeCall())
        await seat.until(Answered)
        accepted = await phone.until(Accepted)
        assert accepted.sdp is not None
        assert ("a=rtcp-mux" in accepted.sdp) is has_mux
        assert phone.to is not None
        host, port = phone.to
        try:
            yield made, seat, phone, mine, (host, port if has_mux else port + 1)
        finally:
            seat.leg.obey(DropLeg())


async def speak(seat: Seat, slots: int = 5) -> None:
    for slot in range(slots):
        seat.leg.send_audio(SILENCE, slot)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("has_mux", [False, True])
def test_report_what_was_sent_and_what_came(has_mux: bool) -> None:
    """RFC 3550 section 6.4.1."""

    async def act() -> None:
        async with call(has_mux=has_mux) as (_, seat, phone, mine, theirs):
            if has_mux:
                for number in range(5):
                    head = bytes([0x80, 0]) + (100 + number).to_bytes(2)
                    packet = head + (160 * number).to_bytes(4) + bytes([0, 0, 0, 7])
                    mine.transport.sendto(packet + SILENCE, theirs)
            else:
                await phone.speak([SILENCE] * 5)
            await eventually(lambda: seat.leg.statistics.packets_received == 5)
            await speak(seat)
            await eventually(lambda: mine.of(SenderReport))
            (told, *_) = mine.of(SenderReport)
            assert told.packets_sent == 5 and told.octets_sent == 5 * 160
            (block,) = told.blocks
            assert block.packets_lost == 0
            (names,) = mine.of(SourceDescription)
            assert names.names[0].ssrc == told.ssrc
            assert mine.told[0][1] == theirs
            assert (mine.heard > 0) is has_mux

    play(act)


def test_report_without_having_sent_anything() -> None:
    """RFC 3550 section 6.4.2."""

    async def act() -> None:
        async with call(has_mux=False) as (_, _seat, phone, mine, _theirs):
            await phone.speak([SILENCE] * 3)
            await eventually(lambda: mine.of(ReceiverReport))
            (told,) = mine.of(ReceiverReport)
            assert len(told.blocks) == 1 and not mine.of(SenderReport)

    play(act)


@pytest.mark.parametrize("has_mux", [False, True])
def test_measure_the_round_trip(has_mux: bool) -> None:
    async def act() -> None:
        async with call(has_mux=has_mux) as (_, seat, _phone, mine, theirs):
            assert seat.leg.statistics.round_trip_ms is None
            await speak(seat)
            await eventually(lambda: mine.of(SenderReport))
            (ours, *_) = mine.of(SenderReport)
            await asyncio.sleep(DELAY_SECONDS)
            answer = ReceiverReport(7, (_block(ours, lost=2),))
            mine.send(theirs, answer)
            await eventually(lambda: seat.leg.statistics.round_trip_ms is not None)
            trip = seat.leg.statistics.round_trip_ms
            assert trip is not None and DELAY_SECONDS * 900 < trip < 2_000

    play(act)


def test_measure_by_a_senders_report_too() -> None:
    async def act() -> None:
        async with call(has_mux=False) as (_, seat, _phone, mine, theirs):
            await speak(seat)
            await eventually(lambda: mine.of(SenderReport))
            (ours, *_) = mine.of(SenderReport)
            report = SenderReport(
                7, ntp_of(epoch_ms() / 1_000), 0, 1, 160, (_block(ours),)
            )
            mine.send(theirs, report)
            await eventually(lambda: seat.leg.statistics.round_trip_ms is not None)

    play(act)


def test_believe_no_report_of_a_stranger() -> None:
    async def act() -> None:
        async with (
            call(has_mux=False) as (_, seat, _phone, mine, theirs),
            reports("127.0.0.9") as stranger,
        ):
            await speak(seat)
            await eventually(lambda: mine.of(SenderReport))
            (ours, *_) = mine.of(SenderReport)
            stranger.send(theirs, ReceiverReport(7, (_block(ours),)))
            mine.transport.sendto(b"\x80\xc9\x00\x07junk", theirs)
            await asyncio.sleep(0.05)
            assert seat.leg.statistics.round_trip_ms is None
            mine.send(theirs, ReceiverReport(7, (_block(ours),)))
            await eventually(lambda: seat.leg.statistics.round_trip_ms is not None)
            assert seat.lost == []

    play(act)


def _block(ours: SenderReport, lost: int = 0) -> ReportBlock:
    last = ours.ntp >> 16 & 0xFFFFFFFF
    return ReportBlock(ours.ssrc, 0, lost, 100, 5, last, 0)
