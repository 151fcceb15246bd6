"""A bad network between two sides: loses, delays and reorders, the same every time."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

LOOPBACK = "127.0.0.1"
MEDIA = range(128, 192)
"""First bytes of RTP and RTCP, in the clear or not (RFC 7983 section 7)."""

Address = tuple[str, int]
Forward = Callable[[bytes], None]
Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to the packets of one direction, by chance."""

    loss_percent: float = 0.0
    jitter_ms: float = 0.0
    """The most that one is late; from 20 ms on, packets of a call overtake others."""
    delay_ms: float = 0.0
    """That all are late."""
    seed: int = 0
    spares_setup: bool = True
    """STUN, DTLS and whatever else is no RTP or RTCP goes through as it came."""


class Direction:
    """One way through the network: the nth packet's fate is the seed's."""

    def __init__(
        self, weather: Weather, name: str, change: Change | None = None
    ) -> None:
        self.passed = 0
        self.lost = 0
        self._change = change
        self._weather = weather
        self._chance = random.Random(f"{weather.seed} {name}")

    def carry(self, data: bytes, forward: Forward) -> None:
        weather = self._weather
        if self._change is not None:
            data = self._change(data)
        if weather.spares_setup and data[:1] and data[0] not in MEDIA:
            forward(data)
            return
        is_lost = self._chance.uniform(0, 100) < weather.loss_percent
        late_ms = weather.delay_ms + self._chance.uniform(0, weather.jitter_ms)
        if is_lost:
            self.lost += 1
            return
        self.passed += 1
        if late_ms:
            asyncio.get_running_loop().call_later(late_ms / 1_000, forward, data)
        else:
            forward(data)


class _Side(asyncio.DatagramProtocol):
    """A socket of the relay's, and who is on the other end of it."""

    def __init__(
        self, direction: Direction, peer: Address | None, learns: bool
    ) -> None:
        self.direction = direction
        self.peer = peer
        self.other: _Side | None = None
        self._learns = learns

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    @property
    def address(self) -> Address:
        host, port = self._transport.get_extra_info("sockname")[:2]
        return str(host), int(port)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self._learns:
            self.peer = addr
        if self.other is not None:
            self.direction.carry(data, self.other.send)

    def error_received(self, error: Exception) -> None:
        """The network does not tell."""

    def send(self, data: bytes) -> None:
        if self.peer is not None and not self._transport.is_closing():
            self._transport.sendto(data, self.peer)

    def close(self) -> None:
        self._transport.close()


class LossyUdp:
    """A relay that runs: who sends to `address` reaches the target, and is answered
    from there."""

    def __init__(self, front: _Side, rear: _Side) -> None:
        self.address = front.address
        self.rear = rear.address
        """Where the target sees it."""
        self.there = front.direction
        """Towards the target."""
        self.back = rear.direction
        self._front = front
        self._rear = rear

    def aim(self, target: Address) -> None:
        """From now on; for a target that was not known before."""
        self._rear.peer = target

    def expect(self, source: Address) -> None:
        """What comes back goes there, as long as nobody has sent."""
        self._front.peer = source


@asynccontextmanager
async def lossy_udp(
    target: Address | None,
    weather: Weather,
    *,
    back: Weather | None = None,
    host: str = LOOPBACK,
    changes: tuple[Change | None, Change | None] = (None, None),
) -> AsyncIterator[LossyUdp]:
    """Relays within the block; ``back`` is the weather of the way back, if it is
    another, and ``changes`` make something else of what goes there and back. The
    target has to answer to where packets came from, as ICE and symmetric RTP do."""
    loop = asyncio.get_running_loop()
    there = Direction(weather, "there", changes[0])
    home = Direction(back or weather, "back", changes[1])
    _, front = await loop.create_datagram_endpoint(
        lambda: _Side(there, None, True), local_addr=(host, 0)
    )
    _, rear = await loop.create_datagram_endpoint(
        lambda: _Side(home, target, False), local_addr=(host, 0)
    )
    front.other, rear.other = rear, front
    try:
        yield LossyUdp(front, rear)
    finally:
        front.close()
        rear.close()


def host_of(sdp: str) -> Address:
    """Its first candidate of type host: a relay's target."""
    found = re.search(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", sdp, re.I)
    assert found is not None, "the description has no candidate"
    return found[1], int(found[2])


def through(sdp: str, address: Address) -> str:
    """The description with the relay's address as its only candidate.

    The other side must not be told of the first one's candidates at all: it would go
    around the relay.
    """
    lines = [line for line in sdp.splitlines() if not line.startswith("a=candidate:")]
    at = next(n for n, line in enumerate(lines) if line.startswith("a=ice-pwd:"))
    host, port = address
    lines.insert(at, f"a=candidate:1 1 udp 2130706431 {host} {port} typ host")
    return "\r\n".join(lines) + "\r\n"


def with_rtp_at(sdp: str, address: Address) -> str:
    """The description of plain RTP with the relay's address in place of its own."""
    host, port = address
    moved = re.sub(r"(?m)^c=IN IP4 [^\s/]+", f"c=IN IP4 {host}", sdp)
    return re.sub(r"(?m)^m=audio \d+ ", f"m=audio {port} ", moved)
