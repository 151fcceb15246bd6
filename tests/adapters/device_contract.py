"""What every repository of devices, and of tickets, must do."""

from dataclasses import replace

from chalicelib.protocol.vocabulary import Role
from chalicelib.services.devices.devices import Device, DeviceRepository
from chalicelib.services.devices.tickets import Admission, TicketRepository
from tests.builders import NOW_MS

PHONE = Device("default", "alice", "phone", "app", "conn-1=", NOW_MS, NOW_MS)
TABLET = replace(PHONE, device="tablet", device_type="pad", connection_id="conn-2=")
ADMISSION = Admission("default", "alice", Role.USER, NOW_MS + 60_000)


class DeviceRepositoryContract:
    """Subclasses give a fixture ``devices`` with an empty repository."""

    def test_device_is_found_by_its_user_and_by_its_connection(
        self, devices: DeviceRepository
    ) -> None:
        assert devices.of_user("default", "alice") == ()
        assert devices.find("conn-1=") is None
        assert devices.present(PHONE) is None
        assert devices.connect(PHONE) is None
        assert devices.connect(TABLET) is None
        devices.connect(replace(PHONE, uid="bob", connection_id="conn-3="))
        devices.connect(replace(PHONE, tenant="other", connection_id="conn-4="))
        for is_consistent in (False, True):
            found = devices.of_user("default", "alice", is_consistent)
            assert found == (PHONE, TABLET)
        assert devices.find("conn-1=") == PHONE
        assert devices.present(TABLET) == TABLET

    def test_device_that_comes_again_takes_its_row_over(
        self, devices: DeviceRepository
    ) -> None:
        devices.connect(PHONE)
        again = replace(PHONE, connection_id="conn-9=", connected_at_ms=NOW_MS + 1)
        assert devices.connect(again) == "conn-1="
        assert devices.connect(again) is None
        assert devices.of_user("default", "alice") == (again,)
        assert devices.find("conn-1=") is None
        assert devices.find("conn-9=") == again
        assert devices.present(PHONE) is None

    def test_device_is_seen_as_long_as_its_connection_is_the_same(
        self, devices: DeviceRepository
    ) -> None:
        assert not devices.see(PHONE)
        devices.connect(PHONE)
        seen = replace(PHONE, seen_at_ms=NOW_MS + 30_000, call_id="call-1")
        assert devices.see(seen)
        assert devices.present(PHONE) == seen
        devices.connect(replace(PHONE, connection_id="conn-9="))
        assert not devices.see(seen)

    def test_device_that_is_dropped_is_pushed_to_no_more_but_was_seen(
        self, devices: DeviceRepository
    ) -> None:
        devices.connect(PHONE)
        devices.drop(replace(PHONE, seen_at_ms=NOW_MS + 5))
        devices.drop(PHONE)
        assert devices.of_user("default", "alice") == ()
        assert devices.find("conn-1=") is None
        assert devices.present(PHONE) is None
        assert not devices.see(PHONE)
        (gone,) = devices.seen_of_user("default", "alice")
        assert gone == replace(PHONE, seen_at_ms=NOW_MS + 5, is_connected=False)
        assert devices.connect(replace(PHONE, connection_id="conn-9=")) is None
        assert len(devices.of_user("default", "alice")) == 1

    def test_late_word_of_an_earlier_socket_drops_nothing(
        self, devices: DeviceRepository
    ) -> None:
        devices.connect(PHONE)
        again = replace(PHONE, connection_id="conn-9=")
        devices.connect(again)
        devices.drop(PHONE)
        assert devices.of_user("default", "alice") == (again,)
        assert devices.find("conn-9=") == again


class TicketRepositoryContract:
    """Subclasses give a fixture ``tickets`` with an empty repository."""

    def test_ticket_is_spent_once(self, tickets: TicketRepository) -> None:
        tickets.keep("a" * 64, ADMISSION)
        assert tickets.spend("b" * 64) is None
        assert tickets.spend("a" * 64) == ADMISSION
        assert tickets.spend("a" * 64) is None
