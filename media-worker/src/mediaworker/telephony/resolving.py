"""Names to addresses, off the loop."""

import asyncio
import socket
from collections.abc import Sequence

from mediaworker.telephony.rtp_sockets import is_address

TIMEOUT_SECONDS = 5.0


async def resolve_all(host: str, port: int) -> Sequence[str]:
    """As the system orders them; raises `OSError`."""
    if is_address(host):
        return (host,)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (TimeoutError, UnicodeError):
        raise OSError("the name was not resolved") from None
    return tuple(str(address[0]) for *_, address in found)


async def resolve(host: str, is_ipv6: bool) -> str:
    """The first of the family; raises `OSError`."""
    for address in await resolve_all(host, 0):
        if (":" in address) == is_ipv6:
            return address
    raise OSError("the name has no address of the family")


def own_address(host: str) -> str:
    """By which others reach what is bound to the host; loopback where none do."""
    if host not in ("", "0.0.0.0", "::"):
        return host
    is_ipv6 = host == "::"
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    # Nothing is sent by this: it asks for the way there.
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1" if is_ipv6 else "192.0.2.1", 9))
        except OSError:
            return "::1" if is_ipv6 else "127.0.0.1"
        return str(probe.getsockname()[0])
