"""The real handlers on the laptop cloud, in virtual time: each trigger alone."""

import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

import jwt
import pytest

from chalicelib.adapters.clock import SystemClock
from infra.laptop.built import forget_built
from infra.laptop.clock import now_seconds
from infra.laptop.cloud import Cloud, Pace
from tests.e2e.receiver import WebhookReceiver
from tests.infra.laptop.fakes import FakeClock
from tests.peers.fake_livekit import API_KEY, API_SECRET, FakeLiveKit

pytestmark = pytest.mark.laptop

JWT_SECRET = "signs-the-tokens-of-the-tests-and-nothing-else"
TRIGGERS = frozenset({"rings", "sweep", "expired"})
RING_SECONDS = 5


class Laptop:
    """A cloud with one business and one LiveKit, whose clock the test moves."""

    def __init__(
        self, cloud: Cloud, clock: FakeClock, business: WebhookReceiver
    ) -> None:
        self.cloud = cloud
        self.clock = clock
        self.business = business

    def post(self, path: str, uid: str, body: Any) -> tuple[int, Any]:
        claims = {"sub": uid, "exp": 4_000_000_000}
        token = jwt.encode(claims, JWT_SECRET, algorithm="HS256")
        event = {
            "version": "2.0",
            "rawPath": path,
            "headers": {"authorization": f"Bearer {token}"},
            "requestContext": {"http": {"method": "POST", "sourceIp": "127.0.0.1"}},
            "body": json.dumps(body),
        }
        answer = self.cloud.invoke("api", json.dumps(event).encode())
        assert answer.error is None, answer.payload
        reply = json.loads(answer.payload)
        return reply["statusCode"], json.loads(reply["body"])

    def create(self, creator: str, *uids: str, **more: Any) -> str:
        body = {"creator": creator, "device_type": "app", "uids": list(uids), **more}
        status, room = self.post("/api/v1/rooms", creator, body)
        assert status == 200, room
        return str(room["room_id"])

    def join(self, uid: str, room: str) -> int:
        return self.post(f"/api/v1/rooms/{room}/join", uid, {"uid": uid})[0]

    def leave(self, uid: str, room: str) -> int:
        return self.post(f"/api/v1/rooms/{room}/leave", uid, {"uid": uid})[0]

    def pass_seconds(self, seconds: int, step: int = 1) -> None:
        for _ in range(seconds // step):
            self.clock.advance(step)
            self.cloud.tick()
            assert self.cloud.settle()

    def told(self, room: str) -> list[str]:
        """Without ``room.`` and ``participant.``, in the order of arrival."""
        assert self.cloud.settle()
        return [
            one.type.partition(".")[2]
            for one in self.business.received
            if one.body["room_id"] == room
        ]


@contextmanager
def virtual_time(clock: FakeClock) -> Iterator[None]:
    """The product's clock is the test's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemClock, "now_ms", lambda self: int(clock.now * 1000))
        patch.setattr(
            SystemClock, "sleep_ms", lambda self, ms: clock.advance(ms / 1000)
        )
        yield


@contextmanager
def laptop(
    without: Collection[str] = (),
    livekit_url: str = "http://127.0.0.1:9",
    is_virtual: bool = True,
) -> Iterator[Laptop]:
    # LiveKit looks at the real time of the tokens that it is shown, with a minute's
    # leeway: what a test lets pass stands around it.
    clock = FakeClock(now_seconds() - 100)
    with (
        WebhookReceiver("a-secret") as business,
        virtual_time(clock) if is_virtual else nullcontext(),
    ):
        forget_built()
        environment = {
            "PATH": "/bin",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "laptop",
            "AWS_SECRET_ACCESS_KEY": "laptop",
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
            "PARLEY_ENV": "development",
            "PARLEY_JWT_SECRET": JWT_SECRET,
            "PARLEY_RING_SECONDS": str(RING_SECONDS),
            "LIVEKIT_URL": livekit_url,
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "BUSINESS_WEBHOOK_ENDPOINTS": json.dumps(
                [{"url": business.url, "secret": business.secret}]
            ),
        }
        pace = Pace(
            asynchronous_retry_seconds=0.01,
            stream_retry_seconds=0.001,
            sweep_seconds=3600,
        )
        with Cloud(environment, pace=pace, now_seconds=clock, without=without) as cloud:
            assert cloud.settle()
            yield Laptop(cloud, clock, business)
        forget_built()


@pytest.mark.parametrize(
    ("trigger", "within_seconds"), [("rings", 2), ("sweep", 62), ("expired", 70)]
)
def test_each_trigger_alone_misses_a_ring(trigger: str, within_seconds: int) -> None:
    with laptop(without=TRIGGERS - {trigger}) as stack:
        room = stack.create("alice", "bob")
        stack.pass_seconds(RING_SECONDS - 1)
        assert stack.told(room) == ["invited"]
        stack.pass_seconds(1 + within_seconds)
        assert stack.told(room) == ["invited", "missed", "finished"]


def test_all_triggers_together_miss_a_ring_once() -> None:
    with laptop() as stack:
        room = stack.create("alice", "bob")
        stack.pass_seconds(200, step=5)
        assert stack.told(room) == ["invited", "missed", "finished"]


def test_without_any_trigger_a_missed_ring_frees_its_people() -> None:
    with laptop(without=TRIGGERS) as stack:
        room = stack.create("alice", "bob")
        stack.clock.advance(RING_SECONDS)
        assert stack.join("bob", room) == 400
        stack.create("bob", "alice")
        assert stack.told(room) == ["invited", "missed", "finished"]


def test_answered_ring_is_not_missed() -> None:
    with laptop() as stack:
        room = stack.create("alice", "bob")
        assert stack.join("bob", room) == stack.join("alice", room) == 200
        stack.pass_seconds(30)
        assert stack.told(room)[-1] == "joined"


def test_a_dozen_people_join_at_once() -> None:
    # Thirty-two do in test_contention, where no processor has to keep up.
    uids = [f"user-{number}" for number in range(12)]
    with laptop(is_virtual=False) as stack:
        room = stack.create(*uids, max_participants=12)
        with ThreadPoolExecutor(12) as threads:
            statuses = list(threads.map(lambda uid: stack.join(uid, room), uids))
        assert statuses == [200] * 12
        told = stack.told(room)
        assert told.count("joined") == 12 and told.count("started") == 1


def test_end_of_a_call_disconnects_who_is_in_its_room() -> None:
    with FakeLiveKit() as livekit, laptop(livekit_url=livekit.url) as stack:
        room = stack.create("alice", "bob")
        livekit.rooms.connect(room, "alice")
        stack.leave("alice", room)
        assert stack.cloud.settle()
        assert ("DeleteRoom", {"room": room}) in livekit.requests
        assert room not in livekit.rooms.names


def test_livekit_that_is_away_for_a_moment_is_told_again() -> None:
    with FakeLiveKit() as livekit, laptop(livekit_url=livekit.url) as stack:
        room = stack.create("alice", "bob")
        livekit.rooms.connect(room, "alice")
        with livekit.refusing():
            assert stack.leave("alice", room) == 200
        assert stack.cloud.settle()
        assert stack.told(room) == ["invited", "cancelled", "finished"]


def test_call_whose_people_are_gone_ends_by_livekits_list() -> None:
    with FakeLiveKit() as livekit, laptop(livekit_url=livekit.url) as stack:
        room = stack.create("alice", "bob")
        for uid in ("alice", "bob"):
            assert stack.join(uid, room) == 200
            livekit.rooms.connect(room, uid)
        stack.pass_seconds(65, step=5)
        assert "finished" not in stack.told(room)
        livekit.rooms.close(room)
        stack.pass_seconds(60, step=5)
        assert stack.told(room)[-3:] == ["left", "left", "finished"]
