"""What SIP knows of a session, told when it is over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chalicelib.protocol.lease import DialogFacts, SessionEnded, parse_message
from chalicelib.protocol.session.options import SipOption
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.session.legs import (
    Answered,
    CallCame,
    DeclineCall,
    Declined,
    DropLeg,
    LegTrouble,
    PressKeys,
    TakeCall,
)
from mediaworker.sip.events import Accepted, InviteReceived, Progressed
from mediaworker.telephony.phones import Phones
from tests.peers.sip_phone import SipPhone, sip_phone
from tests.worker.runtime.world import Application, World
from tests.worker.telephony.stage import Seat, eventually, phones, target

UNTOLD = {"Subject": "a parcel", "X-Order": "7"}


def play(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await act()

    asyncio.run(bounded())


@asynccontextmanager
async def office() -> AsyncIterator[tuple[Phones, SipPhone, World]]:
    """A worker's phones, somebody else's phone, and the sessions."""
    async with phones() as made, sip_phone() as phone:
        yield made, phone, World(legs={CallType.SIP: made.make})


async def ended(world: World) -> SessionEnded:
    """Once there is one; as it comes out of the message that tells it."""

    def found() -> list[SessionEnded]:
        return [f for f in world.facts.facts if isinstance(f, SessionEnded)]

    await eventually(found)
    (fact,) = found()
    told = parse_message(fact.render())
    assert told == fact
    return fact


async def named(caller: Application, name: str) -> dict[str, Any]:
    await eventually(lambda: caller.named(name))
    return caller.named(name)[0]


def test_tell_of_a_call_that_we_placed() -> None:
    async def act() -> None:
        async with office() as (_, phone, world):
            phone.answers = "sendrecv"
            caller = world.open(call_type=CallType.SIP)
            sip = {"extract_headers": ["user-agent", "Contact", "X-None"]}
            caller.invite(callee=phone.uri, sip=sip)
            await named(caller, "answer")
            assert caller.handle is not None
            phone.bye()
            fact = await ended(world)
            assert fact.dialog is not None
            assert (fact.dialog.is_inbound, fact.dialog.status_code) == (False, 200)
            assert fact.dialog.codec == "pcmu" and fact.dialog.call_id
            extra = (await named(caller, "hangup"))["extra"]
            assert "phone@127.0.0.1" in extra["Contact"]
            assert "X-None" not in extra

    play(act)


@pytest.mark.parametrize(("act_of", "status"), [("hangup", 487), ("reject", 486)])
def test_tell_of_a_call_that_nobody_took(act_of: str, status: int) -> None:
    async def act() -> None:
        async with office() as (_, phone, world):
            caller = world.open(call_type=CallType.SIP).invite(callee=phone.uri)
            await phone.until(InviteReceived)
            if act_of == "hangup":
                phone.do(lambda sip, call, now: sip.ring(call, now))
                await named(caller, "ringing")
                caller.command("hangup")
            else:
                phone.do(lambda sip, call, now: sip.reject(call, status, now))
            fact = await ended(world)
            assert fact.dialog is not None
            assert fact.dialog.status_code == status
            assert (fact.dialog.codec, fact.answered_at_ms) == (None, None)

    play(act)


def test_tell_of_no_dialog_where_nothing_was_sent() -> None:
    async def act() -> None:
        async with office() as (_, _, world):
            world.open(call_type=CallType.SIP).invite(callee="sip:x@192.0.2.1")
            assert (await ended(world)).dialog is None

    play(act)


def test_tell_of_a_call_that_came() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            leg: Any = seat.leg
            assert leg.dialog() is None
            phone.invite(target(made), headers=UNTOLD)
            came = await seat.until(CallCame)
            assert came.headers == {"X-Order": "7"}
            facts = leg.dialog()
            assert (facts.is_inbound, facts.status_code) == (True, 603)
            assert facts.user_agent == "test phone"
            seat.leg.obey(TakeCall(("subject", "x-order", "Via", "Authorization")))
            answered = await seat.until(Answered)
            via = answered.headers.pop("Via")  # type: ignore[attr-defined]
            assert "SIP/2.0/UDP" in via
            assert answered.headers == {"subject": "a parcel", "x-order": "7"}
            assert leg.dialog().status_code == 200
            seat.leg.obey(DropLeg())
            assert leg.dialog().status_code == 200

    play(act)


def test_tell_of_a_call_that_we_declined() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(DeclineCall(486, "Busy"))
            leg: Any = seat.leg
            facts: DialogFacts = leg.dialog()
            assert facts.status_code == 486

    play(act)


def test_tell_of_an_offer_of_ours_as_answered() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=None)
            await seat.until(CallCame)
            seat.leg.obey(TakeCall())
            await phone.until(Accepted)
            leg: Any = seat.leg
            assert leg.dialog().status_code == 200

    play(act)


def test_complain_of_a_contact_of_the_applications_own() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            phone.answers = "sendrecv"
            seat = Seat(made)
            seat.place(phone, sip=SipOption(contact="sip:me@192.0.2.7"))
            assert (await seat.until(LegTrouble)).code == 501
            await seat.until(Answered)
            invite = await phone.until(InviteReceived)
            contacts = [value for name, value in invite.fields if name == "Contact"]
            assert "192.0.2.7" not in contacts[0]

    play(act)


def test_press_no_more_keys_by_info_than_may_wait() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="agent")
            phone.invite(target(made), offer=phone.sdp(types="0"))
            await seat.until(CallCame)
            seat.leg.obey(TakeCall())
            await phone.until(Accepted)
            for _ in range(2):
                seat.leg.obey(PressKeys("1" * 40, 100, 50))
            trouble = await seat.until(LegTrouble)
            assert (trouble.code, "too many" in trouble.sentence) == (400, True)
            seat.leg.obey(DropLeg())
            assert Declined not in seat.kinds and not phone.count(Progressed)

    play(act)
