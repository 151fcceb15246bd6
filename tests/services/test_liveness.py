"""Calls without a server for their media: their parties' devices prove them alive."""

from dataclasses import replace

import pytest

from chalicelib.domain.call import CHECK_MS, LIVENESS_MS, Call
from chalicelib.domain.commands import Join
from chalicelib.protocol.vocabulary import EndReason, Provider
from chalicelib.services import agenda, ports
from chalicelib.services.devices.devices import Device
from chalicelib.services.wakes import WakeService
from tests.builders import MAX_CALL_SECONDS
from tests.services.test_pushes import CALL, World

HEARTBEAT_MS = 30_000


class Talk(World):
    """Two people in a call that goes from browser to browser."""

    def __init__(self, *devices: str, device: str = "") -> None:
        super().__init__()
        for uid in devices:
            self.connect(uid, "phone")
        self.wakes = WakeService(
            self.calls, self.repository, {}, self.clock, self.devices
        )
        self.ring(provider=Provider.P2P)
        self.act(Join("bob", device=device))
        self.act(Join("alice", device=device))

    def call(self) -> Call:
        return self.store.calls["default", CALL]

    def beat(self, uid: str, call_id: str = "") -> None:
        (row,) = self.devices.of_user("default", uid)
        at_ms = self.clock.now_ms()
        self.devices.see(replace(row, seen_at_ms=at_ms, call_id=call_id))

    def sweep(self) -> None:
        for shard in range(agenda.SHARDS):
            for tenant, call_id in self.repository.due(shard, self.clock.now_ms()):
                self.wakes._look(tenant, call_id)

    def go_on(self, duration_ms: int, *beating: str, call_id: str = "") -> None:
        for _ in range(duration_ms // HEARTBEAT_MS):
            self.clock.pass_ms(HEARTBEAT_MS)
            for uid in beating:
                self.beat(uid, call_id)
            self.sweep()


def test_call_lives_while_a_device_of_one_party_is_heard() -> None:
    talk = Talk("alice", "bob")
    talk.go_on(600_000, "bob")
    assert talk.call().is_live


def test_call_fails_when_no_device_was_heard_for_long() -> None:
    talk = Talk("alice", "bob")
    talk.go_on(300_000, "alice", "bob")
    talk.go_on(LIVENESS_MS - HEARTBEAT_MS)
    assert talk.call().is_live
    talk.go_on(LIVENESS_MS)
    assert talk.call().end_reason is EndReason.FAILED


def test_call_fails_though_its_devices_said_that_they_went() -> None:
    talk = Talk("alice", "bob")
    talk.clock.pass_ms(1000)
    for uid in ("alice", "bob"):
        (row,) = talk.devices.of_user("default", uid)
        talk.devices.drop(replace(row, seen_at_ms=talk.clock.now_ms()))
    talk.go_on(LIVENESS_MS + CHECK_MS + HEARTBEAT_MS)
    assert talk.call().end_reason is EndReason.FAILED


def test_call_of_who_never_had_a_socket_lives_until_its_maximum() -> None:
    talk = Talk()
    talk.go_on(600_000)
    assert talk.call().is_live
    talk.clock.pass_ms(MAX_CALL_SECONDS * 1000)
    talk.sweep()
    assert talk.call().end_reason is EndReason.FAILED


def test_socket_that_closed_before_the_call_proves_nothing() -> None:
    talk = Talk()
    at_ms = talk.clock.now_ms() - 10_000
    for uid in ("alice", "bob"):
        row = Device("default", uid, "old", "", f"{uid}-old", at_ms, at_ms)
        talk.devices.connect(row)
        talk.devices.drop(row)
    talk.go_on(600_000)
    assert talk.call().is_live


def test_device_in_another_call_proves_nothing_of_this_one() -> None:
    talk = Talk("bob")
    talk.go_on(600_000, "bob", call_id="another")
    assert talk.call().is_live
    talk.go_on(60_000, "bob", call_id=CALL)
    talk.go_on(LIVENESS_MS + CHECK_MS + HEARTBEAT_MS)
    assert talk.call().end_reason is EndReason.FAILED


@pytest.mark.parametrize(("device", "lives"), [("phone", False), ("tablet", True)])
def test_device_that_is_not_the_one_in_the_call_proves_nothing(
    device: str, lives: bool
) -> None:
    talk = Talk("alice", "bob", device=device)
    talk.go_on(LIVENESS_MS + CHECK_MS + HEARTBEAT_MS)
    assert talk.call().is_live is lives


def test_devices_that_cannot_be_read_prove_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    talk = Talk("alice", "bob")

    def seen_of_user(tenant: str, uid: str) -> tuple[Device, ...]:
        raise ports.Throttled("too much")

    monkeypatch.setattr(talk.devices, "seen_of_user", seen_of_user)
    talk.go_on(600_000)
    assert talk.call().is_live
