"""Carries what `Protection` wishes to the agent of ECS, beside the sessions."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

import aiohttp

from mediaworker.control.membership import Standing
from mediaworker.control.plane import NOT_ANSWERED, new_client
from mediaworker.control.protection import Protection, Wish

logger = logging.getLogger(__name__)

PATH = "/task-protection/v1/state"
LOOK_SECONDS = 0.25


class AgentFailed(Exception):
    """The protection does not stand as it was asked for."""


class TaskGuard:
    """Keeps scaling in from stopping a task that has sessions. No session waits for it,
    and one that cannot be had is tried again."""

    def __init__(self, agent_url: str, standing: Callable[[], Standing]) -> None:
        self._url = agent_url.rstrip("/") + PATH
        self._standing = standing

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        protection = Protection(used_at=loop.time())
        async with new_client() as client:
            while True:
                standing = self._standing()
                wish = protection.wish(
                    standing.sessions, standing.is_draining, loop.time()
                )
                if wish is not None:
                    await self._ask(client, protection, wish)
                await asyncio.sleep(LOOK_SECONDS)

    async def _ask(
        self, client: aiohttp.ClientSession, protection: Protection, wish: Wish
    ) -> None:
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        try:
            await self._put(client, wish)
        except AgentFailed as error:
            logger.warning("task not protected", extra={"reason": str(error)})
            protection.failed(loop.time(), random.random())
        else:
            logger.info("task protected" if wish.is_protected else "task released")
            protection.granted(wish, sent_at)

    async def _put(self, client: aiohttp.ClientSession, wish: Wish) -> None:
        try:
            async with client.put(
                self._url, json=wish.render(), allow_redirects=False
            ) as response:
                status = response.status
                answer = await response.json(content_type=None)
        except (*NOT_ANSWERED, ValueError) as error:
            raise AgentFailed(type(error).__name__) from None
        if status != 200 or not _stands(answer, wish):
            raise AgentFailed(f"answered {status}, {_reason(answer)}")


def _stands(answer: Any, wish: Wish) -> bool:
    found = answer.get("protection") if isinstance(answer, dict) else None
    return (
        isinstance(found, dict) and found.get("ProtectionEnabled") is wish.is_protected
    )


def _reason(answer: Any) -> str:
    """The agent's word for it: ``failure`` names why, ``error`` a code."""
    told = answer if isinstance(answer, dict) else {}
    for name, key in (("failure", "Reason"), ("error", "Code")):
        found = told.get(name)
        if isinstance(found, dict):
            return str(found.get(key, ""))[:100]
    return "no protection"
