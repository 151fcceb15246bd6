"""The legs of browsers: made, looked after, and their tasks owned."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from aioice.ice import get_host_addresses

from chalicelib.protocol.ice import IceSettings
from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio.coders import coder_of
from mediaworker.audio.opus import OpusLibrary
from mediaworker.runtime import clock as world
from mediaworker.runtime.legs import Holder, Leg
from mediaworker.webrtc.gate import Gate
from mediaworker.webrtc.gathering import Servers
from mediaworker.webrtc.leg import BrowserLeg
from mediaworker.webrtc.share import Share, WebRtcRules
from mediaworker.webrtc.stack import Certificate

LOOK_SECONDS = 0.25
"""How often each leg is looked after."""
G711_AND_G722 = (Codec.G722, Codec.PCMU, Codec.PCMA)
LOOPBACK = "127.0.0.1"
MOST_ADDRESSES = 8
ADDRESSES_SECONDS = 10.0
"""How long the machine's addresses are believed to be the same."""


class Browsers:
    """Those of one worker; `make` is the maker of a leg, once `run` runs."""

    def __init__(
        self,
        rules: WebRtcRules,
        ice: IceSettings,
        worker_id: str,
        opus: OpusLibrary | None,
        public_address: Callable[[], str | None] | None = None,
    ) -> None:
        """Without its library there is no Opus. ``public_address`` tells one that may
        change, instead of the rules'."""
        self._ice = ice
        self._name = worker_id
        self._tasks: asyncio.TaskGroup | None = None
        self._legs: set[BrowserLeg] = set()
        self._addresses: dict[bool, tuple[float, list[str]]] = {}
        self._share = Share(
            rules,
            Certificate.generateCertificate(),
            Gate(world.monotonic),
            self._servers,
            self._host_addresses,
            G711_AND_G722 if opus is None else (Codec.OPUS, *G711_AND_G722),
            lambda terms: coder_of(terms.codec, opus, bitrate=terms.max_bitrate),
            world.monotonic,
            world.epoch_ms,
            public_address or (lambda: rules.public_address),
            self._spawn,
        )

    def make(self, holder: Holder) -> Leg:
        leg = BrowserLeg(holder, self._share, self._legs.discard)
        self._legs.add(leg)
        return leg

    async def run(self) -> None:
        """Until cancelled; all calls end with it."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await self._look()
            finally:
                self._tasks = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._keep(world.monotonic())

    def _keep(self, now: float) -> None:
        for leg in list(self._legs):
            leg.keep(now)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._tasks is None:
            raise RuntimeError("the worker is not there for it")
        return self._tasks.create_task(work)

    def _servers(self) -> Servers:
        return Servers.of(self._ice, self._name, world.epoch_ms() // 1_000)

    def _host_addresses(self, with_ipv6: bool) -> list[str]:
        """Without any that others may reach: loopback."""
        now = world.monotonic()
        seen_at, found = self._addresses.get(with_ipv6, (now, []))
        if not found or now - seen_at > ADDRESSES_SECONDS:
            found = get_host_addresses(use_ipv4=True, use_ipv6=with_ipv6)
            found = found[:MOST_ADDRESSES] or [LOOPBACK]
            self._addresses[with_ipv6] = (now, found)
        return found
