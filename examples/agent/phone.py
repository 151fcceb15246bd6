"""Takes the calls of phones: one application waits, and others talk meanwhile."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlencode

import aiohttp

from examples.agent.agent import Agent, Event
from examples.agent.talk import FORBIDDEN, UNAUTHORIZED, NoCall, connected, converse

FIRST_PAUSE_SECONDS = 0.25
SLOWEST_PAUSE_SECONDS = 2.0
STEADY_SECONDS = 10.0
"""A socket that was there so long had no trouble with the pause before it."""


class Teller(Protocol):
    """Whoever wants to know how it goes."""

    def waits(self) -> None:
        """The next call would be taken; told once, and again after a complaint."""

    def hears(self, number: int, event: Event) -> None:
        """What the session of a call tells; calls are numbered from 1."""

    def complains(self, sentence: str) -> None:
        """Calls cannot be taken now; once, until they can or the reason is another."""


class Phone:
    """Waits for calls to one user, and lets an agent of its own talk in each."""

    def __init__(
        self,
        url: str,
        token: str,
        listen: str,
        calls: int,
        new_agent: Callable[[], Agent],
        teller: Teller,
    ) -> None:
        """``url`` is a worker's ``/call/sip``; at most ``calls`` at a time."""
        self._address = f"{url}?{urlencode({'listen': listen, 'token': token})}"
        self._free = asyncio.Semaphore(calls)
        self._new_agent = new_agent
        self._teller = teller
        self._numbers = itertools.count(1)
        self._complaint: str | None = ""
        """What was told last; None when calls are waited for."""

    async def serve(self) -> None:
        """Until cancelled.

        Raises `NoCall` when the token is refused, after the last talk.
        """
        async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as tasks:
            refusal = await self._take_calls(client, tasks)
        raise refusal

    async def _take_calls(
        self, client: aiohttp.ClientSession, tasks: asyncio.TaskGroup
    ) -> NoCall:
        """Until the token is refused."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_SECONDS
        while True:
            await self._free.acquire()
            began = loop.time()
            try:
                has_come = await self._wait(client, tasks)
            except NoCall as refusal:
                self._free.release()
                if refusal.status in (UNAUTHORIZED, FORBIDDEN):
                    return refusal
                self._complain(str(refusal))
                has_come = False
            if has_come or loop.time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            if not has_come:
                await asyncio.sleep(pause)
                pause = min(pause * 2, SLOWEST_PAUSE_SECONDS)

    async def _wait(
        self, client: aiohttp.ClientSession, tasks: asyncio.TaskGroup
    ) -> bool:
        """For one call; False when the socket was closed first. Raises `NoCall`."""
        socket = await connected(client, self._address)
        if self._complaint is not None:
            self._complaint = None
            self._teller.waits()
        line = _Line(self._teller, self._numbers)
        tasks.create_task(self._talk(socket, line))
        await line.changed.wait()
        return line.number is not None

    async def _talk(
        self, socket: aiohttp.ClientWebSocketResponse, line: "_Line"
    ) -> None:
        try:
            async with socket:
                await converse(socket, self._new_agent(), line.hear, _ignore)
        except aiohttp.ClientError:
            pass
        finally:
            self._free.release()
            line.changed.set()

    def _complain(self, sentence: str) -> None:
        if sentence != self._complaint:
            self._complaint = sentence
            self._teller.complains(sentence)


class _Line:
    """What one socket has brought."""

    def __init__(self, teller: Teller, numbers: "itertools.count[int]") -> None:
        self._teller = teller
        self._numbers = numbers
        self.number: int | None = None
        """Of its call, once one has come."""
        self.changed = asyncio.Event()
        """A call has come, or the socket is closed."""

    def hear(self, event: Event) -> None:
        if event["event"] == "incoming" and self.number is None:
            self.number = next(self._numbers)
            self.changed.set()
        if self.number is not None:
            self._teller.hears(self.number, event)


def _ignore(audio: bytes) -> None:
    """The phone has it, and not the application."""
