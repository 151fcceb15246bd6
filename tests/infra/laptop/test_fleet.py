"""Workers beside each other, before any of them is started."""

import asyncio
import socket
from pathlib import Path

import pytest

from infra.laptop import ports
from infra.laptop.fleet import Fleet, worker_ports
from infra.laptop.ports import PortUnavailable, free_after
from infra.laptop.settings import Settings

HOST = "127.0.0.1"


def settings(workers: int, worker_port: int, http_port: int = 1) -> Settings:
    return Settings(HOST, http_port, worker_port, "INFO", None, workers=workers)


async def nobody(task_id: str) -> None:
    """Hears of no task."""


def environments(fleet: Fleet) -> list[dict[str, str]]:
    return [dict(worker._environment) for worker in fleet._workers]


def test_first_keeps_the_port_that_was_asked_for() -> None:
    assert worker_ports(settings(1, 8080)) == (8080,)


def test_others_have_free_ports_of_their_own() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        first, second, third = worker_ports(settings(3, port - 1, http_port=port + 1))
    assert first == port - 1
    assert port + 1 < second < third


def test_no_free_port_is_told() -> None:
    with pytest.raises(PortUnavailable, match="After 65535 no 1 ports"):
        free_after(HOST, 65_535, 1)


def test_port_taken_by_udp_alone_is_passed_over() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        assert not ports._is_free(HOST, port)
    assert ports._is_free(HOST, port)


@pytest.mark.parametrize(
    ("asked", "first"), [({}, None), ({"PARLEY_SIP_PORT": ""}, None)]
)
def test_first_chooses_its_sip_port_where_none_is_asked_for(
    asked: dict[str, str], first: str | None
) -> None:
    fleet = Fleet(asked, Path(), settings(3, 18_080), nobody)
    one, two, three = environments(fleet)
    assert one.get("PARLEY_SIP_PORT") == first
    assert 5_070 <= int(two["PARLEY_SIP_PORT"]) < int(three["PARLEY_SIP_PORT"])


def test_sip_port_and_name_are_the_first_one_s() -> None:
    asked = {"PARLEY_SIP_PORT": "15060", "PARLEY_WORKER_ID": "w1", "OTHER": "1"}
    one, two = environments(Fleet(asked, Path(), settings(2, 18_080), nobody))
    assert (one["PARLEY_SIP_PORT"], one["PARLEY_WORKER_ID"]) == ("15060", "w1")
    assert int(two["PARLEY_SIP_PORT"]) > 15_060
    assert "PARLEY_WORKER_ID" not in two
    assert one["OTHER"] == two["OTHER"] == "1"
    assert one["PARLEY_WORKER_PORT"] == "18080" < two["PARLEY_WORKER_PORT"]


def test_none_has_sip_where_it_is_switched_off() -> None:
    asked = {"PARLEY_SIP_PORT": "0"}
    found = environments(Fleet(asked, Path(), settings(2, 18_080), nobody))
    assert [one["PARLEY_SIP_PORT"] for one in found] == ["0", "0"]


def test_listening_are_they_when_all_are() -> None:
    async def wait() -> None:
        fleet = Fleet({}, Path(), settings(2, 18_080), nobody)
        one, two = fleet._workers
        assert not fleet.is_listening
        one.listening.set()
        waiting = asyncio.ensure_future(fleet.wait())
        await asyncio.sleep(0)
        assert not fleet.is_listening and not waiting.done()
        two.listening.set()
        await waiting
        assert fleet.is_listening

    asyncio.run(wait())
