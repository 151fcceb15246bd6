"""What fails around Parley as CDK deployed it: businesses, workers, sockets."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from chalicelib.protocol.relay import Frame, Open
from infra.deployed import Cloud
from tests.e2e.cloud_clients import Business, Device, RelayWorker, ask

pytestmark = pytest.mark.cloud

ENDPOINTS = "/v1/webhooks/endpoints"
SECONDS = 60.0
OUTAGE_SECONDS = 3.0
CALLS = 2
WHOLE_CALL = [
    "participant.invited",
    "room.started",
    "participant.joined",
    "participant.joined",
    "participant.left",
    "participant.left",
    "room.finished",
]


@pytest.fixture
def shop() -> Iterator[Business]:
    with Business() as receiver:
        yield receiver


@pytest.fixture
def tenant() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


def whole_call(cloud: Cloud, tenant: str, caller: str, callee: str) -> str:
    """Rung, answered and hung up; its id."""
    room = {"creator": caller, "device_type": "app", "uids": [callee]}
    room_id: str = ask(cloud, "/api/v1/rooms", tenant, caller, room)["room_id"]
    place = f"/api/v1/rooms/{room_id}"
    for uid in (caller, callee):
        ask(cloud, f"{place}/join", tenant, uid, {"uid": uid, "device_type": "app"})
    ask(cloud, f"{place}/leave", tenant, callee, {"uid": callee})
    return room_id


def test_an_outage_costs_time_and_neither_events_nor_order(
    cloud: Cloud, shop: Business, tenant: str
) -> None:
    ask(cloud, ENDPOINTS, tenant, "root", {"url": shop.url}, role="admin")
    shop.is_down = True
    down_from = time.monotonic()
    rooms = [
        whole_call(cloud, tenant, f"caller{number}", f"callee{number}")
        for number in range(CALLS)
    ]
    shop.wait_until(lambda: len(shop.refused) > 0, SECONDS)
    # An outage that ended before anybody noticed would prove nothing.
    time.sleep(max(0.0, down_from + OUTAGE_SECONDS - time.monotonic()))
    shop.is_down = False
    for room_id in rooms:
        shop.wait_for_end(room_id, SECONDS)
        assert shop.story(room_id) == WHOLE_CALL
    assert {one.headers["webhook-id"] for one in shop.refused} <= {
        one.headers["webhook-id"] for one in shop.taken
    }


def test_who_is_gone_for_good_is_disabled_and_nobody_else_suffers(
    cloud: Cloud, shop: Business, tenant: str
) -> None:
    with Business() as gone:
        gone.status = 410
        leaving = ask(cloud, ENDPOINTS, tenant, "root", {"url": gone.url}, role="admin")
        told = {"url": shop.url, "events": ["room.*", "webhook.*"]}
        ask(cloud, ENDPOINTS, tenant, "root", told, role="admin")
        room_id = whole_call(cloud, tenant, "peggy", "quinn")
        shop.wait_until(lambda: "webhook.endpoint_disabled" in shop.types, SECONDS)
        shop.wait_for_end(room_id, SECONDS)
        place = f"{ENDPOINTS}/{leaving['id']}"
        shown = ask(cloud, place, tenant, "root", None, role="admin")
        assert shown["status"] == "disabled"
        posts = len(gone.refused)
        whole_call(cloud, tenant, "peggy", "quinn")
        shop.wait_until(lambda: shop.types.count("room.finished") == 2, SECONDS)
        assert len(gone.refused) == posts


def test_a_device_that_was_away_is_told_what_it_missed(
    cloud: Cloud, tenant: str
) -> None:
    async def talk() -> None:
        phone = Device(cloud, tenant, "rita", "phone")
        tablet = Device(cloud, tenant, "rita", "tablet")
        async with phone, tablet:
            room = {"creator": "sam", "device_type": "app", "uids": ["rita"]}
            made = await phone.ask("/api/v1/rooms", "sam", room)
            rung = await phone.next("call.ringing")
            assert rung["call_id"] == made["room_id"]
            assert (await tablet.next("call.ringing"))["seq"] == rung["seq"]
            await tablet.drop()
            place = f"/api/v1/rooms/{made['room_id']}"
            joining = {"uid": "rita", "device_type": "app"}
            await phone.ask(f"{place}/join", "rita", joining, device="phone")
            await phone.next("call.answered")
            there = {"uid": "sam", "device_type": "app"}
            await phone.ask(f"{place}/join", "sam", there)
            await tablet.connect(call_id=made["room_id"], last_seq=rung["seq"])
            elsewhere = await tablet.next("call.answered_elsewhere")
            assert elsewhere["device"] == "phone"
            await phone.ask(f"{place}/leave", "sam", {"uid": "sam"})
            for device in (phone, tablet):
                ended = await device.next("call.ended")
                told = (ended["call_id"], ended["reason"])
                assert told == (made["room_id"], "hangup")

    asyncio.run(talk())


def test_a_worker_that_died_loses_its_sockets_and_the_next_takes_new_ones(
    cloud: Cloud, tenant: str
) -> None:
    async def talk() -> None:
        first, second = RelayWorker("relayfa"), RelayWorker("relayfb")
        async with aiohttp.ClientSession() as client, second.listening():
            async with first.listening():
                await first.enrol(cloud, client)
                query: dict[str, Any] = {"type": "sip", "id": "relayfa-1"}
                socket = await first.connect(cloud, client, tenant, query)
                opened = await first.next()
                assert isinstance(opened, Open)
                await socket.send_str('{"command":"pause","cseq":1}')
                assert isinstance(await first.next(), Frame)
            # Nobody listens at its address any more.
            await socket.send_str('{"command":"pause","cseq":2}')
            async with asyncio.timeout(SECONDS):
                ending = await socket.receive()
            assert ending.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            await second.enrol(cloud, client)
            query = {"type": "sip", "id": "relayfb-1"}
            again = await second.connect(cloud, client, tenant, query)
            assert isinstance(await second.next(), Open)
            await again.close()

    asyncio.run(talk())
