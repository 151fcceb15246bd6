"""Where the speech process may connect to: a name is resolved once, and believed."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from chalicelib.protocol.url_policy import ForbiddenUrl, Target, UrlPolicy
from mediaworker.speech.ports import Failure

ADDRESSES_TRIED = 3
RESOLVE_SECONDS = 5.0
FORBIDDEN, BAD_GATEWAY, TIMED_OUT = 403, 502, 504

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system orders them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Guard:
    """Every failure is a `Failure`, whose sentence names no address."""

    def __init__(
        self,
        policy: UrlPolicy,
        resolve: Resolve = resolve,
        seconds: float = RESOLVE_SECONDS,
    ) -> None:
        self.policy = policy
        self._resolve = resolve
        self._seconds = seconds

    def target(self, url: str) -> Target:
        """Where a web URL leads, before its name is resolved; raises `Failure`."""
        try:
            return self.policy.target(url)
        except ForbiddenUrl as forbidden:
            raise _refused(forbidden) from None

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """The first of a name's, all of which were checked; raises `Failure`."""
        found = await self.resolved(host, port)
        try:
            for address in found:
                self.policy.check(address)
        except ForbiddenUrl as forbidden:
            raise _refused(forbidden) from None
        return found

    async def resolved(self, host: str, port: int) -> Sequence[str]:
        """The same, unchecked, for a host that the operator named."""
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise Failure(
                "the host's name was not resolved in time", TIMED_OUT
            ) from None
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise Failure("the host's name cannot be resolved", BAD_GATEWAY)
        return found


def _refused(forbidden: ForbiddenUrl) -> Failure:
    return Failure(f"the URL is not allowed: {forbidden}", FORBIDDEN)
