"""A business is told of calls by webhook, and takes them."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import count

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from infra.laptop.clock import now_seconds
from mediaworker.sip.events import Accepted, Ended, Progressed, Rejected
from tests.e2e.receiver import Received, WebhookReceiver
from tests.e2e.voice.caller import connected
from tests.e2e.voice.phones import PhoneWorker, phone_worker, play, reason_of
from tests.peers.sip_phone import SILENCE, SipPhone, sip_phone
from tests.worker.gateway.fakes import token

pytestmark = pytest.mark.laptop

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1idXNpbmVzcy1mb3ItY2FsbHM="
RING_SECONDS = 5
AT_ONCE_SECONDS = 3.0
"""The machine may be shared."""
TOLD_SECONDS = 10.0
CALLS = 10_000
"""More than a test makes."""
FIELDS = [
    *("dialogId", "createdAt", "caller", "callee"),
    *("event", "headers", "offer", "wsUrl"),
]
USERS = (f"user-{number}" for number in count())


class Businesses:
    """Two endpoints of one business."""

    def __init__(self, first: WebhookReceiver, second: WebhookReceiver) -> None:
        self.both = (first, second)

    async def told(self, user: str, *which: WebhookReceiver) -> Received:
        """Of the call to that user, at one of both or at those."""

        def is_wanted(received: Received) -> bool:
            return str(received.body["callee"]).startswith(f"sip:{user}@")

        async with asyncio.timeout(TOLD_SECONDS):
            while True:
                for each in which or self.both:
                    for received in filter(is_wanted, each.received):
                        return received
                await asyncio.sleep(0.02)

    def asked(self, user: str) -> int:
        """How often, at both together."""
        return sum(
            str(received.body["callee"]).startswith(f"sip:{user}@")
            for each in self.both
            for received in each.received
        )

    def refuse(self, times: int) -> None:
        for each in self.both:
            each.refuse("invite", times)


@pytest.fixture(scope="module")
def businesses() -> Iterator[Businesses]:
    with WebhookReceiver(SECRET) as first, WebhookReceiver(SECRET) as second:
        yield Businesses(first, second)


@pytest.fixture(scope="module")
def phones(
    tmp_path_factory: pytest.TempPathFactory, businesses: Businesses
) -> Iterator[PhoneWorker]:
    variables = {
        "SIP_WEBHOOK_URL": ",".join(each.url for each in businesses.both),
        "SIP_WEBHOOK_SECRET": SECRET,
        "PARLEY_RING_SECONDS": str(RING_SECONDS),
    }
    with phone_worker(tmp_path_factory.mktemp("phones"), **variables) as running:
        yield running
    assert running.worker.lines("error") == running.worker.lines("critical") == []
    assert SECRET not in running.worker.log.read_text()


async def refused_with(phone: SipPhone) -> tuple[int, float]:
    """The status, and the seconds that it took."""
    began = time.monotonic()
    rejected = await phone.until(Rejected)
    return rejected.status, time.monotonic() - began


def is_signed(received: Received) -> None:
    """By both signatures, which are of this body alone."""
    headers = received.headers
    Webhook(SECRET).verify(received.raw, headers)
    digest = hmac.new(SECRET.encode(), received.raw, hashlib.sha256).hexdigest()
    assert headers["x-signature"] == digest
    assert headers["webhook-id"] == headers["x-event-id"]
    assert headers["webhook-timestamp"] == headers["x-timestamp"]
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(received.raw + b" ", headers)


@pytest.mark.parametrize("is_first_down", [False, True])
def test_a_call_is_told_and_taken(
    phones: PhoneWorker, businesses: Businesses, is_first_down: bool
) -> None:
    user = next(USERS)

    async def act() -> None:
        async with sip_phone() as phone:
            for each in businesses.both:
                each.refuse("invite", 0)
            if is_first_down:
                # Of two calls one begins at it.
                businesses.both[0].refuse("invite", CALLS)
            offer = phone.sdp()
            phone.invite(
                f"sip:{user}@{phones.target}", offer=offer, headers={"X-Test": "yes"}
            )
            received = await businesses.told(user)
            is_signed(received)
            assert received.type == "invite"
            assert received.headers["content-type"] == "application/json"
            body = received.body
            assert list(body) == FIELDS
            dialog_id = body["dialogId"]
            assert received.headers["webhook-id"] == dialog_id
            at = datetime.fromisoformat(body["createdAt"])
            assert abs(now_seconds() - at.timestamp()) < TOLD_SECONDS
            assert body["createdAt"].endswith("Z")
            assert body["caller"].startswith("sip:alice@127.0.0.1")
            assert body["callee"] == f"sip:{user}@{phones.target}"
            assert body["event"] == "invite"
            names = {header.partition(": ")[0] for header in body["headers"]}
            assert "Call-ID" in names and "X-Test: yes" in body["headers"]
            assert body["offer"] == offer
            path = f"/call/sip?id={dialog_id}"
            assert body["wsUrl"] == f"ws://127.0.0.1:{phones.worker.port}{path}"
            async with connected(f"{body['wsUrl']}&token={token()}") as app:
                await app.until(lambda record: record.events("incoming"))
                (incoming,) = app.record.events("incoming")
                assert incoming["trackId"] == dialog_id
                assert incoming["sdp"] == offer
                await app.command("ringing")
                ringing = await phone.until(Progressed)
                assert (ringing.status, ringing.sdp) == (180, None)
                await app.command("accept", option={})
                await phone.until(Accepted)
                await phone.speak([SILENCE] * 25)
                assert app.record.events("mediaReady")
                assert len(phone.heard) > 10
                await app.command("hangup", reason="done", initiator="callee")
                await phone.until(Ended)
                await app.until_closed()
            assert reason_of(app) == ("done", "callee")

    play(act)


def test_a_call_is_told_to_the_next_where_one_fails(
    phones: PhoneWorker, businesses: Businesses
) -> None:
    async def act() -> None:
        first, second = businesses.both
        first.refuse("invite", CALLS)
        second.refuse("invite", 0)
        asked: set[int] = set()
        for _ in range(2):
            user = next(USERS)
            async with sip_phone() as phone:
                phone.invite(f"sip:{user}@{phones.target}")
                await businesses.told(user, second)
                asked.add(businesses.asked(user))
                phone.cancel()
                await phone.until(Rejected)
        assert asked == {1, 2}

    play(act)


def test_a_call_is_refused_at_once_where_nobody_takes_note(
    phones: PhoneWorker, businesses: Businesses
) -> None:
    user = next(USERS)

    async def act() -> None:
        businesses.refuse(CALLS)
        async with sip_phone() as phone:
            phone.invite(f"sip:{user}@{phones.target}")
            status, seconds = await refused_with(phone)
        assert status == 503
        assert seconds < AT_ONCE_SECONDS
        assert businesses.asked(user) == 2

    play(act)
    businesses.refuse(0)


def test_a_call_that_nobody_takes_is_given_up_in_time(
    phones: PhoneWorker, businesses: Businesses
) -> None:
    user = next(USERS)

    async def act() -> None:
        businesses.refuse(0)
        async with sip_phone() as phone:
            phone.invite(f"sip:{user}@{phones.target}")
            received = await businesses.told(user)
            status, seconds = await refused_with(phone)
            assert status == 408
            assert RING_SECONDS - 1 < seconds < RING_SECONDS + AT_ONCE_SECONDS
            async with connected(f"{received.body['wsUrl']}&token={token()}") as late:
                await asyncio.sleep(0.2)
                assert late.record.events("incoming") == []
                await late.command("hangup")
                await late.until_closed()

    play(act)


@pytest.mark.parametrize(
    ("stranger", "status"),
    [("", 401), ("none", 401), (token("mallory", tenant="other"), 403)],
)
def test_a_stranger_does_not_get_the_call(
    phones: PhoneWorker, businesses: Businesses, stranger: str, status: int
) -> None:
    user = next(USERS)

    async def act() -> None:
        businesses.refuse(0)
        async with sip_phone() as phone:
            phone.invite(f"sip:{user}@{phones.target}")
            url = (await businesses.told(user)).body["wsUrl"]
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                async with connected(f"{url}&token={stranger}"):
                    pass
            assert refusal.value.status == status
            async with connected(f"{url}&token={token()}") as app:
                await app.until(lambda record: record.events("incoming"))
                await app.command("reject", reason="busy", code=486)
                assert (await refused_with(phone))[0] == 486
                await app.until_closed()

    play(act)
