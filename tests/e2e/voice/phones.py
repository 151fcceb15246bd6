"""A worker with a SIP port, and applications that take its calls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from chalicelib.protocol.vocabulary import Role
from tests.e2e.test_laptop import free_ports
from tests.e2e.voice.caller import Caller, connected
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.worker.gateway.fakes import token

LOOPBACK = "127.0.0.1"

Take = Callable[[Caller], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PhoneWorker:
    worker: MediaWorker
    sip_port: int
    records: Path

    @property
    def target(self) -> str:
        return f"{LOOPBACK}:{self.sip_port}"

    def url(self, **query: str) -> str:
        """Of `/call/sip`."""
        given = urlencode({"token": token("agent", Role.SERVER), **query})
        return f"ws://{LOOPBACK}:{self.worker.port}/call/sip?{given}"


@contextmanager
def phone_worker(folder: Path, **variables: str) -> Iterator[PhoneWorker]:
    (port,) = free_ports(1)
    records = folder / "records"
    given = {"PARLEY_SIP_PORT": str(port), "PARLEY_CDR": str(records), **variables}
    with media_worker(folder, **given) as worker:
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

    async def serve() -> None:
        while True:
            async with listening(phones, user) as caller:
                while not caller.record.events("incoming"):
                    await asyncio.sleep(0.01)
                    assert not caller.is_closed
                served.append(caller)
                await take(caller)
                await caller.until_closed()

    serving = [asyncio.ensure_future(serve()) for _ in range(count)]
    try:
        while phones.worker.readings()["sip_listeners"] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        yield served
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        while phones.worker.readings()["sip_listeners"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def accept(caller: Caller) -> None:
    await caller.command("accept", option={})


def reason_of(caller: Caller) -> tuple[str, str]:
    """Why the call ended, and by whom."""
    (event,) = caller.record.events("hangup")
    return event["reason"], event["initiator"]
