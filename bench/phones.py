"""Phones that call the worker by SIP, and applications that answer and talk.

One endpoint of ours places all calls; every call has a socket for its RTP. They cost
little, so that the worker's core is full before the generator's is.
"""

import asyncio
from collections.abc import Mapping
from secrets import token_hex
from time import monotonic
from typing import Any, cast

import picows

from bench.callers import Caller, Event
from bench.holding import NUMBERS
from bench.lateness import Lateness
from bench.measurement import Refused
from bench.media_worker import MediaWorker
from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp import packet as rtp
from mediaworker.rtp import sdp
from mediaworker.rtp.negotiation import OurMedia, accept_answer, offer
from mediaworker.sip.endpoint import Endpoint, Identity, Limits
from mediaworker.sip.events import Accepted, CallKey, Ended, Rejected
from mediaworker.sip.routing import Hop

LOOPBACK = "127.0.0.1"
PCMU = 0
TICKS = 160
MAX_SEQUENCE = 0xFFFF
MAX_TIMESTAMP = 0xFFFFFFFF
PATIENCE_SECONDS = 10.0


class NoCall(Refused):
    """A call was not answered: with which status."""


class Phone(asyncio.DatagramProtocol):
    """The audio of one call."""

    def __init__(self) -> None:
        self.number = next(NUMBERS)
        self.lateness = Lateness()
        self.lost = 0
        self.received = 0
        self.port = 0
        self.key = CallKey("")
        self._transport: asyncio.DatagramTransport | None = None
        self._worker: tuple[str, int] | None = None
        self._sent = 0
        self._latest: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = self._transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        if data[1] >> 1 == 100:
            # RTCP, which shares the port.
            return
        self.lateness.take(monotonic())
        self.received += 1
        sequence = int.from_bytes(data[2:4])
        if self._latest is not None:
            self.lost += sequence - self._latest - 1 & MAX_SEQUENCE
        self._latest = sequence

    def connect(self, address: str, port: int) -> None:
        """Where the worker hears it."""
        self._worker = (address, port)

    def say(self, payload: bytes) -> None:
        if self._transport is None or self._worker is None:
            return
        self._sent += 1
        header = rtp.header(
            PCMU,
            self._sent == 1,
            self._sent & MAX_SEQUENCE,
            self._sent * TICKS & MAX_TIMESTAMP,
            self.port,
        )
        self._transport.sendto(header + payload, self._worker)

    def reset(self) -> None:
        self.lateness.reset()
        self.lost = 0

    def close(self) -> None:
        self._worker = None
        if self._transport is not None:
            self._transport.close()


class Exchange(asyncio.DatagramProtocol):
    """Places calls, over one socket of UDP."""

    def __init__(self, sip_port: int) -> None:
        self._worker = Hop("UDP", LOOPBACK, sip_port)
        self._waiting: dict[CallKey, asyncio.Future[str]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._endpoint: Endpoint | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.ended: set[CallKey] = set()
        """Calls that the worker hung up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        port = self._transport.get_extra_info("sockname")[1]
        self._endpoint = Endpoint(
            Identity(LOOPBACK, {"UDP": port, "TCP": port}, "bench"),
            lambda: token_hex(8),
            limits=Limits(calls=10_000),
        )

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        hop = Hop("UDP", address[0], address[1])
        self._endpoint_now.receive(data, hop, monotonic())
        self._settle()

    async def call(self, phone: Phone, user: str = "bench") -> float:
        """Seconds from the INVITE to its 200; raises `NoCall`."""
        ours = OurMedia((Codec.PCMU,), 1, address=LOOPBACK, port=phone.port)
        began = monotonic()
        key = self._endpoint_now.invite(
            f"sip:{user}@{LOOPBACK}:{self._worker.port}",
            f"sip:phone@{LOOPBACK}",
            offer(ours),
            began,
            destination=self._worker,
        )
        answered = self._waiting[key] = asyncio.get_running_loop().create_future()
        self._settle()
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await answered
        took = monotonic() - began
        remote = accept_answer(ours, sdp.parse(answer)).remote
        phone.connect(remote.address, remote.port)
        phone.key = key
        return took

    def hang_up(self, phone: Phone) -> None:
        self._endpoint_now.hang_up(phone.key, monotonic())
        self._settle()
        phone.close()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    @property
    def _endpoint_now(self) -> Endpoint:
        assert self._endpoint is not None and self._transport is not None
        return self._endpoint

    def _settle(self) -> None:
        endpoint = self._endpoint_now
        while (event := endpoint.next_event()) is not None:
            self._hear(event)
        for one in endpoint.transmissions():
            if self._transport is not None:
                self._transport.sendto(one.data, (one.hop.host, one.hop.port))
        if self._timer is not None:
            self._timer.cancel()
        due = endpoint.timer()
        if due is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, due - monotonic()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._endpoint_now.handle_timer(monotonic())
        self._settle()

    def _hear(self, event: object) -> None:
        match event:
            case Accepted(call, _, str(text)):
                waiting = self._waiting.pop(call, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(text)
            case Rejected(call, status, reason):
                waiting = self._waiting.pop(call, None)
                if waiting is not None and not waiting.done():
                    waiting.set_exception(NoCall(f"{status} {reason}"))
            case Ended(call):
                self.ended.add(call)


async def exchange_of(sip_port: int) -> Exchange:
    loop = asyncio.get_running_loop()
    _, exchange = await loop.create_datagram_endpoint(
        lambda: Exchange(sip_port), local_addr=(LOOPBACK, 0)
    )
    return exchange


async def phone_of() -> Phone:
    loop = asyncio.get_running_loop()
    _, phone = await loop.create_datagram_endpoint(Phone, local_addr=(LOOPBACK, 0))
    return phone


class Desk:
    """Applications that wait for calls, accept them at once and play a file."""

    def __init__(
        self, worker: MediaWorker, option: Mapping[str, Any], url: str | None
    ) -> None:
        self._url_of_socket = worker.url_of("/call/sip") + "&listen=bench"
        self._option = option
        self._url = url

    async def open(self) -> Caller:
        """One that waits for the next call."""
        caller = Caller()

        def heard(event: Event, at: float) -> None:
            if event["event"] == "incoming":
                caller.command("accept", option=self._option)
            elif event["event"] == "answer" and self._url is not None:
                caller.command("play", url=self._url)

        caller.heard = heard
        await picows.ws_connect(
            lambda: caller, self._url_of_socket, use_aiofastnet=False
        )
        return caller
