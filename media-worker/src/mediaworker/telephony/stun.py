"""How a STUN server sees us (RFC 8489), for whom a NAT gives another address."""

import asyncio
import re
import socket
from ipaddress import ip_address
from typing import cast

from aioice import stun

from chalicelib.protocol.ice import DEFAULT_STUN_URL, IceSettings

ANSWER_SECONDS = 3.0
"""How long it may take in all: its name, the requests, the answer."""
FIRST_WAIT_SECONDS = 0.5
"""Until the request is sent again; doubled each time (section 6.2.1)."""
PORT = 3478
URL = re.compile(r"stun:(?P<host>\[[^\]]+\]|[^:?]+)(:(?P<port>\d{1,5}))?")
MAPPED = "XOR-MAPPED-ADDRESS"

Address = tuple[str, int]


def stun_server(ice: IceSettings) -> Address:
    """The first that was set, else the usual one."""
    urls = [url for server in ice.servers for url in server.urls]
    found = next(filter(None, map(URL.fullmatch, [*urls, DEFAULT_STUN_URL])))
    return found["host"].strip("[]"), int(found["port"] or PORT)


class Binding:
    """One request, and what answers it. Does nothing of the world's."""

    def __init__(self) -> None:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        self.request = bytes(message)
        self._id = message.transaction_id

    def read(self, data: bytes) -> str | None:
        """The address in an answer; None for whatever is none. Raises nothing."""
        try:
            message = stun.parse_message(data)
            found = ip_address(message.attributes[MAPPED][0])
        except Exception:
            # It may be anything, and of the parser only ValueError is promised.
            return None
        is_ours = message.transaction_id == self._id
        is_answer = message.message_class is stun.Class.RESPONSE
        is_place = not found.is_unspecified and not found.is_multicast
        return str(found) if is_ours and is_answer and is_place else None


async def ask(server: Address, host: str) -> str:
    """The address of what is bound to the host, as the server sees it.

    Raises `OSError` where it does not tell within `ANSWER_SECONDS`.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _ask(server, host)
    except TimeoutError:
        raise OSError("it has not answered") from None
    except UnicodeError:
        raise OSError("it has no name that can be resolved") from None


async def _ask(server: Address, host: str) -> str:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = await loop.getaddrinfo(*server, family=family, type=socket.SOCK_DGRAM)
    transport, asking = await loop.create_datagram_endpoint(
        _Asking, local_addr=(host, 0), remote_addr=cast(Address, found[0][4][:2])
    )
    seconds = FIRST_WAIT_SECONDS
    try:
        while True:
            transport.sendto(asking.binding.request)
            await asyncio.wait((asking.answer,), timeout=seconds)
            if asking.answer.done():
                return asking.answer.result()
            seconds *= 2
    finally:
        transport.close()


class _Asking(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.binding = Binding()
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        address = self.binding.read(data)
        if address is not None and not self.answer.done():
            self.answer.set_result(address)

    def error_received(self, error: Exception) -> None:
        """It is asked again."""
