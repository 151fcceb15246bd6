"""The worker's own address, where a NAT gives it another one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aioice import stun as protocol
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.ice import DEFAULT_STUN_URL, ice_servers
from mediaworker.composition import public_address_of
from mediaworker.session.legs import Answered, CallCame, DropLeg, LegEnded, TakeCall
from mediaworker.settings import BadSetting, Settings
from mediaworker.sip.events import Accepted, InviteReceived
from mediaworker.telephony import public_address, stun
from mediaworker.telephony.public_address import PublicAddress
from mediaworker.telephony.stun import Binding, ask, stun_server
from tests.e2e.test_laptop import free_ports
from tests.peers.sip_phone import SipPhone, sip_phone
from tests.worker.telephony.stage import Seat, eventually, phones, target

LOOPBACK = "127.0.0.1"
SEEN = "198.51.100.7"
NAMED = "127.0.0.9"
"""Where nothing of this is, on this machine."""
SECRET = {"PARLEY_JWT_SECRET": "0123456789abcdef" * 2, "PARLEY_ENV": "development"}


def play(act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await act()

    asyncio.run(bounded())


def answer_to(request: bytes, **changes: Any) -> bytes:
    asked = protocol.parse_message(request)
    attributes = {"XOR-MAPPED-ADDRESS": (changes.get("address", SEEN), 40_000)}
    return bytes(
        protocol.Message(
            protocol.Method.BINDING,
            changes.get("kind", protocol.Class.RESPONSE),
            changes.get("id", asked.transaction_id),
            changes.get("attributes", attributes),
        )
    )


class StunServer(asyncio.DatagramProtocol):
    """Sees everybody behind a NAT, once it has been asked often enough."""

    def __init__(self, deaf_to: int) -> None:
        self.deaf_to = deaf_to
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.address: tuple[str, int] = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        if self.asked > self.deaf_to:
            self.transport.sendto(b"\0" * 30, addr)
            for _ in range(2):
                self.transport.sendto(answer_to(data), addr)


@asynccontextmanager
async def served(deaf_to: int = 0) -> AsyncIterator[StunServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: StunServer(deaf_to), local_addr=(LOOPBACK, 0)
    )
    yield server
    transport.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stun, "FIRST_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(stun, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(public_address, "AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(public_address, "SOONER_SECONDS", 0.01)


# Whom to ask, and what


@pytest.mark.parametrize(
    ("variables", "server"),
    [
        ({}, (DEFAULT_STUN_URL.split(":")[1], 19_302)),
        ({"STUN_URLS": "stuns:a.example,stun:b.example"}, ("b.example", 3_478)),
        ({"STUN_URLS": "stun:[::1]:7,stun:b.example"}, ("::1", 7)),
        (
            {"TURN_URLS": "turn:t.example", "TURN_SECRET": "s"},
            (DEFAULT_STUN_URL.split(":")[1], 19_302),
        ),
    ],
)
def test_ask_the_first_server(
    variables: dict[str, str], server: tuple[str, int]
) -> None:
    assert stun_server(ice_servers(variables)) == server


def test_read_an_answer() -> None:
    binding = Binding()
    assert binding.read(answer_to(binding.request)) == SEEN
    assert binding.read(answer_to(binding.request, address="2001:db8::7")) == (
        "2001:db8::7"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"id": b"x" * 12},
        {"kind": protocol.Class.ERROR},
        {"kind": protocol.Class.REQUEST},
        {"attributes": {}},
        {"address": "0.0.0.0"},
        {"address": "239.1.1.1"},
    ],
)
def test_read_nothing_in_what_is_no_answer(changes: dict[str, Any]) -> None:
    binding = Binding()
    assert binding.read(answer_to(binding.request, **changes)) is None


@given(st.data())
def test_read_whatever_comes(data: st.DataObject) -> None:
    binding = Binding()
    assert binding.read(data.draw(st.binary(max_size=100))) is None
    answer = bytearray(answer_to(binding.request))
    place = data.draw(st.integers(0, len(answer) - 1))
    answer[place] ^= data.draw(st.integers(1, 255))
    binding.read(bytes(answer[: data.draw(st.integers(0, len(answer)))]))


# Asking


def test_ask_until_there_is_an_answer(impatient: None) -> None:
    async def act() -> None:
        async with served(deaf_to=2) as server:
            assert await ask(server.address, LOOPBACK) == SEEN
            assert server.asked == 3

    play(act)


def test_ask_no_longer_than_is_bearable(impatient: None) -> None:
    async def act() -> None:
        loop = asyncio.get_running_loop()
        async with served(deaf_to=100) as server:
            began = loop.time()
            with pytest.raises(OSError, match="not answered"):
                await ask(server.address, LOOPBACK)
            assert loop.time() - began < 1
            assert 2 <= server.asked < 10
        (port,) = free_ports(1)
        with pytest.raises(OSError, match="not answered"):
            await ask((LOOPBACK, port), LOOPBACK)
        with pytest.raises(OSError):
            await ask(("a" * 70 + ".example", 1), LOOPBACK)
        with pytest.raises(OSError):
            await ask((LOOPBACK, port), "192.0.2.1")

    play(act)


# Learning


def test_learn_and_learn_again(
    impatient: None, caplog: pytest.LogCaptureFixture
) -> None:
    answers: Iterator[str | OSError] = iter(
        [OSError("deaf"), SEEN, SEEN, OSError(), "198.51.100.8"]
    )
    told: list[str] = []

    async def answered() -> str:
        answer = next(answers, "198.51.100.8")
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def act() -> None:
        learnt = PublicAddress(None, answered)
        learnt.subscribe(told.append)
        assert learnt.known is None and not learnt.is_settled
        running = asyncio.ensure_future(learnt.run())
        await eventually(lambda: learnt.is_settled)
        assert learnt.known is None, "the first server was deaf"
        await eventually(lambda: len(told) == 2)
        running.cancel()
        assert learnt.known == told[-1]

    with caplog.at_level(logging.INFO):
        play(act)
    assert told == [SEEN, "198.51.100.8"]
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert [record.__dict__["why"] for record in warnings] == ["deaf", "OSError"]


def test_learn_nothing_where_it_is_set() -> None:
    async def act() -> None:
        for address in (None, SEEN):
            fixed = PublicAddress(address)
            await fixed.run()
            assert fixed.is_settled and fixed.known == address

    play(act)


def test_learn_by_the_settings() -> None:
    async def act() -> None:
        async with served() as server:
            url = f"stun:{LOOPBACK}:{server.address[1]}"
            variables = {"PARLEY_PUBLIC_ADDRESS": " STUN", "STUN_URLS": url, **SECRET}
            learnt = public_address_of(Settings.parse(variables))
            running = asyncio.ensure_future(learnt.run())
            await eventually(lambda: learnt.is_settled)
            running.cancel()
            assert learnt.known == SEEN

    play(act)
    fixed = Settings.parse({"PARLEY_PUBLIC_ADDRESS": SEEN, **SECRET})
    assert public_address_of(fixed).known == SEEN
    with pytest.raises(BadSetting, match="an IP address or stun"):
        Settings.parse({"PARLEY_PUBLIC_ADDRESS": "stunt", **SECRET})


# Using it


def of(fields: tuple[tuple[str, str], ...], name: str) -> str:
    return next(value for key, value in fields if key == name)


async def talk(seat: Seat, phone: SipPhone, nth: int = 1) -> Accepted:
    await seat.until(CallCame)
    seat.leg.obey(TakeCall())
    await seat.until(Answered)
    return await phone.until(Accepted, nth)


def test_name_the_learnt_address_to_phones() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone, sip_phone(seed=2) as other:
            before = Seat(made, "s1", listen="agent")
            phone.invite(target(made))
            accepted = await talk(before, phone)
            assert accepted.sdp and "c=IN IP4 127.0.0.1" in accepted.sdp
            ringing = Seat(made, "s2")
            ringing.place(other)
            invite = await other.until(InviteReceived)
            made.move(NAMED)
            other.do(lambda sip, call, now: sip.accept(call, other.sdp(), now))
            await ringing.until(Answered)
            assert "127.0.0.1" in of(invite.fields, "Via"), "it was sent before"

            after = Seat(made, "s3", listen="agent")
            other.invite(target(made))
            accepted = await talk(after, other)
            assert accepted.sdp and f"c=IN IP4 {NAMED}" in accepted.sdp
            assert NAMED in of(accepted.fields, "Contact")
            placed = Seat(made, "s4")
            placed.place(phone)
            invite = await phone.until(InviteReceived)
            assert invite.offer and f"c=IN IP4 {NAMED}" in invite.offer
            assert f"{NAMED}:{made.port}" in of(invite.fields, "Contact")
            assert f"{NAMED}:{made.port}" in of(invite.fields, "Via")
            assert invite.caller.endswith(f"@{NAMED}")
            for seat in (ringing, after, placed):
                seat.leg.obey(DropLeg())
            assert LegEnded not in before.kinds

    play(act)


def test_bracket_an_address_of_ipv6() -> None:
    async def act() -> None:
        async with phones() as made, sip_phone() as phone:
            made.move("2001:db8::7")
            seat = Seat(made)
            seat.place(phone)
            invite = await phone.until(InviteReceived)
            assert f"@[2001:db8::7]:{made.port}" in of(invite.fields, "Contact")
            assert f" [2001:db8::7]:{made.port}" in of(invite.fields, "Via")
            assert invite.offer and "c=IN IP6 2001:db8::7" in invite.offer
            seat.leg.obey(DropLeg())

    play(act)
