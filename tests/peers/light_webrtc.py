"""A browser that costs next to nothing: our own ICE and DTLS, from the other side."""

import asyncio
from collections.abc import Callable

from aioice import Candidate

from mediaworker.webrtc.agreement import read
from mediaworker.webrtc.stack import Certificate
from mediaworker.webrtc.transport import Browser, End, Transport

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF {formats} 126
c=IN IP4 0.0.0.0
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:96 opus/48000/2
a=rtpmap:126 telephone-event/8000
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
{candidates}
""".replace("\n", "\r\n")


class LightBrowser:
    """One call's. Made within a running loop, and closed there."""

    def __init__(self, certificate: Certificate, formats: str = "0") -> None:
        self.received = 0
        self.hear: Callable[[bytes], None] = lambda packet: None
        self._certificate = certificate
        self._formats = formats
        self.transport = Transport(certificate, self)
        # Whoever offers controls, from the first check that comes on.
        self.transport.path.ice_controlling = True

    async def offer(self, address: str = "127.0.0.1") -> str:
        path = self.transport.path
        local = await path.open([address])
        return OFFER.format(
            formats=self._formats,
            ufrag=path.local_username,
            password=path.local_password,
            fingerprint=self._certificate.fingerprint,
            candidates="\r\n".join(f"a=candidate:{one.to_sdp()}" for one in local),
        )

    async def accept(self, answer: str, seconds: float = 10.0) -> None:
        """Until it is connected."""
        media = read(answer).media[0]
        said = {one.name: one.value or "" for one in media.attributes}
        for one in media.attributes:
            if one.name == "candidate" and one.value:
                candidate = Candidate.from_sdp(one.value)
                await self.transport.path.add_remote_candidate(candidate)
        algorithm, _, value = said["fingerprint"].partition(" ")
        worker = Browser(
            said["ice-ufrag"],
            said["ice-pwd"],
            ((algorithm, value),),
            # Of the two, it is we who choose the pair.
            is_lite=True,
            begins_dtls=True,
        )
        await self.transport.connect(worker, seconds)

    async def ended(self) -> End:
        async with asyncio.timeout(10):
            return await self.transport.ended()

    async def close(self) -> None:
        await self.transport.close()

    def rtp_received(self, packet: bytes) -> None:
        self.received += 1
        self.hear(packet)

    def rtcp_received(self, packet: bytes) -> None:
        """Nothing."""
