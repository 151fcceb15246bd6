"""What goes wrong within one call, and leaves all others alone."""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mediaworker.rtp.stream import MediaStream
from mediaworker.session.legs import (
    Answered,
    CallCame,
    Declined,
    DropLeg,
    HoldChanged,
    LegLost,
    LegTrouble,
    MediaArrived,
    PressKeys,
    RingBack,
    TakeCall,
)
from mediaworker.sip.events import (
    Accepted,
    Confirmed,
    Ended,
    NotAcknowledged,
    Progressed,
    Rejected,
)
from mediaworker.telephony import sip_sockets
from mediaworker.telephony.incoming import IncomingCall
from mediaworker.telephony.leg import PhoneLeg
from mediaworker.telephony.phones import Phones
from mediaworker.telephony.reception import CallReception
from tests.peers.sip_phone import SILENCE, SipPhone, sip_phone
from tests.worker.telephony.stage import (
    SITE,
    Seat,
    eventually,
    phones,
    settings,
    target,
)
from tests.worker.telephony.test_sockets import OPTIONS, connect


def play(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await act()

    asyncio.run(bounded())


def in_a_call(act: Callable[[Seat, SipPhone], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(TakeCall())
            await seat.until(Answered)
            await phone.until(Accepted)
            await act(seat, phone)
            seat.leg.obey(DropLeg())

    play(bounded)


def call_of(seat: Seat) -> IncomingCall:
    assert isinstance(seat.leg, PhoneLeg)
    assert isinstance(seat.leg._call, IncomingCall)
    return seat.leg._call


# Without ports


@pytest.fixture
def no_ports() -> Any:
    """A range whose only pair is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        for port in range(12_000, 14_000, 2):
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                continue
            yield settings(rtp_ports=range(port, port + 2))
            return


@pytest.mark.parametrize("offer", ["", None])
@pytest.mark.parametrize("effect", [TakeCall(), RingBack(True)])
def test_decline_a_call_that_no_port_is_left_for(
    no_ports: Any, offer: str | None, effect: Any
) -> None:
    async def act() -> None:
        async with phones(no_ports) as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=offer)
            await seat.until(CallCame)
            seat.leg.obey(effect)
            if offer is None and effect == RingBack(True):
                assert (await phone.until(Progressed)).status == 180
                seat.leg.obey(TakeCall())
            assert (await seat.until(Declined)).code == 503
            assert (await phone.until(Rejected)).status == 503

    play(act)


def test_place_no_call_that_no_port_is_left_for(no_ports: Any) -> None:
    async def act() -> None:
        async with phones(no_ports) as made, sip_phone() as phone:
            seat = Seat(made)
            seat.place(phone)
            assert (await seat.until(Declined)).code == 503

    play(act)


def test_place_no_call_before_the_worker_runs() -> None:
    async def act() -> None:
        made = Phones(settings(), SITE)
        async with sip_phone() as phone:
            seat = Seat(made)
            seat.place(phone)
            assert (await seat.until(Declined)).code == 503
        made._sockets.close()

    play(act)


# Mistakes of ours


@pytest.mark.parametrize("name", ["receive_rtp", "receive_rtcp"])
def test_lose_a_call_whose_media_breaks(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    async def act(seat: Seat, phone: SipPhone) -> None:
        await phone.speak([SILENCE])
        await seat.until(MediaArrived)
        monkeypatch.setattr(MediaStream, name, broken)
        if name == "receive_rtcp":
            assert phone.to is not None
            report = bytes([0x80, 201, 0, 1, 0, 0, 0, 7])
            phone._rtp.transport.sendto(report, (phone.to[0], phone.to[1] + 1))
        else:
            phone.send_frame()
        await eventually(lambda: seat.lost)
        assert isinstance(seat.lost[0], ZeroDivisionError)
        assert (await phone.until(Ended)).is_by_remote

    in_a_call(act)


@pytest.mark.parametrize("name", ["keep", "hear"])
def test_lose_a_call_that_breaks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(seat: Seat, phone: SipPhone) -> None:
        def broken(*_: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(call_of(seat), name, broken)
        phone.info("application/dtmf", b"1")
        await eventually(lambda: seat.lost)
        assert isinstance(seat.lost[0], ZeroDivisionError)

    in_a_call(act)


def test_reject_a_call_that_cannot_be_received(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            monkeypatch.setattr(CallReception, "receive", broken)
            phone.invite(target(made))
            assert (await phone.until(Rejected)).status == 603

    with caplog.at_level(logging.ERROR):
        play(act)
    assert [record.message for record in caplog.records] == ["call not received"]


@pytest.mark.parametrize("name", ["receive", "handle_timer"])
def test_go_on_after_a_mistake_of_the_endpoint(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            endpoint = made._exchange.endpoint
            usual = getattr(endpoint, name)

            def broken(*given: Any) -> None:
                setattr(endpoint, name, usual)
                usual(*given)
                raise ZeroDivisionError

            setattr(endpoint, name, broken)
            seat = Seat(made)
            seat.place(phone)
            phone.answers = "sendrecv"
            if name == "handle_timer":
                made._exchange._ring()
            await seat.until(Answered)
            seat.leg.obey(DropLeg())

    with caplog.at_level(logging.ERROR):
        play(act)
    assert len(caplog.records) == 1


# What phones do not do, as a rule


def test_lose_a_phone_that_knows_of_no_call() -> None:
    async def act(seat: Seat, phone: SipPhone) -> None:
        call = call_of(seat)
        assert call.key is not None
        call.hear(Ended(call.key, is_by_remote=True, status=481))
        assert "knows nothing" in (await seat.until(LegLost)).sentence
        phone.bye()

    in_a_call(act)


def test_lose_a_phone_that_does_not_acknowledge() -> None:
    async def act(seat: Seat, phone: SipPhone) -> None:
        call = call_of(seat)
        assert call.key is not None
        call.hear(NotAcknowledged(call.key))
        assert "acknowledged" in (await seat.until(LegLost)).sentence
        phone.bye()

    in_a_call(act)


def test_follow_the_answer_that_an_acknowledgement_brings() -> None:
    async def act(seat: Seat, phone: SipPhone) -> None:
        call = call_of(seat)
        assert call.key is not None and call.media is not None
        for nonsense in (None, "v=0\r\n"):
            call.hear(Confirmed(call.key, nonsense))
        call.media.offer()
        call.hear(Confirmed(call.key, phone.sdp("inactive")))
        assert (await seat.until(HoldChanged)).is_on_hold

    in_a_call(act)


def test_hang_up_though_the_headers_cannot_be_sent() -> None:
    async def act(seat: Seat, phone: SipPhone) -> None:
        seat.leg.obey(DropLeg({"Via": "SIP/2.0/UDP elsewhere"}))
        assert (await phone.until(Ended)).headers == {}
        assert not seat.leg.send_audio(SILENCE, 1)
        seat.leg.send_silence(2)

    in_a_call(act)


def test_send_no_audio_to_a_name_that_leads_nowhere() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=phone.sdp(address="a" * 70))
            await seat.until(CallCame)
            seat.leg.obey(RingBack(True))
            seat.leg.obey(TakeCall())
            seat.leg.obey(RingBack(False))
            seat.leg.obey(TakeCall())
            await seat.until(Answered)
            assert not seat.leg.send_audio(SILENCE, 1)
            assert seat.lost == [] and seat.kinds.count(Answered) == 1
            seat.leg.obey(DropLeg())

    play(act)


def test_speak_to_a_phone_that_names_itself_by_a_name() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone("localhost") as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(TakeCall())
            await phone.until(Accepted)
            seat.leg.obey(DropLeg())
            assert (await phone.until(Ended)).is_by_remote

    play(act)


def test_press_no_keys_before_there_is_audio() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            seat.leg.obey(PressKeys("1", 100, 50))
            assert (await seat.until(LegTrouble)).code == 488
            phone.invite(target(made), offer=phone.sdp(types="0"))
            await seat.until(CallCame)
            seat.leg.obey(PressKeys("1", 100, 50))
            seat.leg.obey(RingBack(True))
            seat.leg.obey(PressKeys("1", 100, 50))
            assert (await seat.until(LegTrouble, 3)).code == 488
            seat.leg.obey(DropLeg())

    play(act)


# Many messages


def test_hear_messages_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_sockets, "STEP_SECONDS", -1.0)

    async def act() -> None:
        async with phones() as made:
            reader, writer = await connect(made)
            writer.write(b"".join(OPTIONS % (n, n) for n in range(5)))
            for _ in range(5):
                assert b" 200 OK" in await reader.readuntil(b"\r\n\r\n")
            writer.close()

    play(act)


def test_lose_messages_that_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_sockets, "MOST_WAITING", 1)

    async def act() -> None:
        async with phones() as made:
            _, writer = await connect(made)
            writer.write(b"".join(OPTIONS % (n, n) for n in range(5)))
            await eventually(lambda: made.readings()["sip_messages_dropped_total"])
            writer.close()

    play(act)
