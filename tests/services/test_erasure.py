"""Users erased: what stops it, how far a request goes, what it says in logs."""

import logging
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_devices import MemoryDevices
from chalicelib.adapters.memory_erasure import MemoryErasure, StoreHolder
from chalicelib.adapters.memory_fleet import MemorySessions
from chalicelib.adapters.memory_history import MemoryPushTokens
from chalicelib.adapters.vault_local import LocalVault
from chalicelib.domain.commands import Leave
from chalicelib.domain.sessions import Session
from chalicelib.protocol.mobile_push import PushToken
from chalicelib.services import pseudonyms
from chalicelib.services.calls import CallService
from chalicelib.services.erasure import (
    BUDGET_MS,
    Belongings,
    Erasure,
    ErasureService,
    InvalidCursor,
    Piece,
    UserInCall,
)
from chalicelib.services.ports import OutboxEvent
from chalicelib.services.pseudonyms import Subject
from chalicelib.services.retries import Unavailable
from chalicelib.services.sessions import SessionService
from tests.adapters.device_contract import PHONE, TABLET
from tests.adapters.fleet_contract import started
from tests.adapters.history_contract import TOKEN
from tests.builders import NOW_MS, RING_MS, FakeClock, FakeDraws, commit, create

SECRET = "a-secret-of-at-least-thirty-two-bytes"


@dataclass
class FakePhones:
    """Those who carry pushes, if they are there."""

    delisted: list[PushToken] = field(default_factory=list)
    is_there: bool = True

    def delist(self, token: PushToken) -> None:
        if not self.is_there:
            raise Unavailable("InternalError")
        self.delisted.append(token)


@dataclass
class FakeSockets:
    """A gateway of which one asks nothing but to close."""

    closed: list[str] = field(default_factory=list)

    def post(self, connection_id: str, text: str) -> None:
        raise AssertionError("an erasure tells sockets nothing")

    def close(self, connection_id: str) -> None:
        self.closed.append(connection_id)


@dataclass
class SlowErasure:
    """As many pieces as there are numbers up to ``last``."""

    clock: FakeClock
    last: int
    piece_ms: int = 1_500
    asked: list[str] = field(default_factory=list)

    def erase(self, subject: Subject, after: str) -> Piece:
        self.asked.append(after)
        self.clock.pass_ms(self.piece_ms)
        place = int(after or 0) + 1
        return Piece({"calls": 1}, str(place) if place < self.last else "")


class World:
    def __init__(self, erasure: Erasure | None = None, sockets: bool = True) -> None:
        self.clock, self.draws, self.store = FakeClock(), FakeDraws(), Store()
        self.calls = MemoryCalls(self.store)
        self.sessions = MemorySessions(self.store)
        self.devices, self.tokens = MemoryDevices(), MemoryPushTokens()
        self.sockets, self.phones = FakeSockets(), FakePhones()
        holders = (StoreHolder(self.store), self.devices, self.tokens)
        self.service = ErasureService(
            erasure or MemoryErasure(holders),
            CallService(self.calls, self.clock, self.draws),
            self.calls,
            SessionService(self.sessions, self.clock, self.draws),
            Belongings(
                self.devices,
                self.sockets if sockets else None,
                self.tokens,
                self.phones,
            ),
            LocalVault(SECRET, self.draws),
            SECRET,
            self.clock,
            self.draws,
        )

    def erase(self, uid: str = "alice", cursor: str = "") -> Piece:
        return self.service.erase("default", uid, cursor, "root")


def test_who_is_in_a_call_is_not_erased() -> None:
    world = World()
    world.calls.commit(commit(None, create()))
    for uid in ("alice", "bob"):
        with pytest.raises(UserInCall, match="end call-1 first"):
            world.erase(uid)
    assert world.calls.call_id_of("default", "bob") == "call-1"


def test_who_has_a_live_session_is_not_erased() -> None:
    world = World()
    session = Session(started("s1", uid="alice"))
    world.sessions.store(None, session, (), None)
    with pytest.raises(UserInCall, match="end s1 first"):
        world.erase("alice")


def test_call_that_is_over_and_was_not_woken_is_woken() -> None:
    world = World()
    world.calls.commit(commit(None, create()))
    world.clock.pass_ms(RING_MS + 1)
    assert world.erase("bob").counts["calls"] == 1
    call = world.calls.load("default", "call-1")
    assert call is not None and not call.is_live
    assert call.uids == ("alice", Subject.of("default", "bob", SECRET).pseudonym)
    assert world.calls.call_id_of("default", "alice") is None


def test_lock_that_outlived_its_call_is_let_go_of() -> None:
    world = World()
    world.store.locks["default", "alice"] = "no-such-call"
    assert world.erase() == Piece({})
    assert world.calls.call_id_of("default", "alice") is None


def test_sockets_are_closed_and_push_tokens_forgotten() -> None:
    world = World()
    gone = replace(TABLET, is_connected=False)
    world.devices.connect(PHONE)
    world.devices.connect(gone)
    token = replace(TOKEN, uid="alice")
    world.tokens.keep(token)
    piece = world.erase()
    assert world.sockets.closed == [PHONE.connection_id]
    assert world.phones.delisted == [token]
    assert world.tokens.of_user("default", "alice") == ()
    assert piece.counts["sockets"] == piece.counts["push_tokens"] == 1
    assert world.erase() == Piece({})


def test_without_a_gateway_no_socket_is_closed() -> None:
    world = World(sockets=False)
    world.devices.connect(PHONE)
    assert world.erase().counts == {"connections": 1, "devices": 1}


def test_token_stays_while_its_carrier_is_out_of_reach() -> None:
    world = World()
    token = replace(TOKEN, uid="alice")
    world.tokens.keep(token)
    world.phones.is_there = False
    with pytest.raises(Unavailable):
        world.erase()
    assert world.tokens.of_user("default", "alice") == (token,)


def test_request_ends_in_time_and_the_next_goes_on() -> None:
    clock = FakeClock()
    erasure = SlowErasure(clock, last=6)
    world = World(erasure)
    world.service._clock = clock
    first = world.erase()
    assert erasure.asked == ["", "1", "2", "3"]
    assert clock.at_ms - NOW_MS < BUDGET_MS + erasure.piece_ms
    assert first.counts == {"calls": 4} and first.following
    world.devices.connect(PHONE)
    last = world.erase(cursor=first.following)
    assert erasure.asked[4:] == ["4", "5"]
    assert last == Piece({"calls": 2})
    assert world.sockets.closed == []


def test_cursor_is_good_for_its_own_user_and_tenant_alone() -> None:
    clock = FakeClock()
    world = World(SlowErasure(clock, last=6))
    world.service._clock = clock
    cursor = world.erase().following
    for tenant, uid, given in (
        ("default", "bob", cursor),
        ("acme", "alice", cursor),
        ("default", "alice", cursor[:-4]),
        ("default", "alice", "1"),
    ):
        with pytest.raises(InvalidCursor):
            world.service.erase(tenant, uid, given, "root")


def test_who_is_called_meanwhile_is_told_of_in_the_end() -> None:
    world = World()

    class Called:
        def erase(self, subject: Subject, after: str) -> Piece:
            world.calls.commit(commit(None, create("bob", "alice")))
            return Piece()

    world.service._erasure = Called()
    with pytest.raises(UserInCall):
        world.erase()


def test_log_has_the_pseudonym_and_no_name(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    created = commit(None, create())
    world.calls.commit(created)
    world.calls.commit(commit(created.after, Leave("alice"), command_id="left"))
    with caplog.at_level(logging.INFO):
        world.erase()
    (line,) = [one for one in caplog.records if one.name.endswith("erasure")]
    assert line.getMessage() == "user - present -> erased"
    told = vars(line)
    assert told["pseudonym"] == Subject.of("default", "alice", SECRET).pseudonym
    assert told["by"] == Subject.of("default", "root", SECRET).pseudonym
    assert told["changed"] == 6
    fields = [told[name] for name in ("tenant", "pseudonym", "by", "changed")]
    assert not {"alice", "root"} & {*map(str, fields)}


def test_pseudonym_is_one_for_a_user_and_another_for_any_other() -> None:
    pseudonym = Subject.of("default", "alice", SECRET).pseudonym
    assert pseudonym.startswith(pseudonyms.PREFIX)
    assert Subject.of("default", "alice", SECRET).pseudonym == pseudonym
    others = {
        Subject.of("acme", "alice", SECRET).pseudonym,
        Subject.of("default", "bob", SECRET).pseudonym,
        Subject.of("default", "alice", "another").pseudonym,
    }
    assert len(others | {pseudonym}) == 4


@pytest.mark.parametrize(
    "text",
    ["alice", "sip:alice@example.com", "sips:alice", "<sip:alice>", "sip:alice;x=1"],
)
def test_party_is_known_by_its_address(text: str) -> None:
    subject = Subject.of("default", "alice", SECRET)
    assert subject.party(text) == subject.pseudonym


@pytest.mark.parametrize(
    "text", ["sip:alices@example.com", "sip:bob@alice", "sip:al.ice@example.com", None]
)
def test_party_of_another_name_stays(text: str | None) -> None:
    assert Subject.of("default", "alice", SECRET).party(text) == text


def test_event_of_others_keeps_what_it_says_of_them() -> None:
    subject = Subject.of("default", "alice", SECRET)
    told = OutboxEvent(
        tenant="default",
        call_id="call-1",
        seq=3,
        event_id="101-3",
        type="participant.joined",
        at_ms=NOW_MS,
        data={
            "uid": "bob",
            "device": "bob's",
            "uids": ["alice", "bob"],
            "caller": None,
        },
    )
    assert pseudonyms.event(subject, told).data == {
        "uid": "bob",
        "device": "bob's",
        "uids": [subject.pseudonym, "bob"],
        "caller": None,
    }
    own = replace(told, data={"uid": "alice", "device": "mine", "device_type": "web"})
    assert pseudonyms.event(subject, own).data == {
        "uid": subject.pseudonym,
        "device": "",
        "device_type": "",
    }
