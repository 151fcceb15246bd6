"""``python -m tests.worker.gateway.process``: the worker's process around sessions
that do nothing, for its signals and its end."""

import asyncio
import os
import sys
from collections.abc import Mapping

from chalicelib.protocol.lease import EndSession
from chalicelib.protocol.session.commands import Tts
from mediaworker.__main__ import main
from mediaworker.control import fleet
from mediaworker.runtime.ports import Draining
from mediaworker.server import Engine, Surroundings
from mediaworker.speech.replies import Prepared
from tests.worker.gateway.fakes import FakeSessions

POLL_SECONDS = 0.01
HEARTBEAT = "TESTS_HEARTBEAT_SECONDS"


class FakeRuntime:
    """Keeps to `mediaworker.server.Runtime`."""

    is_ready = True

    def __init__(self, surroundings: Surroundings) -> None:
        self.sessions = FakeSessions()
        self._may_take = surroundings.may_take

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def prepare(self, tenant: str, command: Tts) -> Prepared:
        return Prepared(1, "a-key", 640, False)

    async def drain(self, seconds: float) -> None:
        self.sessions.refusal = Draining("the worker takes no more sessions")
        try:
            async with asyncio.timeout(seconds):
                while self.sessions.handles:  # noqa: ASYNC110 - fakes tell nobody
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            for session_id in list(self.sessions.handles):
                self.sessions.end(EndSession(session_id, "bySystem", "system", "c"))

    def readings(self) -> Mapping[str, float]:
        return {"sessions": len(self.sessions.handles)}


def build(surroundings: Surroundings) -> Engine:
    return Engine(FakeRuntime(surroundings))


if __name__ == "__main__":
    if HEARTBEAT in os.environ:
        setattr(fleet, "HEARTBEAT_SECONDS", float(os.environ[HEARTBEAT]))  # noqa: B010
    sys.exit(main(sys.argv[1:], build))
