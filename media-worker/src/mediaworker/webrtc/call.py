"""A browser's call from its offer to its end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from aioice import Candidate as IceCandidate

from mediaworker.rtp.sdp import SessionDescription
from mediaworker.rtp.sdp_attributes import Candidate, render_candidate
from mediaworker.rtp.stream import MediaStream
from mediaworker.runtime.clock import new_ssrc
from mediaworker.session.legs import (
    Answered,
    CandidateGathered,
    KeyPressed,
    LegEvent,
    MediaAgreed,
    MediaArrived,
)
from mediaworker.webrtc.agreement import Agreed, OurSide, agree
from mediaworker.webrtc.candidates import as_ice, as_sdp, with_public
from mediaworker.webrtc.gathering import Servers, gather
from mediaworker.webrtc.remote import RemoteCandidates
from mediaworker.webrtc.share import Share
from mediaworker.webrtc.transport import End, Transport

Errand = Callable[[], Coroutine[Any, Any, None]]


class Teller(Protocol):
    """The leg, until the call has ended."""

    def tell(self, event: LegEvent) -> None: ...

    def fail(self, error: Exception) -> None:
        """By a mistake of ours."""


class Call:
    """Its transport and its stream, and the tasks that these need."""

    def __init__(
        self,
        share: Share,
        teller: Teller,
        offered: SessionDescription,
        *,
        allows_ipv6: bool,
    ) -> None:
        self.agreed: Agreed | None = None
        self.stream: MediaStream | None = None
        self.is_connected = False
        self._share = share
        self._teller: Teller | None = teller
        self._offered = offered
        self._allows_ipv6 = allows_ipv6
        self._transport = Transport(share.certificate, self)
        self._errands: set[asyncio.Task[None]] = set()
        self._connected_at = 0.0
        self._has_arrived = False

    async def run(self, remote: RemoteCandidates) -> End:
        """How it ended; raises `Refused`, `Full` and `Unreachable`."""
        share = self._share
        try:
            async with share.gate.turn():
                agreed = await self._agree(remote)
                seconds = share.rules.connect_seconds
                await self._transport.connect(agreed.browser, seconds)
            self._connected_at = share.clock()
            self.is_connected = True
            return await self._transport.ended()
        finally:
            self.is_connected = False
            self._teller = None
            remote.close()
            for errand in self._errands:
                errand.cancel()
            await self._transport.close()

    def send_audio(self, frame: bytes, slot: int) -> bool:
        """False when it was dropped."""
        if not self.is_connected or self.stream is None:
            return False
        is_sent = True
        for packet in self.stream.send_audio(frame, slot):
            is_sent = self._transport.send_rtp(packet) and is_sent
        return is_sent

    def send_silence(self, slot: int) -> None:
        if self.is_connected and self.stream is not None:
            for packet in self.stream.send_silence(slot):
                self._transport.send_rtp(packet)

    def keep(self, now: float) -> None:
        """Report, and look whether the browser is still there."""
        if not self.is_connected or self.stream is None or self.agreed is None:
            return
        report = self.stream.rtcp_due(now, self._seconds())
        if report is not None:
            self._transport.send_rtcp(report)
        heard_at = max(self._connected_at, self.stream.last_received_at)
        timeout = self._share.rules.media_timeout_seconds
        if self.agreed.speaks and now - heard_at > timeout:
            self._transport.finish(End.SILENT)

    def hang_up(self) -> None:
        """Take leave; nothing is sent any more."""
        if self.is_connected and self.stream is not None:
            bye = self.stream.bye(self._share.clock(), self._seconds())
            self._transport.send_rtcp(bye)
        self.is_connected = False

    def close_stream(self) -> None:
        """Give the coder's memory back."""
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.close()

    # What the transport tells

    def rtp_received(self, packet: bytes) -> None:
        stream, teller = self.stream, self._teller
        if stream is None or teller is None:
            return
        try:
            stream.receive_rtp(packet, self._share.clock())
            if stream.has_arrived and not self._has_arrived:
                self._has_arrived = True
                teller.tell(MediaArrived())
            for digit in stream.take_keys():
                teller.tell(KeyPressed(digit))
        except Exception as error:
            teller.fail(error)

    def rtcp_received(self, packet: bytes) -> None:
        stream, teller = self.stream, self._teller
        if stream is None or teller is None:
            return
        try:
            stream.receive_rtcp(packet, self._share.clock(), self._seconds())
        except Exception as error:
            teller.fail(error)

    # Within

    async def _agree(self, remote: RemoteCandidates) -> Agreed:
        """Our sockets, and the answer that names them."""
        share, path = self._share, self._transport.path
        servers = share.servers()
        local = await path.open(share.addresses(self._allows_ipv6))
        side = OurSide(
            path.local_username,
            path.local_password,
            share.certificate.fingerprint,
            tuple(with_public(local, share.public_address())),
            has_all_candidates=not servers,
        )
        agreed = self.agreed = agree(self._offered, side, share.codecs)
        self.stream = self._stream_of(agreed)
        remote.open(
            agreed.candidates,
            agreed.mid,
            agreed.index,
            allows_ipv6=self._allows_ipv6,
            use=self._use,
        )
        self._tell(MediaAgreed(agreed.terms.codec, bool(agreed.terms.keys_receive)))
        self._tell(Answered(agreed.answer))
        self._start(lambda: self._gather(servers, agreed))
        return agreed

    def _stream_of(self, agreed: Agreed) -> MediaStream:
        share = self._share
        return MediaStream(
            agreed.terms,
            share.coder_of(agreed.terms),
            ssrc=agreed.ssrc,
            first_sequence=new_ssrc() & 0x7FFF,
            first_timestamp=new_ssrc(),
            cname=agreed.cname,
            now=share.clock(),
            rtcp_phase=new_ssrc() / (1 << 32),
        )

    async def _gather(self, servers: Servers, agreed: Agreed) -> None:
        def tell(text: str) -> None:
            self._tell(CandidateGathered(text, agreed.mid, agreed.index))

        def found(candidate: IceCandidate) -> None:
            tell(f"candidate:{render_candidate(as_sdp(candidate))}")

        await gather(self._transport.path, servers, found)
        tell("")

    def _use(self, candidate: Candidate) -> None:
        self._start(lambda: self._add(candidate))

    async def _add(self, candidate: Candidate) -> None:
        try:
            await self._transport.path.add_remote_candidate(as_ice(candidate))
        except OSError:
            # There is no multicast here; the browser may still come to us.
            return

    def _start(self, errand: Errand) -> None:
        running = self._run_errand(errand)
        try:
            task = self._share.spawn(running)
        except RuntimeError:
            running.close()
            return
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _run_errand(self, errand: Errand) -> None:
        try:
            await errand()
        except Exception as error:
            if self._teller is not None:
                self._teller.fail(error)

    def _tell(self, event: LegEvent) -> None:
        if self._teller is not None:
            self._teller.tell(event)

    def _seconds(self) -> float:
        return self._share.epoch_ms() / 1_000
