"""Whom a call that comes is given to, and who is told of it."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook

from mediaworker.runtime.ports import NotYours
from mediaworker.session.legs import Answered, CallCame, DropLeg, TakeCall
from mediaworker.sip.events import Accepted, Ended, Rejected
from mediaworker.telephony.phones import Phones
from mediaworker.telephony.settings import PhoneSettings
from mediaworker.telephony.webhook import signatures
from tests.peers.sip_phone import sip_phone
from tests.worker.telephony.stage import (
    Seat,
    eventually,
    phones,
    settings,
    site,
    target,
)

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


def play(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await act()

    asyncio.run(bounded())


class Business:
    """Keeps what it is told, and answers with a status."""

    def __init__(self, status: int = 200) -> None:
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.status = status

    async def hear(self, request: web.Request) -> web.Response:
        self.told.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def served(business: Business) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", business.hear)
    async with TestServer(app) as server:
        yield str(server.make_url("/calls"))


@asynccontextmanager
async def told(business: Business, **changes: Any) -> AsyncIterator[Phones]:
    async with served(business) as url:
        given = settings(webhook_urls=(url,), webhook_secret=SECRET, **changes)
        async with phones(given) as made:
            yield made


def test_tell_of_a_call_and_give_it_to_who_takes_it() -> None:
    async def act() -> None:
        business = Business()
        async with told(business) as made, sip_phone() as phone:
            phone.invite(target(made, "bob"), headers={"X-Test": "yes"})
            await eventually(lambda: business.told)
            headers, data = business.told[0]
            body = json.loads(data)
            assert body["event"] == "invite" and body["callee"].startswith("sip:bob@")
            assert "X-Test: yes" in body["headers"] and "m=audio" in body["offer"]
            assert body["dialogId"].startswith("w1-")
            assert body["wsUrl"].endswith(f"/call/sip?id={body['dialogId']}")
            assert body["createdAt"].endswith("Z")
            Webhook(SECRET).verify(data, headers)
            digest = hmac.new(SECRET.encode(), data, hashlib.sha256).hexdigest()
            assert headers["X-Signature"] == digest
            assert headers["X-Event-ID"] == body["dialogId"]
            seat = Seat(made, body["dialogId"])
            await seat.until(CallCame)
            seat.leg.obey(TakeCall())
            await seat.until(Answered)
            assert made.readings()["sip_calls_waiting"] == 0

    play(act)


@pytest.mark.parametrize("status", [301, 404, 500])
def test_refuse_a_call_at_once_where_nobody_takes_note(status: int) -> None:
    async def act() -> None:
        async with told(Business(status)) as made, sip_phone() as phone:
            phone.invite(target(made))
            rejected = await phone.until(Rejected)
            assert (rejected.status, rejected.retry_after) == (503, 10)
            assert made.readings()["sip_calls_waiting"] == 0

    play(act)


def test_tell_the_next_where_one_fails() -> None:
    async def act() -> None:
        bad, good = Business(500), Business()
        async with served(bad) as first, served(good) as second:
            urls = (first, "http://127.0.0.1:9/", second)
            given = settings(webhook_urls=urls)
            async with phones(given) as made, sip_phone() as phone:
                phone.invite(target(made))
                await eventually(lambda: good.told)
                assert len(bad.told) == 1
                headers, _ = good.told[0]
                assert "X-Signature" not in headers
                assert "webhook-signature" not in headers

    play(act)


def test_reject_with_408_where_no_application_comes() -> None:
    async def act() -> None:
        async with told(Business(), ring_seconds=0.3) as made, sip_phone() as phone:
            phone.invite(target(made))
            assert (await phone.until(Rejected)).status == 408

    play(act)


def test_forget_a_call_that_is_taken_back() -> None:
    async def act() -> None:
        business = Business()
        async with told(business) as made, sip_phone() as phone:
            phone.invite(target(made))
            await eventually(lambda: business.told)
            phone.do(lambda sip, call, now: sip.cancel(call, now))
            assert (await phone.until(Rejected)).status == 487
            session_id = json.loads(business.told[0][1])["dialogId"]
            seat = Seat(made, session_id)
            assert seat.told == []
            await eventually(lambda: not made.readings()["sip_calls_waiting"])

    play(act)


def test_give_calls_to_who_waited_longest() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as one, sip_phone(seed=2) as two:
            bob = Seat(made, "s0", listen="bob")
            first = Seat(made, "s1", listen="agent")
            second = Seat(made, "s2", listen="*")
            one.invite(target(made))
            await first.until(CallCame)
            two.invite(target(made))
            await second.until(CallCame)
            assert bob.told == []
            assert made.readings()["sip_listeners"] == 1
            bob.leg.obey(DropLeg())
            assert made.readings()["sip_listeners"] == 0

    play(act)


def test_tell_everybody_the_same_where_nobody_is() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            phone.invite(target(made))
            assert (await phone.until(Rejected)).status == 503
            Seat(made, listen="bob")
            for nth, user in enumerate(("agent", "root"), 2):
                phone.invite(target(made, user))
                assert (await phone.until(Rejected, nth)).status == 480
            assert made.readings()["sip_invites_refused_total"] == 3

    play(act)


def test_give_calls_to_their_tenant_alone() -> None:
    async def act() -> None:
        business = Business()
        place = site(is_development=False)
        peers = PhoneSettings.parse(
            {"PARLEY_SIP_PEERS": "127.0.0.1"}, is_development=False
        ).peers
        async with phones(settings(peers=peers), place) as made:
            for changes in (
                {"listen": "agent"},
                {"listen": "agent", "tenant": "acme", "is_privileged": True},
            ):
                with pytest.raises(NotYours):
                    Seat(made, **changes)
            seat = Seat(made, listen="agent", is_privileged=True)
            async with sip_phone() as phone:
                phone.invite(target(made))
                await seat.until(CallCame)
        assert business.told == []

    play(act)


def test_let_nobody_in_but_peers_outside_development() -> None:
    async def act() -> None:
        place = site(is_development=False)
        async with phones(place=place) as made, sip_phone() as phone:
            seat = Seat(made, listen="*", is_privileged=True)
            phone.invite(target(made))
            assert (await phone.until(Rejected)).status == 403
            assert seat.told == []

    play(act)


def test_take_no_calls_when_the_worker_is_to_end() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            Seat(made, listen="*")
            made.drain()
            phone.invite(target(made))
            assert (await phone.until(Rejected)).status == 503

    play(act)


def test_send_waiting_calls_elsewhere_when_the_worker_is_to_end() -> None:
    async def act() -> None:
        business = Business()
        async with told(business) as made, sip_phone() as phone:
            phone.invite(target(made))
            await eventually(lambda: business.told)
            made.drain()
            rejected = await phone.until(Rejected)
            assert (rejected.status, rejected.retry_after) == (503, 10)
            assert not made.readings()["sip_calls_waiting"]

    play(act)


def test_take_no_calls_where_there_is_no_room() -> None:
    async def act() -> None:
        business = Business()
        async with served(business) as url:
            given = settings(webhook_urls=(url,))
            place = site(has_room=lambda: False)
            async with phones(given, place) as made, sip_phone() as phone:
                phone.invite(target(made))
                assert (await phone.until(Rejected)).status == 503
        assert business.told == []

    play(act)


def test_hang_up_when_the_worker_ends() -> None:
    async def act() -> None:
        async with sip_phone() as phone:
            async with phones() as made:
                seat = Seat(made, listen="*")
                phone.invite(target(made))
                await seat.until(CallCame)
                seat.leg.obey(TakeCall())
                await seat.until(Answered)
            assert (await phone.until(Ended)).is_by_remote

    play(act)


def test_log_each_call_without_names(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            seat = Seat(made, listen="*")
            phone.invite(target(made))
            await seat.until(CallCame)
            seat.leg.obey(TakeCall())
            await phone.until(Accepted)
            phone.bye()
            await eventually(lambda: made.readings()["sip_calls_ended_total"])

    play(act)
    (line,) = [each for each in caplog.records if each.message == "call ended"]
    told = vars(line)
    assert (told["direction"], told["status_code"]) == ("inbound", 200)
    assert told["codec"] == "pcmu" and told["packets_lost"] == 0
    assert "alice" not in repr(told)


def test_sign_with_a_plain_secret_too() -> None:
    signed = signatures("plain", "id", "5", b"{}")
    key = hmac.new(b"plain", b"id.5.{}", hashlib.sha256).digest()
    assert signed["webhook-signature"].startswith("v1,")
    assert len(key) == 32
