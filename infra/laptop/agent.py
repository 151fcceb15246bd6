"""The example agent as a child process: it takes the calls of phones."""

import logging
import os
import signal
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import jwt

from infra.laptop.child import Child
from infra.token import ALGORITHM, Wanted, claims_of

logger = logging.getLogger(__name__)

USER = "agent"
ROLE = "server"
"""An application of the business."""
TENANT = "PARLEY_SIP_TENANT"
HOURS = 12.0
"""How long its token lives: it ends when that is refused, and gets another."""


class AgentProcess(Child):
    """What people say to it is theirs: only its complaints are told on."""

    _stdout = DEVNULL
    _stderr = PIPE

    def __init__(
        self,
        environment: Mapping[str, str],
        root: Path,
        host: str,
        port: int,
        now_seconds: Callable[[], float],
    ) -> None:
        """``host`` and ``port`` are the worker's."""
        url = f"ws://{host}:{port}/call/sip"
        arguments = ("-m", "examples.agent", "--phone", "--url", url, "--listen", USER)
        super().__init__("agent", arguments, root)
        self._jwt_secret = environment["PARLEY_JWT_SECRET"]
        self._tenant = environment.get(TENANT) or "default"
        self._now_seconds = now_seconds
        # It has the rights of its token, and the stack's secrets are not its own.
        self._environment = {
            "PATH": environment.get("PATH", os.defpath),
            "PYTHONPATH": str(root),
        }

    def _new_environment(self) -> Mapping[str, str]:
        claims = claims_of(
            Wanted(USER, ROLE, self._tenant, HOURS), int(self._now_seconds())
        )
        token = jwt.encode(claims, self._jwt_secret, ALGORITHM)
        return {**self._environment, "PARLEY_TOKEN": token}

    async def _attend(self, process: Process) -> int:
        assert process.stderr is not None
        async for line in _lines(process.stderr):
            logger.warning("agent complains", extra={"sentence": line})
        return await process.wait()

    def _conclude(self) -> signal.Signals:
        return signal.SIGTERM

    async def _has_died(self) -> None:
        """Nobody else needs to know."""


async def _lines(stream: StreamReader) -> AsyncIterator[str]:
    """Those that are not too long for anybody to read."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        if not line:
            return
        yield line.decode(errors="replace").rstrip()
