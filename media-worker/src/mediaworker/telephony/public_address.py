"""The address by which the world reaches the worker, where a 1:1 NAT gives it one."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 300.0
"""A NAT may have changed its mind."""
SOONER_SECONDS = 30.0
"""As long as none is known."""

Ask = Callable[[], Coroutine[Any, Any, str]]


class PublicAddress:
    """Set by who runs the worker, or learnt, and learnt again from time to time."""

    def __init__(self, known: str | None, ask: Ask | None = None) -> None:
        """``ask`` raises `OSError`, and takes a few seconds at most."""
        self._known = known
        self._ask = ask
        self._has_asked = False
        self._listeners: list[Callable[[str], None]] = []

    @property
    def known(self) -> str | None:
        """None where there is none, or none yet."""
        return self._known

    @property
    def is_settled(self) -> bool:
        """Nothing is to be gained by waiting for it."""
        return self._ask is None or self._has_asked

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """It is told of what is learnt, and of each change."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Until cancelled; returns at once where there is nothing to be learnt."""
        while self._ask is not None:
            await self._learn(self._ask)
            self._has_asked = True
            is_known = self._known is not None
            await asyncio.sleep(AGAIN_SECONDS if is_known else SOONER_SECONDS)

    async def _learn(self, ask: Ask) -> None:
        try:
            address = await ask()
        except OSError as error:
            why = {"why": str(error) or type(error).__name__}
            logger.warning("public address not learnt from STUN", extra=why)
            return
        if address != self._known:
            self._known = address
            logger.info("public address learnt", extra={"address": address})
            for listener in self._listeners:
                listener(address)
