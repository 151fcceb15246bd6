"""Signals go between the parties of one live call, and nowhere else."""

import pytest

from chalicelib.domain.commands import Join, Leave
from chalicelib.protocol.client_fields import SignalType
from chalicelib.protocol.clients import Signal
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.devices.devices import Device, SocketGone, SocketUnreachable
from chalicelib.services.devices.signalling import (
    MOST_A_SECOND,
    MOST_METERED,
    Meter,
    NobodyThere,
    NotYours,
    SignalService,
    TooMany,
)
from chalicelib.services.retries import Unavailable
from tests.builders import NOW_MS, FakeDraws
from tests.services.test_pushes import CALL, World

OFFER = Signal(CALL, "bob", SignalType.OFFER, {"sdp": "v=0"})


class Talk(World):
    def __init__(self) -> None:
        super().__init__()
        self.connect("alice", "phone")
        self.connect("bob", "phone")
        self.connect("bob", "web", "web")
        self.ring(provider=Provider.P2P)
        self.signals = SignalService(
            self.calls, self.devices, self.sockets, self.clock, FakeDraws()
        )
        self.forget()

    def device(self, uid: str) -> Device:
        return self.devices.of_user("default", uid)[0]

    def signal(self, signal: Signal = OFFER, uid: str = "alice") -> None:
        self.signals.signal(self.device(uid), signal)


def test_reach_every_device_while_none_is_in() -> None:
    talk = Talk()
    talk.signal()
    expected = {
        "event": "signal",
        "call_id": CALL,
        "from": "alice",
        "from_device": "phone",
        "type": "offer",
        "payload": {"sdp": "v=0"},
        "at_ms": NOW_MS,
    }
    assert talk.told("bob-phone") == [expected] == talk.told("bob-web")
    assert talk.told("alice-phone") == []


def test_reach_the_device_that_is_in_the_call() -> None:
    talk = Talk()
    talk.act(Join("bob", "web", "web"))
    talk.forget()
    talk.signal()
    assert talk.events("bob-web") == ["signal"]
    assert talk.told("bob-phone") == []


def test_reach_the_device_that_is_named() -> None:
    talk = Talk()
    talk.act(Join("bob", "web", "web"))
    talk.forget()
    talk.signal(Signal(CALL, "bob", SignalType.CANDIDATE, {}, "phone"))
    assert talk.events("bob-phone") == ["signal"]
    with pytest.raises(NobodyThere):
        talk.signal(Signal(CALL, "bob", SignalType.CANDIDATE, {}, "none"))


@pytest.mark.parametrize(
    "signal",
    [
        Signal("none", "bob", SignalType.OFFER, {}),
        Signal(CALL, "carol", SignalType.OFFER, {}),
        Signal(CALL, "alice", SignalType.OFFER, {}),
    ],
)
def test_refuse_who_are_not_parties_of_the_call(signal: Signal) -> None:
    with pytest.raises(NotYours):
        Talk().signal(signal)


def test_refuse_strangers_other_tenants_and_calls_that_are_over() -> None:
    talk = Talk()
    talk.connect("carol", "phone")
    with pytest.raises(NotYours):
        talk.signal(uid="carol")
    talk.devices.connect(Device("other", "alice", "p", "", "c", NOW_MS, NOW_MS))
    (foreign,) = talk.devices.of_user("other", "alice")
    with pytest.raises(NotYours):
        talk.signals.signal(foreign, OFFER)
    talk.act(Leave("alice"))
    with pytest.raises(NotYours):
        talk.signal()


def test_say_that_nobody_is_there() -> None:
    talk = Talk()
    for device in talk.devices.of_user("default", "bob"):
        talk.sockets.failures[device.connection_id] = SocketGone("gone")
    with pytest.raises(NobodyThere):
        talk.signal()
    talk.sockets.failures["bob-web"] = SocketUnreachable("slow")
    with pytest.raises(Unavailable):
        talk.signal()
    del talk.sockets.failures["bob-phone"]
    talk.signal()
    assert talk.events("bob-phone") == ["signal"]


def test_say_so_when_the_other_has_no_device() -> None:
    talk = Talk()
    for device in talk.devices.of_user("default", "bob"):
        talk.devices.drop(device)
    with pytest.raises(NobodyThere):
        talk.signal()


def test_refuse_more_than_so_many_a_second() -> None:
    talk = Talk()
    for _ in range(MOST_A_SECOND):
        talk.signal()
    with pytest.raises(TooMany):
        talk.signal()
    talk.signal(Signal(CALL, "alice", SignalType.ANSWER, {}), uid="bob")
    talk.clock.pass_ms(1000)
    talk.signal()


def test_count_so_many_sockets_at_most() -> None:
    meter = Meter(most=1)
    assert meter.allows("first", 0)
    assert not meter.allows("first", 999)
    for number in range(MOST_METERED - 1):
        assert meter.allows(f"c{number}", 0)
    assert not meter.allows("first", 999)
    assert meter.allows("one more", 0)
    assert meter.allows("first", 999)
