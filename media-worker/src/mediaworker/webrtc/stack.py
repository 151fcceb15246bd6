"""What we take of aiortc and aioice beyond what they promise to keep.

Their sockets, checks and handshake are used as they are; the packets of a call in
progress are not brought through their queues and tasks. No other module touches a
name of theirs that is not public, and a contract test holds all of these.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from aioice import Candidate, ice, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from aiortc.rtcicetransport import RTCIceTransport
from OpenSSL import SSL
from pylibsrtp import Session

for _name in ("aioice", "aiortc"):
    # They write a line for every check, with the parties' addresses in it.
    logging.getLogger(_name).setLevel(logging.WARNING)

COMPONENT = 1
"""RTP; RTCP shares it (RFC 8834 section 4.5)."""
MOST_PAIRS = 256
"""Ways to one peer that are tried: it may come from addresses that it did not name."""
STUN_LAST = 3
"""First bytes up to this are STUN's (RFC 7983 section 7)."""

Address = tuple[str, int]


class Receiver(Protocol):
    """Who takes what comes along a path. Nothing here waits, or raises."""

    def received(self, data: bytes, address: Address) -> None:
        """A datagram that is no STUN, and not empty."""

    def lost(self) -> None:
        """Nothing comes or goes any more. Told once."""


class Socket(ice.StunProtocol):
    """Tells STUN by its first byte, before anybody tries to parse it."""

    receiver: "Path"

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        if data and cast(bytes, data)[0] > STUN_LAST:
            self.receiver.pass_on(cast(bytes, data), addr)
            return
        try:
            super().datagram_received(data, addr)
        except Exception:
            # From whoever found the port: no reason for a call to end.
            self.receiver.malformed += 1


class Path(ice.Connection):
    """ICE towards one peer: pairs of addresses, and the one that was chosen.

    It gathers what its owner tells it to. It is never told that the peer has no more
    addresses: one that cannot name any may still come to us (RFC 8863).
    """

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(ice_controlling=False)
        self.malformed = 0
        """Datagrams that looked like STUN, and were none."""
        self._receiver: Receiver | None = receiver
        self._local_candidates_start = True

    async def open(self, addresses: Iterable[str]) -> list[Candidate]:
        """A socket at each address that will have one; before `connect`."""
        loop = asyncio.get_running_loop()
        for address in addresses:
            try:
                _, protocol = await loop.create_datagram_endpoint(
                    lambda: Socket(self), local_addr=(address, 0)
                )
            except OSError:
                continue
            host, port = protocol.transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = host_candidate(host, port)
            self._protocols.append(protocol)
            self._local_candidates.append(protocol.local_candidate)
        self._local_candidates_end = True
        return self.local_candidates

    def sockets(self) -> list[ice.StunProtocol]:
        """Those of IPv4 that `open` has opened."""
        return [
            protocol
            for protocol in self._protocols
            if protocol.local_candidate.type == "host"
            and ":" not in protocol.local_candidate.host
        ]

    async def ask_stun(self, protocol: ice.StunProtocol, server: Address) -> Candidate:
        """How a STUN server sees a socket; raises what sockets and STUN do."""
        request = stun.Message(
            message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST
        )
        response, _ = await protocol.request(request, server)
        seen = response.attributes.get("XOR-MAPPED-ADDRESS")
        if seen is None:
            raise ConnectionError("the answer tells no address")
        base = protocol.local_candidate
        return Candidate(
            foundation=candidate_foundation("srflx", "udp", base.host),
            component=COMPONENT,
            transport="udp",
            priority=candidate_priority(COMPONENT, "srflx"),
            host=seen[0],
            port=seen[1],
            type="srflx",
            related_address=base.host,
            related_port=base.port,
        )

    async def ask_turn(
        self,
        server: Address,
        username: str | None,
        password: str | None,
        *,
        transport: str,
        is_tls: bool,
    ) -> Candidate | None:
        """An address at a TURN server, which is tried with all that the peer named.

        None when the path was closed meanwhile; raises what sockets and STUN do.
        """
        candidate, protocol = await ice.relayed_candidate(
            component=COMPONENT,
            hide_related_address=False,
            protocol_factory=lambda: Socket(self),
            turn_server=server,
            turn_username=username,
            turn_password=password,
            turn_ssl=is_tls,
            turn_transport=transport,
        )
        if self._closing:
            await protocol.close()
            return None
        self._protocols.append(protocol)
        self._local_candidates.append(candidate)
        for remote in self._remote_candidates:
            self._pair_remote_candidate(remote)
        self.sort_check_list()
        return candidate

    def pass_on(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if self._receiver is not None:
            self._receiver.received(data, (addr[0], addr[1]))

    def data_received(self, data: bytes, component: int) -> None:
        """It looked like STUN, and was none."""
        self.malformed += 1

    def check_incoming(
        self, message: stun.Message, addr: Address, protocol: ice.StunProtocol
    ) -> None:
        if len(self._check_list) < MOST_PAIRS or self.is_peer(addr):
            super().check_incoming(message, addr, protocol)

    def protocol_lost(self, protocol: ice.StunProtocol) -> None:
        if any(pair.protocol is protocol for pair in self._nominated.values()):
            self._nominated.clear()
            self._tell_lost()

    def is_peer(self, address: Address) -> bool:
        """Whether something of the peer's is known to be there."""
        return any(pair.remote_addr == address for pair in self._check_list)

    def send_now(self, data: bytes) -> bool:
        """Along the chosen pair; False when there is none."""
        pair = self._nominated.get(COMPONENT)
        if pair is None:
            return False
        pair.protocol.transport.sendto(data, pair.remote_addr)
        return True

    async def close(self) -> None:
        """Comes also by itself, when the peer's consent has expired (RFC 7675)."""
        self._tell_lost()
        await super().close()

    def _tell_lost(self) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost()


def host_candidate(host: str, port: int, preference: int = 65_535) -> Candidate:
    """An address of ours; ``preference`` orders those of the same kind."""
    return Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=COMPONENT,
        transport="udp",
        priority=candidate_priority(COMPONENT, "host", preference),
        host=host,
        port=port,
        type="host",
    )


class Certificate(RTCCertificate):
    """One for all calls of the process, with what OpenSSL makes of it."""

    _context: SSL.Context | None = None

    @property
    def fingerprint(self) -> str:
        """By SHA-256, in capitals with colons between."""
        return self.getFingerprints()[0].value

    def _create_ssl_context(
        self, srtp_profiles: list[SRTPProtectionProfile]
    ) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            # What was agreed with one peer is of no use to another.
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        return self._context


class Road(Protocol):
    """What a handshake travels on."""

    async def _recv(self) -> bytes:
        """Raises `ConnectionError` once nothing comes any more."""

    async def _send(self, data: bytes) -> None:
        """Raises `ConnectionError`."""


class Handshake:
    """DTLS, and the keys that it agrees upon."""

    def __init__(
        self,
        road: Road,
        certificate: Certificate,
        *,
        is_client: bool,
        closed: Callable[[], None],
    ) -> None:
        """``closed`` is told when the peer closes it, or the road ends."""
        self._dtls = RTCDtlsTransport(cast(RTCIceTransport, road), [certificate])
        self._dtls._set_role("client" if is_client else "server")
        self._dtls.on("statechange", self._changed)
        self._closed = closed

    async def shake(self, fingerprints: Iterable[tuple[str, str]]) -> bool:
        """Whether the peer is who its fingerprints, (algorithm, value), say."""
        known = [RTCDtlsFingerprint(kind, value) for kind, value in fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints=known))
        return self._dtls.state == "connected"

    @property
    def is_encrypted(self) -> bool:
        """There was a whole handshake, with whomever."""
        return self._dtls.encrypted

    @property
    def keys(self) -> tuple[Session, Session]:
        """What opens their packets, and what closes ours; once it succeeded."""
        return self._dtls._rx_srtp, self._dtls._tx_srtp

    async def stop(self) -> None:
        """Tell the peer, if it is there."""
        self._dtls.remove_all_listeners()
        await self._dtls.stop()

    def _changed(self) -> None:
        if self._dtls.state == "closed":
            self._closed()
