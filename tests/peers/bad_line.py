"""A line between a phone and the worker: SIP and audio both go through a relay.

The audio's addresses in descriptions are replaced by the relay's, both ways.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.peers.lossy_udp import (
    Address,
    LossyUdp,
    Weather,
    lossy_udp,
    with_rtp_at,
)

FAIR = Weather()
AUDIO = re.compile(rb"(?m)^m=audio (\d+) ")
HOST = re.compile(rb"(?m)^c=IN IP4 ([^\s/]+)")


@dataclass(frozen=True, slots=True)
class BadLine:
    """One that runs; one call at a time has its audio."""

    sip: LossyUdp
    rtp: LossyUdp

    @property
    def target(self) -> str:
        """Whom to call."""
        host, port = self.sip.address
        return f"{host}:{port}"


@asynccontextmanager
async def bad_line(
    target: Address, sip: Weather = FAIR, rtp: Weather = FAIR
) -> AsyncIterator[BadLine]:
    """Within the block, to a worker's SIP port."""
    async with lossy_udp(None, rtp) as audio:

        def go(message: bytes) -> bytes:
            if (place := audio_of(message)) is not None:
                audio.expect(place)
            return moved(message, audio.rear)

        def come(message: bytes) -> bytes:
            if (place := audio_of(message)) is not None:
                audio.aim(place)
            return moved(message, audio.address)

        async with lossy_udp(target, sip, changes=(go, come)) as signalling:
            yield BadLine(signalling, audio)


def audio_of(message: bytes) -> Address | None:
    """Where its description wants audio, if it has one."""
    port, host = AUDIO.search(message), HOST.search(message)
    if port is None or host is None:
        return None
    return host[1].decode(), int(port[1])


def moved(message: bytes, place: Address) -> bytes:
    """The same, with audio at another place; as long as before, for its length is
    written in it."""
    changed = with_rtp_at(message.decode("latin-1"), place).encode("latin-1")
    assert len(changed) == len(message), "ports have five digits here"
    return changed
