"""An edge with its sockets, before workers that have theirs."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest

from chalicelib.protocol.vocabulary import Role
from mediaworker.edge import feed as feeding
from mediaworker.edge.server import Edge
from mediaworker.edge.settings import EdgeSettings
from mediaworker.gateway.port import PortUnavailable
from mediaworker.session.legs import Answered, CallCame, DropLeg, LegEnded, TakeCall
from mediaworker.settings import BadSetting
from mediaworker.sip.events import Accepted, Ended, Rejected
from mediaworker.telephony.phones import Phones
from tests.e2e.test_laptop import free_ports
from tests.peers.edge import FakeRoster, edge_process, lease_of
from tests.peers.sip_phone import sip_phone
from tests.worker.edge.stage import message
from tests.worker.gateway.fakes import SECRET, token
from tests.worker.telephony.stage import Seat, eventually, phones, settings, site

TRUNK, STRANGER, OTHER = "127.0.0.21", "127.0.0.22", "127.0.0.23"
PEERS = (ip_network("127.0.0.21"), ip_network("127.0.0.23"))
PRODUCTION = site(is_development=False, secret=SECRET)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "POLL_SECONDS", 0.02)


def play(act: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(40):
            await act()

    asyncio.run(bounded())


@asynccontextmanager
async def edge(control: FakeRoster, **changes: object) -> AsyncIterator[Edge]:
    port, http_port = free_ports(2)
    given = EdgeSettings("127.0.0.1", port, http_port, control.url, SECRET)
    made = Edge(replace(given, **changes), "edge1")  # type: ignore[arg-type]
    serving = asyncio.ensure_future(made.serve())
    try:
        expected = len(control.leases)
        await eventually(lambda: made.readings()["workers"] == expected)
        await eventually(lambda: made.readings()["roster_age_seconds"] < 5)
        yield made
    finally:
        made.ending.begin(0.0)
        assert await serving == 0


@asynccontextmanager
async def fleet(count: int = 1, **changes: object) -> AsyncIterator[list[Phones]]:
    """Workers of production, on one host."""
    async with AsyncExitStack() as stack:
        given = settings(peers=PEERS)
        place = replace(PRODUCTION, **changes)  # type: ignore[arg-type]
        yield [
            await stack.enter_async_context(phones(given, place)) for _ in range(count)
        ]


@asynccontextmanager
async def staged(
    count: int = 1, **changes: object
) -> AsyncIterator[tuple[Edge, list[Phones], FakeRoster]]:
    async with fleet(count) as workers, FakeRoster().listening() as control:
        control.leases = [
            lease_of(f"w{number}", worker.port)
            for number, worker in enumerate(workers, 1)
        ]
        async with edge(control, **changes) as made:
            yield made, workers, control


def target(made: Edge) -> str:
    return f"sip:agent@127.0.0.1:{made.settings.port}"


def seat(worker: Phones) -> Seat:
    return Seat(worker, listen="*", is_privileged=True)


def test_take_a_call_whose_dialog_is_the_workers() -> None:
    async def act() -> None:
        async with staged() as (made, (worker,), _), sip_phone(TRUNK) as phone:
            app = seat(worker)
            phone.invite(target(made))
            await app.until(CallCame)
            app.leg.obey(TakeCall())
            await phone.until(Accepted)
            await app.until(Answered)
            assert made.readings()["requests_total"] == 1
            (ok,) = (m for m in phone.messages if m.startswith(b"SIP/2.0 200"))
            assert f"@127.0.0.1:{worker.port}".encode() in ok
            assert ok.count(b"Via:") == 1 and b"origin=" not in ok
            made.ending.begin(0.0)
            phone.bye()
            await phone.until(Ended)
            await app.until(LegEnded)

    play(act)


def test_let_in_who_may_call_and_nobody_else() -> None:
    async def act() -> None:
        async with staged() as (made, (worker,), _):
            app = seat(worker)
            async with sip_phone(STRANGER) as stranger:
                stranger.invite(target(made))
                assert (await stranger.until(Rejected)).status == 403
                assert not app.told
            async with sip_phone(TRUNK) as phone:
                phone.invite(target(made))
                await app.until(CallCame)

    play(act)


@asynccontextmanager
async def asker(host: str) -> AsyncIterator[Callable[[bytes, int], Awaitable[bytes]]]:
    """Sends one datagram, and gives what comes back within a moment."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((host, 0))
        opened.setblocking(False)

        async def ask(data: bytes, port: int) -> bytes:
            await loop.sock_sendto(opened, data, ("127.0.0.1", port))
            try:
                async with asyncio.timeout(0.3):
                    while True:
                        found = await loop.sock_recv(opened, 65_536)
                        if not found.startswith(b"SIP/2.0 1"):
                            return found
            except TimeoutError:
                return b""

        yield ask


def test_believe_no_via_that_a_stranger_has_made_up() -> None:
    async def act() -> None:
        async with staged() as (made, (worker,), _), asker(STRANGER) as ask:
            seat(worker)
            own = f"127.0.0.1:{made.settings.port}"
            below = f"Via: SIP/2.0/UDP {TRUNK};branch=z9hG4bKx;received={TRUNK}"
            for number, (via, extra) in enumerate(
                [
                    (f"{TRUNK}:5060", []),
                    (f"{own};origin=UDP/{TRUNK}/5060//{'0' * 24}", []),
                    (f"{own};received={TRUNK}", [below]),
                ]
            ):
                for port in (made.settings.port, worker.port):
                    name = f"forged-{number}-{port}"
                    data = message(
                        call_id=name, branch=f"z9hG4bK{name}", via=via, extra=extra
                    )
                    assert (await ask(data, port)).startswith(b"SIP/2.0 403"), name

    play(act)


def test_tell_a_scanner_nothing_and_then_nothing_at_all() -> None:
    async def act() -> None:
        async with staged(2) as (made, workers, _), asker(STRANGER) as ask:
            answers = set()
            for number in range(150):
                data = message(
                    ("REGISTER", "INVITE", "OPTIONS")[number % 3],
                    uri=f"sip:{number}@127.0.0.1",
                    call_id=f"scan-{number}",
                    branch=f"z9hG4bK{number}",
                    via=f"{STRANGER}:5060",
                )
                answer = await ask(data, made.settings.port)
                if not answer:
                    break
                answers.add(answer.split(b"\r\n")[0])
            assert number < 149
            assert len(answers) == 3
            assert made.readings()["bans_total"] >= 1
            apps = [seat(worker) for worker in workers]
            async with sip_phone(TRUNK) as phone:
                phone.invite(target(made))
                await eventually(lambda: any(CallCame in app.kinds for app in apps))

    play(act)


def test_count_at_the_worker_what_each_sender_does() -> None:
    """The edge lets all through: the worker alone tells scanners and trunks apart."""

    async def act() -> None:
        networks = (ip_network("127.0.0.0/8"),)
        async with (
            staged(peers=networks) as (made, (worker,), _),
            asker(STRANGER) as scan,
            asker("127.0.0.30") as other,
        ):
            for number in range(150):
                data = message(
                    "REGISTER",
                    call_id=f"scan-{number}",
                    branch=f"z9hG4bK{number}",
                    via=f"{STRANGER}:5060",
                )
                if not await scan(data, made.settings.port):
                    break
            assert worker.readings()["sip_bans_total"] >= 1
            data = message("REGISTER", call_id="honest", via="127.0.0.30:5060")
            assert (await other(data, made.settings.port)).startswith(b"SIP/2.0 405")
            assert not await scan(
                message("REGISTER", call_id="again"), made.settings.port
            )

    play(act)


def test_starve_no_trunk_by_another() -> None:
    async def act() -> None:
        async with staged(peers=()) as (made, (worker,), _), asker(TRUNK) as loud:
            for number in range(400):
                data = message(
                    "OPTIONS", call_id=f"n{number}", branch=f"z9hG4bK{number}"
                )
                if not await loud(data, made.settings.port):
                    break
            assert number < 399, "who says too much is not heard any more"
            app = seat(worker)
            async with sip_phone(OTHER) as quiet:
                quiet.invite(target(made))
                await app.until(CallCame)
                app.leg.obey(TakeCall())
                await quiet.until(Accepted)

    play(act)


async def connected(
    made: Edge, host: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(
        "127.0.0.1", made.settings.port, local_addr=(host, 0)
    )


def test_carry_streams_of_many_by_one_to_the_worker() -> None:
    async def act() -> None:
        async with staged() as (made, (worker,), _):
            for number, host in enumerate((TRUNK, STRANGER, OTHER)):
                reader, writer = await connected(made, host)
                writer.write(
                    message(
                        "REGISTER",
                        transport="TCP",
                        via=f"{host}:5060",
                        call_id=f"t{number}",
                    )
                )
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"SIP/2.0 405"), head
                assert head.count(b"Via:") == 1
                writer.close()
            assert worker.readings()["sip_connections"] == 1

    play(act)


def test_cut_no_stream_of_an_edge_for_one_who_says_too_much() -> None:
    async def act() -> None:
        networks = (ip_network("127.0.0.0/8"),)
        async with staged(peers=networks) as (made, (worker,), _):
            reader, writer = await connected(made, STRANGER)
            for number in range(60):
                writer.write(
                    message("REGISTER", transport="TCP", call_id=f"scan-{number}")
                )
            await eventually(lambda: worker.readings()["sip_bans_total"])
            await eventually(lambda: worker.readings()["sip_messages_dropped_total"])
            other, honest = await connected(made, "127.0.0.30")
            honest.write(message("REGISTER", transport="TCP", call_id="honest"))
            head = await other.readuntil(b"\r\n\r\n")
            assert head.startswith(b"SIP/2.0 405")
            assert worker.readings()["sip_connections"] == 1
            writer.close()
            honest.close()

    play(act)


def test_drop_what_comes_back_to_a_connection_that_is_gone() -> None:
    async def act() -> None:
        async with staged() as (made, (worker,), _):
            app = seat(worker)
            _, writer = await connected(made, TRUNK)
            writer.write(message(transport="TCP"))
            await app.until(CallCame)
            writer.transport.abort()
            await eventually(lambda: made.readings()["connections"] == 1)
            app.leg.obey(DropLeg())
            await eventually(lambda: made.readings()["messages_lost_total"])

    play(act)


def test_find_another_worker_for_a_stream_when_one_is_dead() -> None:
    async def act() -> None:
        async with staged() as (made, (worker,), control):
            (port,) = free_ports(1)
            control.leases.append(lease_of("dead", port, capacity=10**9))
            await eventually(lambda: made.readings()["takers"] == 2)
            app = seat(worker)
            _, writer = await connected(made, TRUNK)
            writer.write(message(transport="TCP"))
            await app.until(CallCame)
            assert made.readings()["retries_total"] == 1
            writer.close()

    play(act)


def test_tell_how_it_stands() -> None:
    async def act() -> None:
        async with (
            staged() as (made, _, control),
            aiohttp.ClientSession(
                f"http://127.0.0.1:{made.settings.http_port}"
            ) as client,
        ):
            async with client.get("/health") as response:
                assert response.status == 200
                assert await response.json() == {
                    "v": 1,
                    "status": "ok",
                    "workers": 1,
                    "takers": 1,
                }
            async with client.get("/metrics") as response:
                assert response.status == 401
            query = {"token": token("alice")}
            async with client.get("/metrics", params=query) as response:
                assert response.status == 403
            query = {"token": token("root", Role.ADMIN)}
            async with client.get("/metrics", params=query) as response:
                text = await response.text()
            assert "parley_edge_takers 1.0" in text
            assert "parley_edge_requests_total 0.0" in text
            control.leases = []
            await eventually(lambda: not made.readings()["workers"])
            async with client.get("/health") as response:
                assert response.status == 503
            async with client.get("/alive") as response:
                assert response.status == 200
            async with client.get("/elsewhere") as response:
                assert response.status == 404

    play(act)


def test_pass_on_for_a_while_once_it_is_to_end() -> None:
    async def act() -> None:
        async with (
            staged() as (made, _, _),
            asker(TRUNK) as ask,
            aiohttp.ClientSession(
                f"http://127.0.0.1:{made.settings.http_port}"
            ) as client,
        ):
            made.ending.begin(20.0)
            async with client.get("/health") as response:
                assert response.status == 503
            answer = await ask(
                message("REGISTER", via=f"{TRUNK}:5060"), made.settings.port
            )
            assert answer.startswith(b"SIP/2.0 405")
            made.ending.begin(0.05)

    play(act)


def test_survive_a_mistake_of_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def act() -> None:
        async with staged() as (made, _, _), asker(TRUNK) as ask:
            with monkeypatch.context() as patch:
                patch.setattr(made._forwarder, "receive", None)
                assert not await ask(message("OPTIONS"), made.settings.port)
            assert (await ask(message("OPTIONS"), made.settings.port)).startswith(
                b"SIP/2.0 200"
            )

    play(act)
    assert "message not understood" in caplog.text


def test_refuse_ports_that_are_taken() -> None:
    async def act() -> None:
        async with FakeRoster().listening() as control, edge(control) as first:
            given = EdgeSettings(
                "127.0.0.1",
                first.settings.port,
                first.settings.http_port,
                control.url,
                SECRET,
            )
            with pytest.raises(BadSetting, match="PARLEY_EDGE_PORT"):
                Edge(given, "edge2")
            (port,) = free_ports(1)
            second = Edge(replace(given, port=port), "edge2")
            with pytest.raises(PortUnavailable):
                await second.serve()

    play(act)


def test_run_as_a_process_until_a_signal(tmp_path: Path) -> None:
    async def act() -> None:
        async with FakeRoster().listening() as control:
            control.leases = [lease_of("w1", 5060)]

            def run() -> list[dict[str, object]]:
                given = {"PARLEY_EDGE_DRAIN_SECONDS": "1"}
                with edge_process(tmp_path, control.url, **given) as process:
                    process.process.send_signal(signal.SIGTERM)
                    assert process.process.wait(10) == 0
                assert process.lines("error") == process.lines("critical") == []
                return process.lines("info")

            told = [line["message"] for line in await asyncio.to_thread(run)]
            assert told == ["edge listens", "roster changed", "edge - OK -> DRAINING"]

    play(act)
