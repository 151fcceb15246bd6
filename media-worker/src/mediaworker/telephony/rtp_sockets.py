"""The sockets of one call's audio: packets in, to one stream, and out to one place.

Where audio comes from is learnt from its first packet, and from then on no other
source is heard: a NAT may have changed what the far end says of itself, and nobody
else is to be heard in the call.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from socket import CMSG_SPACE, SOL_SOCKET, socket
from struct import Struct
from typing import Protocol

from mediaworker.rtp.packet import HEADER_BYTES, TYPE_MASK, Kind, kind_of
from mediaworker.telephony.rtp_ports import TIMESTAMPS, Pair

LARGEST = 2_048
AT_ONCE = 16
"""Packets that are read in a slot; more are a flood, or a burst that can wait."""
TIMESPEC = Struct("@ll")
EXTRA_BYTES = CMSG_SPACE(TIMESPEC.size)
Address = tuple[str, int]


class Hearer(Protocol):
    """Whom packets are for."""

    def rtp_received(self, packet: bytes, at: float | None) -> None:
        """``at``: when it came, in seconds of the epoch, if the system tells."""

    def rtcp_received(self, packet: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Remote:
    """What the far end says of itself."""

    rtp: Address | None
    """None as long as it is not known."""
    rtcp: Address | None
    is_mux: bool
    payload_types: frozenset[int]
    """What an RTP packet of it may be."""


NOWHERE = Remote(None, None, False, frozenset())


class RtpSockets:
    def __init__(
        self, pair: Pair, hearer: Hearer, give_back: Callable[[Pair], None]
    ) -> None:
        """Within a running loop. RTP is read by `read` alone: a loop that wakes for
        each packet costs several times as much."""
        self.foreign = 0
        """Datagrams of other sources, or of no kind that is known."""
        self._pair = pair
        self._hearer = hearer
        self._give_back = give_back
        self._remote = NOWHERE
        self._rtp_to: Address | None = None
        self._rtcp_to: Address | None = None
        self._is_latched = False
        self._is_closed = False
        loop = asyncio.get_running_loop()
        loop.add_reader(pair.rtcp.fileno(), self._read_rtcp)

    @property
    def port(self) -> int:
        return self._pair.port

    @property
    def has_latched(self) -> bool:
        """It is known where audio comes from."""
        return self._is_latched

    def aim(self, remote: Remote) -> None:
        """As it was agreed; where it names another place than before, audio may come
        from another one."""
        if remote.rtp != self._remote.rtp:
            self._is_latched = False
            self._rtp_to = remote.rtp
            self._rtcp_to = remote.rtp if remote.is_mux else remote.rtcp
        self._remote = remote

    def read(self) -> None:
        """What RTP has come since it was asked last; once a slot."""
        for _ in range(AT_ONCE):
            if self._is_closed:
                return
            try:
                data, extra, _, address = self._pair.rtp.recvmsg(LARGEST, EXTRA_BYTES)
            except OSError:
                return
            self._rtp_came(data, address[:2], _arrival(extra))

    def forget(self) -> None:
        """What has come is not for whoever reads from now on."""
        with contextlib.suppress(OSError):
            while not self._is_closed:
                self._pair.rtp.recv(LARGEST)

    def send_rtp(self, packet: bytes) -> bool:
        """False when it was dropped."""
        return self._send(self._pair.rtp, packet, self._rtp_to)

    def send_rtcp(self, packet: bytes) -> bool:
        """False when it was dropped."""
        way = self._pair.rtp if self._remote.is_mux else self._pair.rtcp
        return self._send(way, packet, self._rtcp_to)

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        asyncio.get_running_loop().remove_reader(self._pair.rtcp.fileno())
        self._give_back(self._pair)

    def _send(self, way: socket, packet: bytes, to: Address | None) -> bool:
        if to is None or self._is_closed:
            return False
        try:
            way.sendto(packet, to)
        except OSError:
            return False
        return True

    def _read_rtcp(self) -> None:
        try:
            data, address = self._pair.rtcp.recvfrom(LARGEST)
        except OSError:
            return
        self._rtcp_came(data, address[:2])

    def _rtp_came(self, data: bytes, address: Address, at: float | None) -> None:
        kind = kind_of(data)
        if kind is Kind.RTCP and self._remote.is_mux:
            self._rtcp_came(data, address)
        elif kind is not Kind.RTP or not self._is_from(data, address):
            self.foreign += 1
        else:
            self._hearer.rtp_received(data, at)

    def _rtcp_came(self, data: bytes, address: Address) -> None:
        if kind_of(data) is Kind.RTCP and self._is_host(address[0]):
            self._hearer.rtcp_received(data)
        else:
            self.foreign += 1

    def _is_from(self, data: bytes, address: Address) -> bool:
        if self._is_latched:
            return address == self._rtp_to
        if len(data) < HEADER_BYTES or not self._is_expected(data):
            return False
        self._is_latched = True
        if address != self._rtp_to:
            self._rtp_to = address
            is_moved = self._remote.rtp is None or address[0] != self._remote.rtp[0]
            if self._remote.is_mux:
                self._rtcp_to = address
            elif is_moved:
                self._rtcp_to = (address[0], min(address[1] + 1, 0xFFFF))
        return True

    def _is_expected(self, data: bytes) -> bool:
        return data[1] & TYPE_MASK in self._remote.payload_types

    def _is_host(self, host: str) -> bool:
        return self._rtp_to is not None and host == self._rtp_to[0]


def _arrival(extra: Sequence[tuple[int, int, bytes]]) -> float | None:
    """When the kernel took the packet (socket(7), SO_TIMESTAMPNS)."""
    for level, kind, data in extra:
        if level == SOL_SOCKET and kind == TIMESTAMPS and len(data) == TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack(data)
            return float(seconds + nanoseconds / 1e9)
    return None


def is_address(text: str) -> bool:
    """And no name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
