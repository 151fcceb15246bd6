"""The audio of one phone's call: what is agreed upon, and the packets of it."""

import asyncio
from dataclasses import replace
from typing import Protocol

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp.negotiation import (
    Agreement,
    NotAcceptable,
    OurMedia,
    RemoteMedia,
    accept_answer,
    answer,
    offer,
)
from mediaworker.rtp.sdp import SessionDescription
from mediaworker.rtp.stream import MediaStream
from mediaworker.runtime.legs import LegStatistics
from mediaworker.runtime.wires import WIRES, Wire
from mediaworker.telephony.ear import Ear
from mediaworker.telephony.rtp_sockets import Address, Remote, RtpSockets, is_address
from mediaworker.telephony.share import Share
from mediaworker.telephony.statistics import plus, seen_by

NO_ADDRESSES = ("0.0.0.0", "::")


class Hearer(Protocol):
    """Who is told what comes."""

    def audio_came(self) -> None:
        """The first."""

    def key_came(self, digit: str) -> None: ...

    def fail(self, error: Exception) -> None: ...


class CallMedia:
    """From its sockets' opening to their end."""

    def __init__(self, share: Share, hearer: Hearer) -> None:
        """Raises `NoPorts`."""
        self.agreed: Agreement | None = None
        self.stream: MediaStream | None = None
        self.ear: Ear | None = None
        self.began_at = share.clock()
        """When media was agreed, or the hold ended."""
        self._share = share
        self._hearer: Hearer | None = hearer
        self._sockets = RtpSockets(share.ports.open(), self, share.ports.close)
        self._ours = OurMedia(
            share.codecs,
            session_id=share.draw(),
            version=0,
            address=share.place.media_host,
            port=self._sockets.port,
            cname=share.unique(),
        )
        self._offered_from: Agreement | None = None
        """What was agreed when our last description was made."""
        self._has_arrived = False
        self._is_closed = False
        self._before = LegStatistics()
        """Of streams that were replaced."""

    @property
    def wire(self) -> Wire:
        assert self.agreed is not None
        codec = self.agreed.terms.codec
        return WIRES[codec if codec in WIRES else Codec.PCM]

    @property
    def is_on_hold(self) -> bool:
        return self.agreed is not None and self.agreed.is_on_hold

    @property
    def is_open(self) -> bool:
        """The far end can hear."""
        is_agreed = self.agreed is not None and self.agreed.direction.has_send
        return is_agreed and not self._is_closed

    @property
    def statistics(self) -> LegStatistics:
        if self.stream is None:
            return self._before
        return plus(self._before, seen_by(self.stream))

    # Offers and answers

    def answer(self, offered: SessionDescription) -> str:
        """Ours to one of theirs; raises `NotAcceptable`."""
        terms = None if self.agreed is None else self.agreed.terms
        ours = self._next()
        agreement = answer(offered, ours, terms)
        self._apply(agreement)
        return agreement.text

    def offer(self) -> str:
        return offer(self._next(), self.agreed)

    def accept(self, answered: SessionDescription) -> None:
        """Theirs to what was offered last; raises `NotAcceptable`."""
        agreement = accept_answer(self._ours, answered, self._offered_from)
        if self.agreed is not None and agreement.terms.codec != self.agreed.terms.codec:
            raise NotAcceptable("the codec cannot change within a call")
        self._apply(agreement)

    # Packets

    def send_audio(self, frame: bytes, slot: int) -> bool:
        stream = self.stream
        if stream is None or self._is_closed:
            return False
        if not self.is_open:
            return True
        is_sent = True
        for packet in stream.send_audio(frame, slot):
            is_sent = self._sockets.send_rtp(packet) and is_sent
        return is_sent

    def send_silence(self, slot: int) -> None:
        if self.stream is not None and self.is_open:
            for packet in self.stream.send_silence(slot):
                self._sockets.send_rtp(packet)

    def keep(self, now: float) -> None:
        """Report, when it is time."""
        if self.stream is not None and not self._is_closed:
            report = self.stream.rtcp_due(now, self._seconds())
            if report is not None:
                self._sockets.send_rtcp(report)

    def silent_seconds(self, now: float) -> float:
        """How long nothing has come that should have."""
        if self.stream is None or self.agreed is None:
            return 0.0
        if self.is_on_hold or not self.agreed.direction.has_receive:
            self.began_at = now
            return 0.0
        return now - max(self.began_at, self.stream.last_received_at)

    def close(self) -> None:
        """Take leave; nothing is sent or heard any more, and `statistics` stay."""
        if self._is_closed:
            return
        if self.stream is not None:
            self._sockets.send_rtcp(
                self.stream.bye(self._share.clock(), self._seconds())
            )
        self._is_closed = True
        self._hearer = None
        self._sockets.close()

    def release(self) -> None:
        """Give the coder's memory back; nobody may be at the stream."""
        if self.stream is not None:
            self._before = self.statistics
            self.stream.close()
            self.stream = None

    # What the sockets bring

    def rtp_received(self, packet: bytes, at: float | None) -> None:
        """Within the tick, where nothing may be told: that is for a moment later."""
        stream, hearer = self.stream, self._hearer
        if stream is None or hearer is None:
            return
        soon = asyncio.get_running_loop().call_soon
        try:
            stream.receive_rtp(packet, self._came_at(at))
            if stream.has_arrived and not self._has_arrived:
                self._has_arrived = True
                soon(hearer.audio_came)
            for digit in stream.take_keys():
                soon(hearer.key_came, digit)
        except Exception as error:
            soon(hearer.fail, error)

    def _came_at(self, at: float | None) -> float:
        """By the loop's clock; never later than now."""
        now = self._share.clock()
        if at is None:
            return now
        return now - min(1.0, max(0.0, self._share.epoch_seconds() - at))

    def rtcp_received(self, packet: bytes) -> None:
        stream, hearer = self.stream, self._hearer
        if stream is None or hearer is None:
            return
        try:
            stream.receive_rtcp(packet, self._share.clock(), self._seconds())
        except Exception as error:
            hearer.fail(error)

    # Within

    def _next(self) -> OurMedia:
        self._ours = replace(self._ours, version=self._ours.version + 1)
        self._offered_from = self.agreed
        return self._ours

    def _apply(self, agreement: Agreement) -> None:
        former, self.agreed = self.agreed, agreement
        if self.stream is None or former is None:
            self.began_at = self._share.clock()
            self._begin(agreement)
        elif agreement.terms != former.terms:
            self._before = self.statistics
            self.stream.close()
            self._begin(agreement)
        self._aim(agreement.remote)

    def _begin(self, agreement: Agreement) -> None:
        share = self._share
        self._sockets.forget()
        self.stream = MediaStream(
            agreement.terms,
            share.coder_of(agreement.terms),
            ssrc=share.draw(),
            first_sequence=share.draw() & 0x7FFF,
            first_timestamp=share.draw(),
            cname=self._ours.cname,
            now=share.clock(),
            rtcp_phase=share.draw() / (1 << 32),
        )
        if self.ear is None:
            self.ear = Ear(self.stream, self._sockets.read)
        else:
            self.ear.follow(self.stream)

    def _aim(self, remote: RemoteMedia) -> None:
        """A hold without an address leaves things where they were."""
        if remote.address in NO_ADDRESSES:
            return
        if is_address(remote.address):
            self._aim_at(remote, remote.address)
            return
        self._aim_at(remote, None)
        running = self._find(remote)
        try:
            self._share.spawn(running)
        except RuntimeError:
            running.close()

    async def _find(self, remote: RemoteMedia) -> None:
        """Where a name leads; whoever sends first is heard meanwhile."""
        try:
            address = await self._share.resolve(remote.address)
        except OSError:
            return
        is_wanted = self.agreed is not None and self.agreed.remote == remote
        if is_wanted and not self._is_closed and not self._sockets.has_latched:
            self._aim_at(remote, address)

    def _aim_at(self, remote: RemoteMedia, address: str | None) -> None:
        assert self.agreed is not None
        terms = self.agreed.terms
        rtcp = remote.rtcp_address if is_address(remote.rtcp_address) else address
        self._sockets.aim(
            Remote(
                _place(address, remote.port),
                _place(rtcp, remote.rtcp_port),
                remote.is_rtcp_mux,
                terms.receive_types | frozenset(terms.keys_receive),
            )
        )

    def _seconds(self) -> float:
        return self._share.epoch_seconds()


def _place(address: str | None, port: int) -> Address | None:
    return None if address is None or not port else (address, port)
