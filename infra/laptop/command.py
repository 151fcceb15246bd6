"""The laptop stack as a command: its banner, its signals, its exit status."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from infra import wiring
from infra.laptop.environment import laptop_environment
from infra.laptop.logs import log_to
from infra.laptop.ports import PortUnavailable
from infra.laptop.settings import BadSetting, Settings
from infra.laptop.stack import Stack
from infra.laptop.state import StateUnavailable

logger = logging.getLogger(__name__)

BANNER = """
  Parley is ready.

    API      http://{host}:{http}        try  curl http://{host}:{http}/health
    Console  http://{host}:{http}/
    Calls    http://{host}:{http}/calls.html   call from one window to another
    Voice    http://{host}:{http}/voice.html   talk with the example agent
    Phone    {phone}
    Worker   {workers}
    State    {state}

    A token            make token UID=alice
    A call, by itself  make demo
    Stop               Ctrl-C
"""


SIP_PORT = "5060"


def main() -> int:
    """The process's exit status."""
    # What a function prints is its log: stdout is left to the banner.
    stdout, sys.stdout = sys.stdout, sys.stderr
    environment = laptop_environment(os.environ, wiring.ROOT)
    os.environ.clear()
    os.environ.update(environment)
    try:
        settings = Settings.parse(environment)
        log_to(sys.stderr, settings.log_level)
        asyncio.run(_run(environment, settings, stdout))
    except (BadSetting, PortUnavailable, StateUnavailable) as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    except Exception:
        logger.exception("the stack failed")
        return 1
    return 0


async def _run(
    environment: Mapping[str, str], settings: Settings, stdout: TextIO
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stop.set)

    def greet() -> None:
        stdout.write(_banner(settings, environment, stack.worker_ports))
        stdout.flush()

    stack = Stack(environment, settings)
    await stack.run(stop, greet)


def _banner(
    settings: Settings, environment: Mapping[str, str], workers: Sequence[int]
) -> str:
    urls = (f"http://{settings.probe_host}:{port}/health" for port in workers)
    return BANNER.format(
        phone=_phone(settings, environment.get("PARLEY_SIP_PORT", SIP_PORT)),
        host=settings.probe_host,
        http=settings.http_port,
        workers="\n             ".join(urls),
        state=_kept_in(settings),
    )


def _phone(settings: Settings, port: str) -> str:
    """Another port, where 5060 was not asked for and is taken, is told in the log."""
    if port == "0" or not settings.has_agent:
        return "nobody answers here"
    return f"sip:agent@{settings.probe_host}" + (f":{port}" if port != SIP_PORT else "")


def _kept_in(settings: Settings) -> str:
    if settings.state_folder is None:
        return "not kept"
    return f"{os.path.relpath(settings.state_folder)}, kept over restarts"


def leave(status: int) -> None:
    """End at once: a function that waits for a slow peer must not hold us back."""
    logging.shutdown()
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            pass
    os._exit(status)
