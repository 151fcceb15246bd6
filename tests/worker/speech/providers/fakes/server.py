"""A provider on loopback: what each has in common, and the ways in which one fails."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Self

from aiohttp import web

SECRET = "s3cr3t-of-the-app"
"""What an option's keys are filled with, and no sentence may hold."""


class Fault(Enum):
    """How a provider fails, in words of its own protocol where it has some."""

    REFUSE = auto()
    """Whatever the credentials are."""
    ERROR = auto()
    """It says so, as documented, once it has been sent something."""
    CUT = auto()
    """The connection breaks in the middle, without a goodbye."""
    SILENT = auto()
    """It takes everything, and says nothing more."""
    GARBAGE = auto()
    """What it says is not of the protocol."""
    SLOW = auto()
    """It waits for `go_on` in the middle."""


class FakeProvider(ABC):
    """Keeps to its documents, and notes what its client did that they forbid.

    A subclass adds its routes, and wraps each exchange in `counted`. It adds fields and
    messages that nobody documented to what it says.
    """

    def __init__(self, fault: Fault | None = None) -> None:
        self.fault = fault
        self.wrongs: list[str] = []
        """What the client did that is not allowed."""
        self.open = 0
        """Requests and sockets that go on now."""
        self.requests = 0
        self.audio = bytearray()
        """Heard by a recognizer."""
        self.texts: list[str] = []
        """That a synthesizer was to say."""
        self.go_on = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """What it serves."""

    def wrong(self, what: str) -> None:
        self.wrongs.append(what)

    def expect(self, is_right: bool, what: str) -> bool:
        """Notes what is wrong; whether nothing is."""
        if not is_right:
            self.wrong(what)
        return is_right

    @contextmanager
    def counted(self) -> Iterator[None]:
        self.open += 1
        self.requests += 1
        try:
            yield
        finally:
            self.open -= 1

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.go_on.set()
        assert self._runner is not None
        await self._runner.cleanup()


def cut(request: web.Request) -> None:
    """The connection is gone."""
    transport = request.transport
    if transport is not None:
        transport.abort()
