"""The stack's workers, beside each other; the first has the documented ports."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from infra.laptop import ports
from infra.laptop.settings import Settings
from infra.laptop.worker import WorkerProcess

WORKER_PORT = "PARLEY_WORKER_PORT"
WORKER_ID = "PARLEY_WORKER_ID"
SIP_PORT = "PARLEY_SIP_PORT"
FIRST_SIP_PORT = 5_070
"""Of the second worker: those after 5060 may be the first one's, if that is taken."""
NO_SIP = "0"


class Fleet:
    """As many workers as the settings say, each kept alive by itself."""

    def __init__(
        self,
        environment: Mapping[str, str],
        root: Path,
        settings: Settings,
        tell_stopped: Callable[[str], Awaitable[None]],
    ) -> None:
        """``tell_stopped`` hears of each task, by its id, that ended by itself.

        Raises `PortUnavailable`.
        """
        self.ports = worker_ports(settings)
        sip_ports = _sip_ports(environment, settings)
        self._workers = [
            WorkerProcess(
                _environment(environment, number, port, sip_port),
                root,
                settings.probe_host,
                port,
                tell_stopped,
                name=f"worker {number}" if len(self.ports) > 1 else "worker",
            )
            for number, (port, sip_port) in enumerate(
                zip(self.ports, sip_ports, strict=True), 1
            )
        ]

    @property
    def is_listening(self) -> bool:
        """All of them."""
        return all(worker.listening.is_set() for worker in self._workers)

    async def wait(self) -> None:
        """Until each has listened."""
        for worker in self._workers:
            await worker.listening.wait()

    async def run(self) -> None:
        """Until cancelled; then no process is left."""
        async with asyncio.TaskGroup() as tasks:
            for worker in self._workers:
                tasks.create_task(worker.run())


def worker_ports(settings: Settings) -> tuple[int, ...]:
    """The one that was asked for, and free ones after it."""
    first = settings.worker_port
    others = ports.free_after(
        settings.host, first, settings.workers - 1, taken=(settings.http_port,)
    )
    return (first, *others)


def _sip_ports(
    environment: Mapping[str, str], settings: Settings
) -> Sequence[str | None]:
    """None: the worker's own choice."""
    asked = environment.get(SIP_PORT, "").strip()
    if asked == NO_SIP:
        return [NO_SIP] * settings.workers
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 6
    last = max(FIRST_SIP_PORT - 1, int(asked) if is_number else 0)
    others = ports.free_after(settings.host, last, settings.workers - 1)
    return [asked or None, *map(str, others)]


def _environment(
    environment: Mapping[str, str], number: int, port: int, sip_port: str | None
) -> dict[str, str]:
    own = {name: text for name, text in environment.items() if name != SIP_PORT}
    if sip_port is not None:
        own[SIP_PORT] = sip_port
    if number > 1:
        # A name is one worker's.
        own.pop(WORKER_ID, None)
    return {**own, WORKER_PORT: str(port)}
