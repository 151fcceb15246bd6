"""STUN and TURN servers, for the worker itself."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aioice import stun
from aioice.ice import get_host_addresses

from chalicelib.protocol.ice import IceSettings, ice_servers
from mediaworker.composition import opus_library
from mediaworker.session.legs import CandidateGathered, MediaArrived
from mediaworker.webrtc.browsers import LOOPBACK, Browsers
from mediaworker.webrtc.gathering import Servers, TurnServer
from mediaworker.webrtc.share import WebRtcRules
from tests.peers.coturn import COMMAND, SECRET, coturn
from tests.peers.webrtc import BrowserPeer, pitch
from tests.worker.webrtc.stage import Seat, browsers, eventually

NAME, NOW = "w1", 1_790_000_000


class StunServer(asyncio.DatagramProtocol):
    """Sees everybody behind a NAT."""

    mapped = "198.51.100.7"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = stun.parse_message(data)
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        if self.mapped:
            response.attributes["XOR-MAPPED-ADDRESS"] = (self.mapped, 40_000)
        self.transport.sendto(bytes(response), addr)


class Homeless(Browsers):
    """On a machine that nobody reaches but by a relay."""

    def _host_addresses(self, with_ipv6: bool) -> list[str]:
        return []


async def stun_server() -> StunServer:
    loop = asyncio.get_running_loop()
    _, server = await loop.create_datagram_endpoint(
        StunServer, local_addr=(LOOPBACK, 0)
    )
    return server


def test_use_no_server_that_nobody_has_set() -> None:
    assert not Servers.of(ice_servers({}), NAME, NOW)


def test_use_servers_that_are_set() -> None:
    variables = {
        "STUN_URLS": "stun:a.example,stun:b.example:19302,stuns:c.example,stun:[::1]:7",
        "TURN_URLS": "turn:t.example?transport=tcp,turns:t.example,turn:u.example:80",
        "TURN_SECRET": SECRET,
    }
    servers = Servers.of(ice_servers(variables), NAME, NOW)
    assert servers.stun == (("a.example", 3_478), ("b.example", 19_302))
    tcp, tls, udp = servers.turn
    assert (tcp.address, tcp.transport, tcp.is_tls) == (
        ("t.example", 3_478),
        "tcp",
        False,
    )
    assert (tls.address, tls.transport, tls.is_tls) == (
        ("t.example", 5_349),
        "tcp",
        True,
    )
    assert (udp.address, udp.transport) == (("u.example", 80), "udp")
    assert udp.username == f"{NOW + 24 * 3_600}:{NAME}"
    assert isinstance(udp, TurnServer) and str(udp.password) not in repr(udp)


def test_pass_over_urls_that_cannot_be_used() -> None:
    text = '[{"urls": ["turn:t.example?transport=sctp", "turn:::1", "stun:a:b"]}]'
    assert not Servers.of(ice_servers({"ICE_SERVERS": text}), NAME, NOW)


@pytest.mark.parametrize("mapped", ["198.51.100.7", ""])
def test_tell_how_a_stun_server_sees_us(mapped: str) -> None:
    async def run() -> None:
        server = await stun_server()
        server.mapped = mapped
        settings = ice_servers({"STUN_URLS": f"stun:{LOOPBACK}:{server.port}"})
        async with asyncio.timeout(20), browsers(ice=settings) as made:
            made._addresses[False] = (1e12, [LOOPBACK])
            seat, browser = Seat(made), BrowserPeer(["PCMU"])
            answer = await seat.answer(await browser.offer())
            assert mapped == "" or mapped not in answer
            await eventually(lambda: "" in seat.candidates)
            seat.drop()
            await browser.close()
        server.transport.close()
        *told, end = seat.candidates
        assert end == ""
        assert [c.split()[4:8] for c in told] == (
            [[mapped, "40000", "typ", "srflx"]] if mapped else []
        )
        assert all(c.startswith("candidate:") for c in told)
        gathered = await seat.until(CandidateGathered)
        assert (gathered.sdp_mid, gathered.sdp_m_line_index) == ("0", 0)

    uvloop.run(run())


def relayed(settings: IceSettings) -> None:
    """A call that goes by the relay alone, and is heard both ways."""

    async def run() -> None:
        made = Homeless(WebRtcRules(), settings, NAME, opus_library())
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(made.run())
            await asyncio.sleep(0)
            seat, browser = Seat(made), BrowserPeer(["PCMU"])
            answer = await seat.answer(await browser.offer())
            assert "a=candidate" not in answer
            await browser.accept(answer)
            relay = (await seat.until(CandidateGathered)).candidate
            assert " typ relay " in relay
            await browser.add(relay)
            await browser.connected()
            await seat.slots(0.5, 1_000)
            hearing = asyncio.ensure_future(browser.hear(0.6))
            await seat.slots(1.0, 1_000)
            assert abs(pitch(await hearing)[0] - 1_000) < 5
            assert abs(pitch(seat.heard()[-24_000:])[0] - 440) < 5
            assert MediaArrived() in seat.told
            seat.drop()
            await browser.close()
            running.cancel()

    uvloop.run(run())


@pytest.mark.skipif(COMMAND is None, reason="coturn is not installed")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_talk_by_way_of_a_turn_server(tmp_path: Path, transport: str) -> None:
    address = (get_host_addresses(True, False) or [LOOPBACK])[0]
    with coturn(tmp_path, address) as server:
        variables = {"TURN_URLS": server.url(transport), "TURN_SECRET": SECRET}
        relayed(ice_servers(variables))


@pytest.mark.skipif(COMMAND is None, reason="coturn is not installed")
def test_go_on_without_a_turn_server_that_refuses(tmp_path: Path) -> None:
    async def run(settings: IceSettings) -> None:
        async with asyncio.timeout(20), browsers(ice=settings) as made:
            seat, browser = Seat(made), BrowserPeer(["PCMU"])
            await seat.meet(browser)
            assert (await seat.until(CandidateGathered)).candidate == ""
            seat.drop()
            await browser.close()

    with coturn(tmp_path) as server:
        variables = {"TURN_URLS": server.url(), "TURN_SECRET": "another secret"}
        uvloop.run(run(ice_servers(variables)))
