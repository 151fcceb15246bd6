"""Devices come, say that they are there, and go; and what lets them in."""

import pytest

from chalicelib.adapters.memory_devices import MemoryDevices, MemoryTickets
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from chalicelib.services import ports
from chalicelib.services.devices.devices import SEEN_MS, Device, DeviceService
from chalicelib.services.devices.tickets import (
    TICKET_SECONDS,
    BadTicket,
    TicketService,
    digest_of,
)
from chalicelib.services.retries import Unavailable
from tests.adapters.device_contract import PHONE, TABLET
from tests.builders import NOW_MS, FakeClock, FakeDraws
from tests.services.lines import FakeSockets


class World:
    def __init__(self) -> None:
        self.clock, self.sockets = FakeClock(), FakeSockets()
        self.rows = MemoryDevices()
        self.devices = DeviceService(self.rows, self.sockets, self.clock, FakeDraws())

    def row(self) -> Device:
        (row,) = self.rows.seen_of_user("default", "alice")
        return row


def again(connection_id: str) -> Device:
    return Device("default", "alice", "phone", "app", connection_id, NOW_MS, NOW_MS)


def test_close_the_socket_that_a_device_had() -> None:
    world = World()
    world.devices.connect(PHONE)
    world.devices.connect(TABLET)
    assert world.sockets.closed == []
    world.devices.connect(again("conn-9="))
    assert world.sockets.closed == ["conn-1="]
    assert world.devices.find("conn-1=") is None
    assert world.devices.find("conn-9=") == again("conn-9=")


def test_write_that_a_device_was_seen_now_and_then() -> None:
    world = World()
    world.devices.connect(PHONE)
    world.clock.pass_ms(SEEN_MS - 1)
    assert world.devices.see(PHONE)
    assert world.row().seen_at_ms == NOW_MS
    world.clock.pass_ms(1)
    assert world.devices.see(PHONE)
    assert world.row().seen_at_ms == NOW_MS + SEEN_MS
    world.clock.pass_ms(1)
    assert world.devices.see(PHONE, "call-1")
    assert world.row().call_id == "call-1"


def test_see_nobody_whose_socket_is_another_by_now() -> None:
    world = World()
    assert not world.devices.see(PHONE)
    world.devices.connect(PHONE)
    world.devices.connect(again("conn-9="))
    assert not world.devices.see(PHONE)


def test_see_nobody_who_is_replaced_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.devices.connect(PHONE)
    world.clock.pass_ms(SEEN_MS)
    monkeypatch.setattr(world.rows, "see", lambda device: False)
    assert not world.devices.see(PHONE)


def test_drop_who_has_gone_and_nobody_else() -> None:
    world = World()
    world.devices.connect(PHONE)
    world.devices.drop("another")
    assert world.row().is_connected
    world.clock.pass_ms(7)
    world.devices.drop("conn-1=")
    world.devices.drop("conn-1=")
    assert not world.row().is_connected
    assert world.row().seen_at_ms == NOW_MS + 7


def test_say_when_storage_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def connect(device: Device) -> str | None:
        raise ports.Throttled("too much")

    monkeypatch.setattr(world.rows, "connect", connect)
    with pytest.raises(Unavailable):
        world.devices.connect(PHONE)


ALICE = Principal("shop", "alice", Role.SERVER)


def test_let_in_by_a_ticket_once() -> None:
    clock = FakeClock()
    tickets = TicketService(MemoryTickets(), clock, FakeDraws())
    ticket = tickets.issue(ALICE)
    clock.pass_ms(TICKET_SECONDS * 1000 - 1)
    assert tickets.spend(ticket) == ALICE
    with pytest.raises(BadTicket):
        tickets.spend(ticket)


def test_let_nobody_in_by_a_ticket_that_is_old_or_none() -> None:
    clock = FakeClock()
    tickets = TicketService(MemoryTickets(), clock, FakeDraws())
    ticket = tickets.issue(ALICE)
    clock.pass_ms(TICKET_SECONDS * 1000)
    for bad in (ticket, "", "x" * 65, "é", "0" * 32):
        with pytest.raises(BadTicket):
            tickets.spend(bad)


def test_keep_no_ticket_as_it_is() -> None:
    assert "ticket" not in digest_of("ticket")
    assert len(digest_of("ticket")) == 64


def test_keep_a_row_as_long_as_a_socket_can_live() -> None:
    assert PHONE.expires_at_ms - PHONE.connected_at_ms > 2 * 3_600 * 1000
