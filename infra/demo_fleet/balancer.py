"""What a load balancer does for direct sockets: one healthy worker after the other."""

import asyncio
from collections.abc import Sequence

import aiohttp

LOOK_SECONDS = 0.25
TIMEOUT_SECONDS = 1.0


class Balancer:
    """Looks at ``/health`` of each port, and names those that are well in turn."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._healthy: list[int] = list(ports)
        self._next = 0

    @property
    def healthy(self) -> tuple[int, ...]:
        return tuple(self._healthy)

    def port(self) -> int | None:
        """Of the worker to be asked next; None while none is well."""
        if not self._healthy:
            return None
        self._next += 1
        return self._healthy[self._next % len(self._healthy)]

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            while True:
                looks = (_is_well(client, port) for port in self._ports)
                are_well = await asyncio.gather(*looks)
                pairs = zip(self._ports, are_well, strict=True)
                self._healthy = [port for port, is_well in pairs if is_well]
                await asyncio.sleep(LOOK_SECONDS)


async def _is_well(client: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with client.get(f"http://127.0.0.1:{port}/health") as answer:
            return bool((await answer.json())["status"] == "ok")
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
        return False
