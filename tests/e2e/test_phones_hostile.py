"""Scanners, floods and strangers at the SIP and RTP ports, beside a call that runs."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from mediaworker.sip.events import Accepted, Ended
from tests.e2e.voice.caller import Caller, connected
from tests.e2e.voice.phones import PhoneWorker, listening, phone_worker
from tests.peers.sip_phone import FRAME_BYTES, SipPhone, sip_phone

pytestmark = pytest.mark.laptop

SCANNER = "127.0.0.9"
METHODS = ("OPTIONS", "REGISTER", "INVITE")
FLOOD = 3_000


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhoneWorker]:
    with phone_worker(tmp_path_factory.mktemp("phones")) as running:
        yield running
    assert running.worker.lines("error") == running.worker.lines("critical") == []


def request(method: str, user: str, port: int, number: int) -> bytes:
    branch = f"z9hG4bK{method}{number}"
    return (
        f"{method} sip:{user}@127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {SCANNER}:{port};branch={branch};rport\r\n"
        f"From: <sip:x@{SCANNER}>;tag=t{number}\r\nTo: <sip:{user}@127.0.0.1>\r\n"
        f"Call-ID: {branch}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
        f"Contact: <sip:x@{SCANNER}:{port}>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def final(data: bytes) -> bytes | None:
    """The status of a final response."""
    status = data[8:11]
    return None if status.startswith(b"1") else status


async def talking(phones: PhoneWorker, phone: SipPhone, app: Caller) -> None:
    phone.invite(f"sip:agent@{phones.target}")
    await app.until(lambda record: record.events("incoming"))
    await app.command("accept", option={})
    await phone.until(Accepted)


def test_a_scanner_learns_nothing_and_hears_nothing_more(phones: PhoneWorker) -> None:
    async def act() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
            scanner.bind((SCANNER, 0))
            scanner.setblocking(False)
            port = scanner.getsockname()[1]
            place = ("127.0.0.1", phones.sip_port)

            async def ask(method: str, user: str, number: int) -> bytes | None:
                scanner.sendto(request(method, user, port, number), place)
                async with asyncio.timeout(0.5):
                    while (
                        status := final(await loop.sock_recv(scanner, 4_096))
                    ) is None:
                        pass
                return status

            async with listening(phones, "agent") as app, sip_phone() as phone:
                await talking(phones, phone, app)
                speaking = asyncio.ensure_future(
                    phone.speak([bytes([60]) * FRAME_BYTES] * 200)
                )
                for number, method in enumerate(METHODS):
                    known = await ask(method, "agent", 2 * number)
                    unknown = await ask(method, "nobody", 2 * number + 1)
                    assert known == unknown
                for number in range(FLOOD):
                    method = METHODS[number % 3]
                    scanner.sendto(request(method, "x", port, 100 + number), place)
                    if number % 50 == 0:
                        await asyncio.sleep(0.01)
                await asyncio.sleep(0.2)
                heard = 0
                while True:
                    try:
                        scanner.recv(4_096)
                    except BlockingIOError:
                        break
                    heard += 1
                assert heard < 600
                with pytest.raises(TimeoutError):
                    await ask("OPTIONS", "agent", 9_999)
                before = len(phone.heard)
                await asyncio.sleep(1)
                assert 45 <= len(phone.heard) - before <= 55
                await speaking
                phone.bye()
                await phone.until(Ended)
                await app.until(lambda record: record.events("hangup"))
        readings = phones.worker.readings()
        assert readings["sip_bans_total"] >= 1
        assert readings["rtp_packets_lost_total"] == 0

    asyncio.run(act())


def test_nonsense_harms_nobody(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with listening(phones, "agent") as app, sip_phone() as phone:
            await talking(phones, phone, app)
            assert phone.to is not None
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.8", 0))
                for number in range(300):
                    stranger.sendto(bytes([number % 256]) * number, phone.to)
                    stranger.sendto(b"INVITE " * number, ("127.0.0.1", phones.sip_port))
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", phones.sip_port, local_addr=("127.0.0.7", 0)
            )
            writer.write(b"Content-Length: x\r\n\r\n" + b"A" * 100_000)
            await reader.read()
            writer.close()
            await phone.speak([bytes([60]) * FRAME_BYTES] * 20)
            await app.until(lambda record: record.events("mediaReady"))
            phone.bye()
            await phone.until(Ended)

    asyncio.run(act())


def test_a_header_cannot_be_smuggled_in(phones: PhoneWorker) -> None:
    async def act() -> None:
        async with sip_phone() as phone, connected(phones.url()) as app:
            sip = {"headers": {"X-A": "b\r\nX-Evil: yes"}}
            await app.command("invite", option={"callee": phone.uri, "sip": sip})
            await app.until(lambda record: record.events("error", "reject"))
            assert phone.events == []

    asyncio.run(act())
