"""A worker with a SIP port, and applications that take its calls."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chalicelib.protocol.vocabulary import Role
from tests.e2e.test_laptop import free_ports
from tests.e2e.voice.caller import Caller, connected
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.worker.gateway.fakes import token

LOOPBACK = "127.0.0.1"
RECORD_SECONDS = 10.0
END_SECONDS = 30.0
HEARING: dict[str, Any] = {"vad": {}, "asr": {}}

Take = Callable[[Caller], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PhoneWorker:
    worker: MediaWorker
    sip_port: int
    records: Path

    @property
    def target(self) -> str:
        return f"{LOOPBACK}:{self.sip_port}"

    @property
    def place(self) -> tuple[str, int]:
        return LOOPBACK, self.sip_port

    def records_of(self, session_id: str) -> list[dict[str, Any]]:
        """Detail records."""
        paths = self.records.rglob(f"*_{session_id}.json")
        return [json.loads(path.read_text()) for path in paths]

    async def record_of(self, session_id: str) -> dict[str, Any]:
        """That of a session's only call, when it is written."""
        async with asyncio.timeout(RECORD_SECONDS):
            while not (found := self.records_of(session_id)):  # noqa: ASYNC110 - file
                await asyncio.sleep(0.1)
        (record,) = found
        return record

    def url(self, **query: str) -> str:
        """Of `/call/sip`."""
        given = urlencode({"token": token("agent", Role.SERVER), **query})
        return f"ws://{LOOPBACK}:{self.worker.port}/call/sip?{given}"


def play(act: Callable[[], Coroutine[Any, Any, None]], seconds: float = 60) -> None:
    """Not longer than that."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await act()

    asyncio.run(bounded())


@contextmanager
def phone_worker(
    folder: Path, *, module: str = "mediaworker", **variables: str
) -> Iterator[PhoneWorker]:
    (port,) = free_ports(1)
    records = folder / "records"
    given = {"PARLEY_SIP_PORT": str(port), "PARLEY_CDR": str(records), **variables}
    with media_worker(folder, module=module, **given) as worker:
        yield PhoneWorker(worker, port, records)


@asynccontextmanager
async def listening(phones: PhoneWorker, user: str = "*") -> AsyncIterator[Caller]:
    """An application that waits for one call."""
    async with connected(phones.url(listen=user)) as caller:
        yield caller


@asynccontextmanager
async def agents(
    phones: PhoneWorker, take: Take, count: int, user: str = "*"
) -> AsyncIterator[list[Caller]]:
    """So many applications, each of which takes one call after the other."""
    served: list[Caller] = []
    over = asyncio.Event()

    async def serve() -> None:
        while not over.is_set():
            async with listening(phones, user) as caller:
                if await _called(caller, over):
                    served.append(caller)
                    await take(caller)
                    await caller.until_closed()

    serving = [asyncio.ensure_future(serve()) for _ in range(count)]
    try:
        while phones.worker.readings()["sip_listeners"] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        yield served
    finally:
        # Who is cut off while it connects is waited for by the worker.
        over.set()
        _, late = await asyncio.wait(serving, timeout=END_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*serving)


async def _called(caller: Caller, over: asyncio.Event) -> bool:
    """Whether a call came before it was over."""
    while not caller.record.events("incoming"):
        if over.is_set():
            return False
        await asyncio.sleep(0.02)
        assert not caller.is_closed
    return True


async def accept(caller: Caller) -> None:
    await caller.command("accept", option={})


async def answered(caller: Caller, option: dict[str, Any] | None = None) -> None:
    """Take the call that comes."""
    await caller.until(lambda record: record.events("incoming"))
    await caller.command("accept", option=option or {})
    await caller.until(lambda record: record.events("answer"))


def reason_of(caller: Caller) -> tuple[str, str]:
    """Why the call ended, and by whom."""
    (event,) = caller.record.events("hangup")
    return event["reason"], event["initiator"]
