"""What phones do to a call, and what its leg tells and does."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from chalicelib.protocol.session.options import SipOption
from mediaworker.session.legs import (
    Answered,
    CallCame,
    DeclineCall,
    Declined,
    DropLeg,
    HoldChanged,
    KeyPressed,
    LegEnded,
    LegLost,
    LegTrouble,
    MediaAgreed,
    MediaArrived,
    PlaceCall,
    PressKeys,
    Rang,
    RingBack,
    TakeCall,
)
from mediaworker.sip.events import (
    Accepted,
    Ended,
    InfoReceived,
    InviteReceived,
    Progressed,
    ReinviteAnswered,
    ReinviteRefused,
    Rejected,
)
from mediaworker.telephony.outbound import Caps
from tests.peers.sip_phone import SILENCE, SipPhone, sip_phone
from tests.worker.telephony.stage import (
    Seat,
    eventually,
    phones,
    settings,
    site,
    target,
)


def play(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await act()

    asyncio.run(bounded())


async def up(seat: Seat, phone: SipPhone) -> None:
    """The call that the phone placed is answered, and sends."""
    await seat.until(CallCame)
    seat.leg.obey(TakeCall())
    await seat.until(Answered)
    await phone.until(Accepted)


# In


def test_ring_and_take() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="*")
            phone.invite(target(made), headers={"X-Test": "yes"})
            came = await seat.until(CallCame)
            assert came.headers == {"X-Test": "yes"} and "m=audio" in came.sdp
            seat.leg.obey(RingBack(False))
            assert (await phone.until(Progressed)).status == 180
            await up(seat, phone)
            assert seat.kinds.count(MediaAgreed) == 1
            phone.bye()
            ended = await seat.until(LegEnded)
            assert (ended.reason, ended.initiator) == ("byCaller", "caller")

    play(act)


def test_ring_with_early_media() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(RingBack(True))
            seat.leg.obey(RingBack(True))
            early = await phone.until(Progressed)
            assert early.status == 183 and early.sdp
            assert seat.kinds == [CallCame, MediaAgreed]
            assert seat.leg.send_audio(SILENCE, 1)
            await eventually(lambda: phone.heard)
            await up(seat, phone)
            assert seat.kinds == [CallCame, MediaAgreed, Answered]

    play(act)


def test_decline_with_code_and_reason() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(DeclineCall(486, "gone\r\nfishing"))
            rejected = await phone.until(Rejected)
            assert (rejected.status, rejected.reason) == (486, "Busy Here")
            assert seat.kinds == [CallCame]

    play(act)


def test_drop_declines_what_was_not_answered() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(DropLeg())
            assert (await phone.until(Rejected)).status == 603

    play(act)


def test_tell_of_a_caller_who_gives_up() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(RingBack(False))
            await phone.until(Progressed)
            phone.do(lambda sip, call, now: sip.cancel(call, now))
            ended = await seat.until(LegEnded)
            assert (ended.reason, ended.initiator) == ("canceled", "caller")

    play(act)


def test_make_the_offer_where_none_came() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=None)
            came = await seat.until(CallCame)
            assert came.sdp == ""
            seat.leg.obey(RingBack(True))
            assert (await phone.until(Progressed)).status == 180
            seat.leg.obey(TakeCall())
            accepted = await phone.until(Accepted)
            assert accepted.needs_answer and "telephone-event" in (accepted.sdp or "")
            answer = phone.sdp()
            phone.do(lambda sip, call, now: sip.acknowledge(call, answer))
            assert (await seat.until(Answered)).sdp == answer
            await phone.speak([SILENCE] * 3)
            await seat.until(MediaArrived)

    play(act)


def test_hang_up_on_an_answer_that_cannot_be_met() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=None)
            await seat.until(CallCame)
            seat.leg.obey(TakeCall())
            await phone.until(Accepted)
            phone.do(lambda sip, call, now: sip.acknowledge(call, "nonsense"))
            assert (await seat.until(Declined)).code == 488
            assert (await phone.until(Ended)).is_by_remote

    play(act)


@pytest.mark.parametrize(
    ("offer", "status"),
    [
        ("nonsense", 400),
        ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", 488),
        (
            "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n"
            "m=audio 4000 RTP/AVP 18\r\n",
            488,
        ),
    ],
)
def test_refuse_an_offer_before_anybody_is_asked(offer: str, status: int) -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=offer)
            assert (await phone.until(Rejected)).status == status
            assert seat.told == []

    play(act)


# Within


@pytest.mark.parametrize(
    ("direction", "address", "answered"),
    [
        ("sendonly", None, "a=recvonly"),
        ("inactive", None, "a=inactive"),
        ("sendrecv", "0.0.0.0", "a=recvonly"),
    ],
)
def test_hold_and_resume(direction: str, address: str | None, answered: str) -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await up(seat, phone)
            phone.reinvite(phone.sdp(direction, address))
            held = await phone.until(ReinviteAnswered)
            assert answered in (held.sdp or "")
            assert (await seat.until(HoldChanged)).is_on_hold
            heard = len(phone.heard)
            assert not seat.leg.is_open and seat.leg.send_audio(SILENCE, 5)
            seat.leg.send_silence(6)
            phone.reinvite(phone.sdp())
            assert not (await seat.until(HoldChanged, 2)).is_on_hold
            assert len(phone.heard) == heard
            assert seat.leg.send_audio(SILENCE, 7)
            await eventually(lambda: len(phone.heard) > heard)

    play(act)


def test_refuse_a_change_that_cannot_be() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await up(seat, phone)
            phone.reinvite("nonsense")
            assert (await phone.until(ReinviteRefused)).status == 400
            phone.reinvite(phone.sdp(types="18"))
            assert (await phone.until(ReinviteRefused, 2)).status == 488
            assert seat.leg.send_audio(SILENCE, 1)

    play(act)


def test_follow_a_phone_that_moves() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone, sip_phone() as other:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await up(seat, phone)
            await phone.speak([SILENCE] * 2)
            phone.reinvite(phone.sdp(port=other.rtp_address[1]))
            await phone.until(ReinviteAnswered)
            assert seat.leg.send_audio(SILENCE, 1)
            await eventually(lambda: other.heard)

    play(act)


def test_take_digits_in_every_way() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await up(seat, phone)
            await phone.press("1#")
            phone.info("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
            phone.info("application/dtmf", b"10")
            phone.info("text/plain", b"5")
            await eventually(lambda: seat.kinds.count(KeyPressed) == 4)
            digits = [e.digit for e in seat.told if isinstance(e, KeyPressed)]
            assert digits == ["1", "#", "5", "*"]

    play(act)


def test_press_keys_by_telephone_event() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await up(seat, phone)
            seat.leg.obey(PressKeys("12", 60, 40))
            for slot in range(20):
                seat.leg.send_silence(slot)
            await eventually(lambda: phone.keys == [1, 2])
            seat.leg.obey(PressKeys("1" * 10_000, 60, 40))
            assert (await seat.until(LegTrouble)).code == 400

    play(act)


def test_press_keys_by_info_where_the_phone_takes_nothing_else() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=phone.sdp(types="0"))
            await seat.until(CallCame)
            seat.leg.obey(RingBack(True))
            seat.leg.obey(PressKeys("1", 60, 40))
            assert (await seat.until(LegTrouble)).code == 488
            await up(seat, phone)
            seat.leg.obey(PressKeys("12", 60, 40))
            await phone.until(InfoReceived, 2)
            bodies = [e.body for e in phone.events if isinstance(e, InfoReceived)]
            assert [body.split(b"\r\n")[0] for body in bodies] == [
                b"Signal=1",
                b"Signal=2",
            ]
            seat.leg.obey(PressKeys("1" * 100, 60, 40))
            assert (await seat.until(LegTrouble, 2)).code == 400

    play(act)


def test_hear_one_source_alone() -> None:
    """A stranger who knows the port is not heard."""

    async def act() -> None:
        async with phones() as made, sip_phone() as phone, sip_phone(seed=9) as other:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await up(seat, phone)
            await phone.speak([SILENCE] * 3)
            await seat.until(MediaArrived)
            other.to = phone.to
            await other.speak([bytes(160)] * 10)
            await phone.speak([SILENCE] * 3)
            await eventually(lambda: seat.leg.statistics.packets_received == 6)

    play(act)


def test_answer_to_where_audio_comes_from() -> None:
    """A NAT lets the phone know itself by an address that leads nowhere."""

    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=phone.sdp(address="127.0.0.9", port=9))
            await up(seat, phone)
            await phone.speak([SILENCE] * 3)
            await seat.until(MediaArrived)
            assert seat.leg.send_audio(SILENCE, 1)
            await eventually(lambda: phone.heard)

    play(act)


def test_resolve_where_audio_is_to_go() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=phone.sdp(address="localhost"))
            await up(seat, phone)
            await eventually(lambda: seat.leg.send_audio(SILENCE, 1))
            await eventually(lambda: phone.heard)

    play(act)


def test_lose_a_phone_that_sends_nothing() -> None:
    async def act() -> None:
        place = site(media_timeout_seconds=0.3)
        async with phones(place=place) as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await up(seat, phone)
            assert "0.3 s" in (await seat.until(LegLost)).sentence
            assert (await phone.until(Ended)).is_by_remote

    play(act)


def test_wait_for_a_phone_that_holds() -> None:
    async def act() -> None:
        place = site(media_timeout_seconds=0.3)
        async with phones(place=place) as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await up(seat, phone)
            phone.reinvite(phone.sdp("inactive"))
            await seat.until(HoldChanged)
            await asyncio.sleep(0.8)
            assert LegLost not in seat.kinds

    play(act)


# Out


@pytest.mark.covers("SipOption.headers")
def test_place_a_call_with_headers() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made)
            sip = SipOption(headers={"X-Account": "7"})
            seat.place(phone, caller="agent", sip=sip)
            invite = await phone.until(InviteReceived)
            assert invite.headers == {"X-Account": "7"}
            assert invite.caller == "sip:agent@127.0.0.1"
            phone.do(lambda sip, call, now: sip.ring(call, now))
            assert not (await seat.until(Rang)).has_early_media
            early = phone.sdp()
            phone.do(lambda sip, call, now: sip.ring(call, now, early))
            assert (await seat.until(Rang, 2)).has_early_media
            await seat.until(MediaAgreed)
            phone.do(lambda sip, call, now: sip.accept(call, early, now))
            await seat.until(Answered)
            assert seat.kinds == [Rang, Rang, MediaAgreed, Answered]
            phone.bye()
            ended = await seat.until(LegEnded)
            assert (ended.reason, ended.initiator) == ("byCallee", "callee")

    play(act)


def test_tell_why_nobody_takes_the_call() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made)
            seat.place(phone)
            await phone.until(InviteReceived)
            phone.do(lambda sip, call, now: sip.reject(call, 486, now))
            declined = await seat.until(Declined)
            assert (declined.code, declined.reason) == (486, "Busy Here")

    play(act)


def test_cancel_what_rings_too_long() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made)
            seat.place(phone, timeout_seconds=0.2)
            await phone.until(InviteReceived)
            phone.do(lambda sip, call, now: sip.ring(call, now))
            assert (await seat.until(Declined)).code == 408
            await eventually(lambda: made.readings()["sip_calls_ended_total"] == 1)

    play(act)


def test_hang_up_where_the_answer_has_no_audio() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made)
            seat.place(phone)
            await phone.until(InviteReceived)
            sdp = phone.sdp(types="18")
            phone.do(lambda sip, call, now: sip.accept(call, sdp, now))
            assert (await seat.until(Declined)).code == 488
            assert (await phone.until(Ended)).is_by_remote

    play(act)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"callee": "sip:a@192.0.2.1"}, 403),
        ({"callee": "tel:+123"}, 501),
        ({"callee": "sips:a@127.0.0.1"}, 501),
        ({"callee": "sip:"}, 400),
        ({"caller": "sip:a b@\r\nX: y"}, 400),
        ({"sip": SipOption(headers={"Via": "x"})}, 400),
        ({"sip": SipOption(enable_srtp=True)}, 501),
    ],
)
def test_place_no_call_that_must_not_be(wish: dict[str, Any], code: int) -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made)
            seat.leg.obey(PlaceCall(**{"callee": phone.uri, **wish}))
            assert (await seat.until(Declined)).code == code
            assert made.readings()["sip_rtp_ports"] == 0
            assert phone.events == []

    play(act)


def test_have_as_many_calls_as_are_allowed() -> None:
    async def act() -> None:
        given = settings(caps=Caps(100, 1, 2))
        async with phones(given) as made, sip_phone() as phone:
            first, second = Seat(made), Seat(made, "s2")
            first.place(phone)
            await phone.until(InviteReceived)
            second.place(phone)
            assert (await second.until(Declined)).code == 403
            first.leg.obey(DropLeg())
            phone.do(lambda sip, call, now: sip.hang_up(call, now))
            third = Seat(made, "s3")
            await eventually(lambda: made.readings()["sip_calls_ended_total"] >= 2)
            third.place(phone)
            await phone.until(InviteReceived, 2)

    play(act)


@pytest.mark.parametrize(
    ("reason", "phrase"),
    [("Gone fishing", "Gone fishing"), ("Besetzt bis später", "Busy Here")],
)
def test_say_why_a_call_is_declined(reason: str, phrase: str) -> None:
    """In a Reason header, whatever it is written in; RFC 3326."""

    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="*")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(DeclineCall(486, reason))
            assert (await phone.until(Rejected)).reason == phrase
            told = f'\r\nReason: SIP;cause=486;text="{reason}"\r\n'
            assert told.encode() in phone.messages[-1]

    play(act)
