"""Sockets that the gateway holds, and which worker is behind each."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.adapters.memory import Store
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.adapters.memory_relay import MemoryConnections
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.lease import EXPIRY_MS
from chalicelib.protocol.relay import Frame, Gone, Open, RelayMessages
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.vocabulary import Role
from chalicelib.services import ports
from chalicelib.services.fleet import FleetService
from chalicelib.services.relay import (
    Arrival,
    AudioNotCarried,
    Connection,
    DoorAnswer,
    RelayRefused,
    RelayService,
    WorkerGone,
)
from chalicelib.services.retries import Unavailable
from chalicelib.services.sessions import SessionService
from tests.adapters.fleet_contract import lease, started
from tests.adapters.relay_contract import CONNECTION
from tests.builders import NOW_MS, FakeClock, FakeDraws

ENDPOINT = "https://a.execute-api.eu-west-1.amazonaws.com/live"
ALICE = Principal("default", "alice", Role.USER)
TAKEN = DoorAnswer(204)
AWAY = DoorAnswer(None)


@dataclass
class Door:
    """Workers' ports, by their addresses; one that is not told takes everything."""

    answers: dict[str, list[DoorAnswer]] = field(default_factory=dict)
    told: list[tuple[str, RelayMessages]] = field(default_factory=list)

    def relay(self, address: str, message: RelayMessages) -> DoorAnswer:
        self.told.append((address, message))
        answers = self.answers.get(address)
        return answers.pop(0) if answers else TAKEN


@dataclass
class Sockets:
    closed: list[str] = field(default_factory=list)

    def close(self, connection_id: str) -> None:
        self.closed.append(connection_id)


class World:
    def __init__(self, *workers: str) -> None:
        self.store, self.clock, draws = Store(), FakeClock(), FakeDraws()
        self.workers = MemoryFleet(self.store)
        self.connections = MemoryConnections()
        self.door, self.sockets = Door(), Sockets()
        sessions = SessionService(MemorySessions(self.store), self.clock, draws)
        fleet = FleetService(self.workers, sessions, None, self.clock, draws)
        self.sessions = sessions
        self.relay = RelayService(
            self.connections,
            fleet,
            sessions,
            self.door,
            self.sockets,
            self.clock,
            draws,
            ENDPOINT,
        )
        for worker_id in workers:
            self.enrol(worker_id)

    def enrol(self, worker_id: str, **changes: Any) -> None:
        given = {"address": f"{worker_id}:8080", "ws_url": f"ws://{worker_id}:8080"}
        self.workers.renew(lease(worker_id, **{**given, **changes}))

    def connect(self, call_type: CallType = CallType.SIP, **query: str) -> None:
        self.relay.connect(Arrival("c1", ALICE, call_type, query))

    @property
    def addresses(self) -> list[str]:
        return [address for address, _ in self.door.told]


def test_socket_is_opened_at_a_worker() -> None:
    world = World("w1")
    world.connect(ping="20")
    ((address, opened),) = world.door.told
    assert address == "w1:8080"
    assert opened == Open(
        "c1", ENDPOINT, "default", "alice", Role.USER, CallType.SIP, {"ping": "20"}
    )
    assert world.connections.find("c1") == Connection(
        "c1", "w1", 1, "w1:8080", "default", "alice", NOW_MS
    )


def test_least_loaded_worker_is_asked_first() -> None:
    world = World()
    world.enrol("w1", sessions=90)
    world.enrol("w2", sessions=10)
    world.enrol("w3", is_draining=True)
    world.enrol("w4", sessions=50)
    busy = DoorAnswer(503, "no room", 5)
    world.door.answers = {"w2:8080": [busy], "w4:8080": [AWAY]}
    world.connect()
    assert world.addresses == ["w2:8080", "w4:8080", "w1:8080"]


@pytest.mark.parametrize(
    ("answer", "status", "sentence", "after"),
    [
        (DoorAnswer(503, "no room", 5), 503, "no room", 5),
        (DoorAnswer(501, "no leg"), 501, "no leg", None),
        (DoorAnswer(403, "not yours"), 403, "not yours", None),
        (AWAY, 503, "no worker can take the call now", 5),
        (DoorAnswer(401, "a secret"), 503, "no worker can take the call now", 5),
        (DoorAnswer(500, "a secret"), 503, "no worker can take the call now", 5),
    ],
)
def test_refusal_of_the_worker_is_passed_on(
    answer: DoorAnswer, status: int, sentence: str, after: int | None
) -> None:
    world = World("w1")
    world.door.answers = {"w1:8080": [answer]}
    with pytest.raises(RelayRefused) as refusal:
        world.connect()
    assert refusal.value.status == status
    assert str(refusal.value) == sentence
    assert refusal.value.retry_after_seconds == after
    assert world.connections.find("c1") is None


def test_nobody_is_asked_after_a_refusal_for_good() -> None:
    world = World("w1", "w2")
    world.door.answers = {
        address: [DoorAnswer(400, "no")] for address in ("w1:8080", "w2:8080")
    }
    with pytest.raises(RelayRefused):
        world.connect()
    assert len(world.addresses) == 1


def test_socket_is_refused_without_a_worker() -> None:
    with pytest.raises(WorkerGone):
        World().connect()


@pytest.mark.parametrize(
    ("workers", "where"),
    [(("w1",), "ws://w1:8080/call"), ((), "a worker's own address")],
)
def test_audio_is_sent_to_a_worker(workers: tuple[str, ...], where: str) -> None:
    world = World(*workers)
    with pytest.raises(AudioNotCarried, match=where) as refusal:
        world.connect(CallType.WEBSOCKET)
    assert refusal.value.status == 400
    assert world.door.told == []


def test_session_that_lives_is_resumed_at_its_worker() -> None:
    world = World()
    world.enrol("w1", sessions=90, is_draining=True)
    world.enrol("w2", sessions=0)
    world.sessions.hear((started("mine"),))
    world.connect(id="mine")
    assert world.addresses == ["w1:8080"]


def test_session_is_looked_for_at_the_worker_that_its_id_names() -> None:
    world = World()
    world.enrol("w1", sessions=90)
    world.enrol("w2", sessions=0)
    world.connect(id="w1-4711")
    assert world.addresses == ["w1:8080"]


def test_session_of_a_worker_that_is_gone_begins_anew() -> None:
    world = World("w1", "w2", "w3")
    world.sessions.hear((started("lost"),))
    world.clock.pass_ms(EXPIRY_MS)
    world.enrol("w2", renewed_at_ms=NOW_MS + EXPIRY_MS)
    world.workers.fence(lease("w3", address="w3:8080", ws_url="ws://w3:8080"))
    for session_id in ("lost", "w1-1", "w3-1", "w9-1", "plain", "../"):
        world.connect(id=session_id)
    assert set(world.addresses) == {"w2:8080"}


def test_worker_is_told_when_its_socket_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World("w1")

    def keep(connection: Connection) -> None:
        raise ports.Throttled("a connection")

    monkeypatch.setattr(world.connections, "keep", keep)
    with pytest.raises(Unavailable):
        world.connect()
    assert world.door.told[-1] == ("w1:8080", Gone("c1", False))


def test_frame_goes_where_its_socket_was_opened() -> None:
    world = World()
    world.connections.keep(CONNECTION)
    text = '{"command":"hangup","cseq":7}'
    world.relay.forward(CONNECTION.connection_id, text)
    frame = Frame(CONNECTION.connection_id, text, 7)
    assert world.door.told == [(CONNECTION.address, frame)]
    assert world.sockets.closed == []


def test_frame_is_sent_again_to_who_was_not_reached() -> None:
    world = World()
    world.connections.keep(CONNECTION)
    world.door.answers = {CONNECTION.address: [AWAY, TAKEN]}
    world.relay.forward(CONNECTION.connection_id, "{")
    assert len(world.door.told) == 2
    assert world.sockets.closed == []


@pytest.mark.parametrize(
    ("answers", "attempts"), [([AWAY, AWAY], 2), ([DoorAnswer(404)], 1)]
)
def test_socket_whose_session_is_gone_is_closed(
    answers: list[DoorAnswer], attempts: int
) -> None:
    world = World()
    world.connections.keep(CONNECTION)
    world.door.answers = {CONNECTION.address: answers}
    world.relay.forward(CONNECTION.connection_id, "{")
    assert len(world.door.told) == attempts
    assert world.sockets.closed == [CONNECTION.connection_id]
    assert world.connections.find(CONNECTION.connection_id) is None
    world.relay.forward("unknown", "{")
    assert world.sockets.closed == [CONNECTION.connection_id, "unknown"]


def test_worker_is_told_that_a_client_has_gone() -> None:
    world = World()
    world.connections.keep(CONNECTION)
    for _ in range(2):
        world.relay.disconnect(CONNECTION.connection_id, is_clean=True)
    gone = Gone(CONNECTION.connection_id, True)
    assert world.door.told == [(CONNECTION.address, gone)]
    assert world.connections.find(CONNECTION.connection_id) is None
