"""What comes to a port of WebRTC before and after a browser is known: any datagram."""

import asyncio
from typing import Any, cast

from fuzz.rtp import datagrams
from mediaworker.webrtc.stack import Certificate, Socket, host_candidate
from mediaworker.webrtc.transport import Transport

PASSWORD = "p" * 22
STRANGERS = 4
LOOP = asyncio.new_event_loop()
CERTIFICATE = Certificate.generateCertificate()


class Wire:
    """A socket's transport that sends nowhere."""

    def __init__(self) -> None:
        self.sent = 0

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        self.sent += len(data)


class Listener:
    """Who takes what was opened; nothing of a stranger's ever is."""

    def rtp_received(self, packet: bytes) -> None:
        raise AssertionError("a packet without keys was opened")

    rtcp_received = rtp_received


def one_input(data: bytes) -> None:
    """Datagrams, each behind two bytes with its length, of several strangers."""
    LOOP.run_until_complete(_receive(datagrams(data)))


async def _receive(received: list[bytes]) -> None:
    transport, wire = Transport(CERTIFICATE, Listener()), Wire()
    path = transport.path
    path._local_password = PASSWORD
    path.remote_username, path.remote_password = "them", PASSWORD
    socket = Socket(path)
    socket.transport = cast(Any, wire)
    socket.local_candidate = host_candidate("127.0.0.1", 9)
    for number, datagram in enumerate(received):
        socket.datagram_received(datagram, ("127.0.0.1", 1_000 + number % STRANGERS))
    # What is answered is never more than what was asked (no reflection).
    assert wire.sent <= 4 * sum(map(len, received)) + 1
