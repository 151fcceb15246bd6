"""RoomService, asked of a fake LiveKit over real sockets on loopback."""

import logging
import time
from collections.abc import Iterator

import jwt
import pytest
from livekit.api import (
    TokenVerifier,
)
from livekit.protocol.models import ParticipantInfo

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.providers.livekit import LiveKit, room_name
from chalicelib.adapters.providers.livekit_rooms import LiveKitRooms
from chalicelib.services.providers import Present, ProviderUnreachable, RoomControl
from tests.builders import NOW_MS, create, play
from tests.peers.fake_livekit import API_KEY, API_SECRET, FakeLiveKit
from tests.peers.livekit_http import Fault

Kind, State = ParticipantInfo.Kind, ParticipantInfo.State


@pytest.fixture
def livekit() -> Iterator[FakeLiveKit]:
    with FakeLiveKit(now_ms=lambda: NOW_MS) as livekit:
        yield livekit


@pytest.fixture
def rooms(livekit: FakeLiveKit) -> RoomControl:
    return LiveKitRooms(livekit.url, API_KEY, API_SECRET)


def told(livekit: FakeLiveKit) -> list[str]:
    return [event.event for event in livekit.take()]


def test_delete_room_disconnects_everybody(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    livekit.rooms.connect("call-1", "alice")
    livekit.rooms.connect("call-1", "bob")
    livekit.take()
    rooms.delete_room("call-1")
    assert livekit.rooms.names == []
    assert told(livekit) == ["participant_left", "participant_left", "room_finished"]


def test_delete_room_that_is_not_there_is_done(rooms: RoomControl) -> None:
    rooms.delete_room("call-1")
    rooms.delete_room("call-1")


def test_remove_participant_leaves_the_others(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    livekit.rooms.connect("acme.call 1", "alice")
    livekit.rooms.connect("acme.call 1", "bób")
    rooms.remove_participant("acme.call 1", "bób")
    assert [one.identity for one in rooms.list_participants("acme.call 1")] == ["alice"]


def test_remove_participant_that_is_not_there_is_done(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    rooms.remove_participant("call-1", "bob")
    livekit.rooms.create("call-1")
    rooms.remove_participant("call-1", "bob")


def test_list_participants_tells_who_is_there(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    alice = livekit.rooms.connect("call-1", "alice", "web")
    bob = livekit.rooms.connect("call-1", "bob", state=State.JOINED)
    assert rooms.list_participants("call-1") == (
        Present("alice", alice, "web", NOW_MS),
        Present("bob", bob, "", NOW_MS),
    )


def test_list_participants_of_no_room_is_empty(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    assert rooms.list_participants("call-1") == ()
    livekit.rooms.create("call-1")
    assert rooms.list_participants("call-1") == ()


def test_list_participants_leaves_out_who_is_not_connected(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    livekit.rooms.connect("call-1", "alice", state=State.JOINING)
    livekit.rooms.connect("call-1", "bob", state=State.DISCONNECTED)
    assert rooms.list_participants("call-1") == ()


@pytest.mark.parametrize(
    ("kind", "is_party"),
    [
        (Kind.STANDARD, True),
        (Kind.SIP, True),
        (Kind.CONNECTOR, True),
        (Kind.AGENT, False),
        (Kind.EGRESS, False),
        (Kind.INGRESS, False),
        (Kind.BRIDGE, False),
    ],
)
def test_list_participants_leaves_out_machines(
    livekit: FakeLiveKit,
    rooms: RoomControl,
    kind: ParticipantInfo.Kind,
    is_party: bool,
) -> None:
    livekit.rooms.connect("call-1", "somebody", kind=kind)
    assert bool(rooms.list_participants("call-1")) is is_party


def test_client_with_our_join_token_is_present(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    call = play(create(tenant="acme"))
    credentials = LiveKit("wss://media.example", API_KEY, API_SECRET).credentials(
        call, "bob", "web", SystemClock().now_ms()
    )
    sid = livekit.join(credentials.token)
    (present,) = rooms.list_participants(room_name(call.tenant, call.id))
    assert present == Present("bob", sid, "web", NOW_MS)


def test_tokens_grant_what_is_asked_and_not_for_long(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    rooms.delete_room("call-1")
    rooms.remove_participant("call-1", "bob")
    rooms.list_participants("call-1")
    verifier = TokenVerifier(API_KEY, API_SECRET)
    deleting, removing, listing = map(verifier.verify, livekit.tokens)
    assert deleting.video and deleting.video.room_create
    assert not deleting.video.room_admin and not deleting.video.room
    for claims in (removing, listing):
        assert claims.video and claims.video.room_admin
        assert claims.video.room == "call-1" and not claims.video.room_create
    for token in livekit.tokens:
        times = jwt.decode(token, options={"verify_signature": False})
        assert times["exp"] - times["nbf"] <= 70


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        (API_KEY, "another-secret-of-at-least-thirty-two-bytes"),
        ("otherkey", API_SECRET),
    ],
)
def test_refused_credentials_are_logged_without_them(
    livekit: FakeLiveKit, caplog: pytest.LogCaptureFixture, key: str, secret: str
) -> None:
    rooms = LiveKitRooms(livekit.url, key, secret)
    with caplog.at_level(logging.INFO), pytest.raises(ProviderUnreachable, match="401"):
        rooms.delete_room("call-1")
    (record,) = [one for one in caplog.records if one.name.startswith("chalicelib")]
    assert record.levelno == logging.ERROR
    everything = str(vars(record))
    assert secret not in everything and livekit.tokens[0] not in everything
    assert livekit.requests == []


ENDLESS = (Fault.SILENCE, Fault.DRIP)


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in ENDLESS])
def test_answer_that_is_not_livekits_is_no_answer(
    livekit: FakeLiveKit, rooms: RoomControl, fault: Fault
) -> None:
    livekit.rooms.connect("call-1", "alice")
    with livekit.failing(fault), pytest.raises(ProviderUnreachable):
        rooms.list_participants("call-1")
    assert len(rooms.list_participants("call-1")) == 1


@pytest.mark.parametrize("fault", [Fault.PAGE, Fault.MISSING_PAGE])
def test_page_in_livekits_place_deletes_nothing(
    livekit: FakeLiveKit, rooms: RoomControl, fault: Fault
) -> None:
    with livekit.failing(fault), pytest.raises(ProviderUnreachable):
        rooms.delete_room("call-1")


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.DRIP])
def test_wait_has_a_bound(livekit: FakeLiveKit, fault: Fault) -> None:
    rooms = LiveKitRooms(livekit.url, API_KEY, API_SECRET, timeout_seconds=0.1)
    began = time.monotonic()
    with livekit.failing(fault), pytest.raises(ProviderUnreachable):
        rooms.list_participants("call-1")
    assert time.monotonic() - began < 2


def test_server_that_is_back_answers_again(
    livekit: FakeLiveKit, rooms: RoomControl
) -> None:
    livekit.rooms.connect("call-1", "alice")
    with livekit.refusing(), pytest.raises(ProviderUnreachable):
        rooms.list_participants("call-1")
    assert len(rooms.list_participants("call-1")) == 1


def test_url_is_as_clients_have_it(livekit: FakeLiveKit) -> None:
    livekit.rooms.connect("call-1", "alice")
    url = livekit.url.replace("http://", "WS://") + "/"
    rooms = LiveKitRooms(url, API_KEY, API_SECRET)
    assert len(rooms.list_participants("call-1")) == 1


def test_url_may_have_a_path(livekit: FakeLiveKit) -> None:
    rooms = LiveKitRooms(f"{livekit.url}/media/", API_KEY, API_SECRET)
    # The fake has no such path: a bad route is not a room that is missing.
    with pytest.raises(ProviderUnreachable, match="404"):
        rooms.delete_room("call-1")


def test_secure_url_believes_only_real_certificates(livekit: FakeLiveKit) -> None:
    rooms = LiveKitRooms(livekit.url.replace("http", "wss"), API_KEY, API_SECRET)
    with pytest.raises(ProviderUnreachable):
        rooms.delete_room("call-1")


@pytest.mark.parametrize(
    "url", ["", "localhost:7880", "ftp://media.example", "wss://", "wss://["]
)
def test_url_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|parse"):
        LiveKitRooms(url, API_KEY, API_SECRET)
