"""The fake is worth what it has in common with LiveKit: its own library says so."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3
from livekit.api import (
    AccessToken,
    CreateRoomRequest,
    ListParticipantsRequest,
    ListRoomsRequest,
    LiveKitAPI,
    RoomParticipantIdentity,
    VideoGrants,
)

from chalicelib.dialects.tgortc.livekit import LiveKitEvent, call_of, parse, verify
from tests.peers.fake_livekit import API_KEY, API_SECRET, PREFIX, FakeLiveKit
from tests.peers.livekit_rooms import ACTIVE


@pytest.fixture
def livekit() -> Iterator[FakeLiveKit]:
    with FakeLiveKit() as livekit:
        yield livekit


def test_fake_answers_livekits_own_client(livekit: FakeLiveKit) -> None:
    """So that what our client proves against it is proved of the real one too."""

    async def ask() -> None:
        async with LiveKitAPI(livekit.url, API_KEY, API_SECRET) as api:
            made = await api.room.create_room(CreateRoomRequest(name="call-1"))
            assert made.sid.startswith("RM_")
            livekit.rooms.connect("call-1", "alice", "web")
            (room,) = (await api.room.list_rooms(ListRoomsRequest())).rooms
            assert room.name == "call-1"
            missing = ListRoomsRequest(names=["call-2"])
            assert not (await api.room.list_rooms(missing)).rooms
            people = ListParticipantsRequest(room="call-1")
            (alice,) = (await api.room.list_participants(people)).participants
            assert alice.identity == "alice" and alice.state == ACTIVE
            member = RoomParticipantIdentity(room="call-1", identity="alice")
            await api.room.remove_participant(member)
            assert not (await api.room.list_participants(people)).participants

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("method", "content_type", "body", "status", "code"),
    [
        ("ListRooms", "application/json", b"{}", 200, None),
        ("ListRooms", "application/json", b'{"unknown":1}', 200, None),
        ("ListRooms", "application/json", b"{", 400, "malformed"),
        ("ListRooms", "application/protobuf", b"\xff", 400, "malformed"),
        ("ListRooms", "text/plain", b"{}", 404, "bad_route"),
        ("ListBooms", "application/json", b"{}", 404, "bad_route"),
        ("DeleteRoom", "application/json", b"{}", 401, "unauthenticated"),
    ],
)
def test_fake_answers_as_twirp_does(
    livekit: FakeLiveKit,
    method: str,
    content_type: str,
    body: bytes,
    status: int,
    code: str | None,
) -> None:
    grants = VideoGrants(room_list=True)
    token = AccessToken(API_KEY, API_SECRET).with_grants(grants).to_jwt()
    headers = {"Content-Type": content_type, "Authorization": f"Bearer {token}"}
    with urllib3.PoolManager() as pool:
        answer = pool.request(
            "POST", livekit.url + PREFIX + method, body=body, headers=headers
        )
    assert answer.status == status and answer.json().get("code") == code


@dataclass
class Parley:
    """Where webhooks arrive."""

    url: str
    events: list[LiveKitEvent] = field(default_factory=list)
    """Those that were LiveKit's."""


@pytest.fixture
def parley() -> Iterator[Parley]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/webhook+json"
            verify(self.headers["Authorization"], body, API_KEY, API_SECRET)
            event = parse(body)
            assert event is not None
            found.events.append(event)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Parley(f"http://127.0.0.1:{server.server_port}/api/v1/webhooks/livekit")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_webhooks_go_out_as_the_test_asks(livekit: FakeLiveKit, parley: Parley) -> None:
    livekit.rooms.connect("acme.call-1", "bob")
    livekit.rooms.disconnect("acme.call-1", "bob")
    started, joined, left = livekit.take()
    livekit.webhook_url = parley.url
    assert livekit.send(left, joined, joined) == [200] * 3
    assert [one.id for one in parley.events] == [left.id, joined.id, joined.id]
    assert {call_of(one.room) for one in parley.events} == {("acme", "call-1")}
    assert livekit.take() == [] and started.id


def test_webhooks_go_out_at_once_when_that_is_wanted(parley: Parley) -> None:
    with FakeLiveKit(parley.url, is_prompt=True) as livekit:
        livekit.rooms.connect("call-1", "bob")
        livekit.rooms.close("call-1")
    assert [one.type for one in parley.events] == [
        "room_started",
        "participant_joined",
        "participant_left",
        "room_finished",
    ]
