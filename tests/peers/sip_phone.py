"""A phone of a test's own: SIP over UDP, and RTP that it makes itself.

Its SIP is the product's endpoint, so that sipp, baresip and linphone say whether that
speaks properly; its SDP and RTP are written out here.
"""

import asyncio
import random
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from mediaworker.sip.digest import Credentials
from mediaworker.sip.endpoint import Endpoint, Identity
from mediaworker.sip.events import CallKey, Event, InviteReceived
from mediaworker.sip.routing import Hop

LOOPBACK = "127.0.0.1"
FRAME_SECONDS = 0.02
FRAME_BYTES = 160
SILENCE = b"\xff" * FRAME_BYTES
KEYS_TYPE = 101
PATIENCE_SECONDS = 10.0

Address = tuple[str, int]
E = TypeVar("E", bound=Event)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, Address], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._heard(data, addr)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])


class SipPhone:
    """One line: one call at a time has its audio."""

    def __init__(self, host: str = LOOPBACK, seed: int = 1) -> None:
        self.host = host
        self.events: list[Event] = []
        self.messages: list[bytes] = []
        """SIP as it came."""
        self.heard: list[bytes] = []
        """Payloads of audio."""
        self.keys: list[int] = []
        """Events of RFC 4733, once for each key."""
        self.sources: set[Address] = set()
        """Where audio came from."""
        self.call: CallKey | None = None
        self.answers: str | None = None
        """None: what comes is not answered by itself; else the SDP's direction."""
        self.to: Address | None = None
        """Where its audio goes."""
        self.sends_from = 0
        self._random = random.Random(seed)
        self._ssrc = self._random.getrandbits(32)
        self._sequence = self._random.getrandbits(15)
        self._timestamp = self._random.getrandbits(31)
        self._version = 0
        self._last_key_timestamp = -1
        self._news = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        _, self._sip = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._sip_came), local_addr=(self.host, 0)
        )
        _, self._rtp = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._rtp_came), local_addr=(self.host, 0)
        )
        ports = {"UDP": self._sip.port, "TCP": self._sip.port}
        identity = Identity(self.host, ports, "test phone", "phone")  # type: ignore[arg-type]
        self._endpoint = Endpoint(identity, lambda: uuid.uuid4().hex)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._sip.transport.close()
        self._rtp.transport.close()

    @property
    def uri(self) -> str:
        return f"sip:phone@{self.host}:{self._sip.port}"

    @property
    def rtp_address(self) -> Address:
        return self.host, self._rtp.port

    # SIP

    def sdp(
        self,
        direction: str = "sendrecv",
        address: str | None = None,
        port: int | None = None,
        types: str = "0 101",
    ) -> str:
        self._version += 1
        lines = [
            "v=0",
            f"o=phone 1 {self._version} IN IP4 {self.host}",
            "s=-",
            f"c=IN IP4 {address or self.host}",
            "t=0 0",
            f"m=audio {port or self._rtp.port} RTP/AVP {types}",
            "a=rtpmap:0 PCMU/8000",
        ]
        if "101" in types:
            lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
        return "\r\n".join([*lines, f"a={direction}", ""])

    def invite(
        self,
        target: str,
        *,
        offer: str | None = "",
        headers: dict[str, str] | None = None,
        credentials: Credentials | None = None,
    ) -> CallKey:
        """With an SDP of its own, unless another or none is given."""
        sdp = self.sdp() if offer == "" else offer
        caller = f"sip:alice@{self.host}:{self._sip.port}"
        self.call = self._endpoint.invite(
            target,
            caller,
            sdp,
            self._now,
            headers=headers or {},
            credentials=credentials,
        )
        self._settle()
        return self.call

    def do(self, verb: Callable[[Endpoint, CallKey, float], None]) -> None:
        """Whatever the endpoint can do with the call."""
        assert self.call is not None
        verb(self._endpoint, self.call, self._now)
        self._settle()

    def bye(self) -> None:
        self.do(lambda sip, call, now: sip.bye(call, now))

    def cancel(self) -> None:
        self.do(lambda sip, call, now: sip.cancel(call, now))

    def reinvite(self, sdp: str) -> None:
        self.do(lambda sip, call, now: sip.reinvite(call, sdp, now))

    def info(self, content_type: str, body: bytes) -> None:
        self.do(lambda sip, call, now: sip.info(call, content_type, body, now))

    async def until(self, kind: type[E], count: int = 1) -> E:
        """The event of that kind, the nth that came."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found := [e for e in self.events if isinstance(e, kind)]) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    def count(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    # RTP

    def aim(self, sdp: str) -> None:
        """Send audio where a description says."""
        host = re.search(r"(?m)^c=IN IP4 (\S+)", sdp)
        port = re.search(r"(?m)^m=audio (\d+)", sdp)
        assert host is not None and port is not None
        self.to = host[1], int(port[1])

    def send_frame(self, payload: bytes = SILENCE, *, lost: bool = False) -> None:
        """The next 20 ms; a lost one is counted, and not sent."""
        if not lost:
            self._send(0, payload, self._timestamp)
        self._sequence += 1
        self._timestamp += FRAME_BYTES

    async def speak(self, frames: Iterable[bytes], *, lost: Iterable[int] = ()) -> None:
        """In their time; those of the given places are lost."""
        loop = asyncio.get_running_loop()
        missing = frozenset(lost)
        begun = loop.time()
        for number, frame in enumerate(frames):
            self.send_frame(frame, lost=number in missing)
            at = begun + (number + 1) * FRAME_SECONDS
            await asyncio.sleep(max(0.0, at - loop.time()))

    async def press(self, digits: str) -> None:
        """By RFC 4733: updates, and the end three times."""
        for digit in digits:
            event = "0123456789*#ABCD".index(digit)
            began = self._timestamp
            for step in range(1, 9):
                is_end = step > 5
                length = min(step, 5) * FRAME_BYTES
                body = bytes([event, 0x80 | 10 if is_end else 10]) + length.to_bytes(2)
                self._send(KEYS_TYPE, body, began, has_marker=step == 1)
                self._sequence += 1
                await asyncio.sleep(0 if is_end else FRAME_SECONDS)
            self._timestamp = began + 10 * FRAME_BYTES
            await asyncio.sleep(0.06)

    def _send(
        self, kind: int, payload: bytes, timestamp: int, *, has_marker: bool = False
    ) -> None:
        assert self.to is not None
        head = bytes([0x80, kind | (0x80 if has_marker else 0)])
        numbers = (self._sequence & 0xFFFF).to_bytes(2)
        numbers += (timestamp & 0xFFFFFFFF).to_bytes(4) + self._ssrc.to_bytes(4)
        self._rtp.transport.sendto(head + numbers + payload, self.to)

    # Within

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _sip_came(self, data: bytes, source: Address) -> None:
        self.messages.append(data)
        self._endpoint.receive(data, Hop("UDP", *source[:2]), self._now)
        self._settle()

    def _rtp_came(self, data: bytes, source: Address) -> None:
        self.sources.add(source)
        kind = data[1] & 0x7F
        if kind == KEYS_TYPE:
            timestamp = int.from_bytes(data[4:8])
            if timestamp != self._last_key_timestamp:
                self._last_key_timestamp = timestamp
                self.keys.append(data[12])
        elif kind < 64:
            self.heard.append(data[12:])

    def _settle(self) -> None:
        self._flush()
        while (event := self._endpoint.next_event()) is not None:
            self._hear(event)
            self._flush()
        if self._timer is not None:
            self._timer.cancel()
        at = self._endpoint.timer()
        if at is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(at, self._ring)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, InviteReceived):
            self.call = event.call
            if self.answers is not None:
                if event.offer is not None:
                    self.aim(event.offer)
                sdp = self.sdp(self.answers)
                self._endpoint.accept(event.call, sdp, self._now)
        sdp_came = getattr(event, "sdp", None)
        if sdp_came and "m=audio 0" not in sdp_came:
            self.aim(sdp_came)
        self._news.set()

    def _ring(self) -> None:
        self._timer = None
        self._endpoint.handle_timer(self._now)
        self._settle()

    def _flush(self) -> None:
        for sent in self._endpoint.transmissions():
            if not self._sip.transport.is_closing():
                self._sip.transport.sendto(sent.data, (sent.hop.host, sent.hop.port))


@asynccontextmanager
async def sip_phone(host: str = LOOPBACK, seed: int = 1) -> AsyncIterator[SipPhone]:
    phone = SipPhone(host, seed)
    await phone.open()
    try:
        yield phone
    finally:
        phone.close()
