"""``python -m mediaworker.speech FD``: the speech process, until its parent ends.

The media process starts it, with the number of its end of a socket.
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from chalicelib.protocol.session.speech import DEFAULTS
from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.logs import log_to
from mediaworker.speech.cache import Disk, Memory
from mediaworker.speech.decoding.child import Children
from mediaworker.speech.decoding.files import Files
from mediaworker.speech.decoding.library import libsndfile
from mediaworker.speech.download import Downloader
from mediaworker.speech.fetching import Fetching
from mediaworker.speech.guard import Guard
from mediaworker.speech.hearing import Hearing
from mediaworker.speech.helper import Helper
from mediaworker.speech.judging import Judging
from mediaworker.speech.link import Link
from mediaworker.speech.moonshine import Moonshine
from mediaworker.speech.ports import Failure, NotInstalled
from mediaworker.speech.prompts import Prompts
from mediaworker.speech.providers.names import CREDENTIALS
from mediaworker.speech.providers.net import Pool
from mediaworker.speech.providers.registry import Registry
from mediaworker.speech.providers.remote_hearing import RemoteHearing
from mediaworker.speech.providers.remote_speaking import RemoteSpeaking
from mediaworker.speech.replies import Ready
from mediaworker.speech.settings import SpeechSettings
from mediaworker.speech.shelf import Shelf
from mediaworker.speech.speaking import Speaking, Threads
from mediaworker.speech.transcriber import Transcriber
from mediaworker.speech.turn_end import SmartTurn
from mediaworker.speech.voices import Voices, installed

logger = logging.getLogger("mediaworker.speech")

NICENESS = 5
PR_SET_PDEATHSIG = 1
STUCK_STATUS = 3


def main(arguments: list[str]) -> int:
    """The process's exit status."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        sys.stderr.write("python -m mediaworker.speech is started by the worker\n")
        return 2
    _die_with_parent()
    # The parent decides when it is over, whoever signals to the group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _stand_back()
    log_to(
        sys.stderr,
        os.environ.get("PARLEY_LOG_LEVEL", "INFO").upper(),
        os.environ.get("PARLEY_WORKER_ID", ""),
    )
    with socket.socket(fileno=int(arguments[0])) as parent:
        asyncio.run(_serve(parent, SpeechSettings.parse(os.environ)))
    return 0


async def _serve(parent: socket.socket, settings: SpeechSettings) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    voices = Voices(installed())
    transcriber = _transcriber(settings)
    judge = _judge(settings)
    _warm_up(voices, transcriber)
    threads = Threads(ThreadPoolExecutor(1), ThreadPoolExecutor(1))
    registry = _registry(settings)
    async with asyncio.TaskGroup() as tasks:
        link = Link(lambda request: helper.receive(request), end.set)
        remote = RemoteHearing(tasks, registry, link.tell, loop.time)
        thread = ThreadPoolExecutor(1)
        hearing = Hearing(transcriber, link.tell, loop.time, thread, remote)
        memory, disk = Memory(), Disk(settings.cache, settings.cache_bytes)
        speaking = Speaking(voices, memory, disk, threads, loop.time)
        shelf = Shelf(memory, disk, threads.disk)
        abroad = RemoteSpeaking(registry, shelf, link.tell)
        downloader = Downloader(UrlPolicy(settings.allows_loopback))
        files = Files(Children(libsndfile()))
        fetching = Fetching(downloader, files, Prompts(loop.time), loop.time)
        judging = Judging(judge, link.tell, loop.time, ThreadPoolExecutor(1))
        helper = Helper(
            tasks,
            link.tell,
            loop.time,
            speaking,
            fetching,
            hearing,
            abroad,
            judging,
        )
        await loop.create_unix_connection(lambda: link, sock=parent)
        hears, judges = transcriber is not None, judge is not None
        link.tell(Ready(voices.names, hears, judges))
        tasks.create_task(hearing.run())
        tasks.create_task(judging.run())
        tasks.create_task(helper.watch(_give_up))
        await end.wait()
        # What is still being done is for nobody; an engine cannot be stopped half-way.
        os._exit(0)


def _registry(settings: SpeechSettings) -> Registry:
    """The credentials are nobody else's: what this process starts has them not."""
    environment = dict(os.environ)
    for name in environment:
        if name.startswith(CREDENTIALS):
            del os.environ[name]
    pool = Pool(Guard(UrlPolicy(settings.allows_loopback)))
    return Registry(environment, pool)


def _transcriber(settings: SpeechSettings) -> Transcriber | None:
    try:
        return Transcriber(Moonshine(settings.moonshine))
    except NotInstalled as missing:
        logger.warning("hearing is not installed", extra={"lacks": str(missing)})
        return None


def _judge(settings: SpeechSettings) -> SmartTurn | None:
    """Warm."""
    try:
        judge = SmartTurn(settings.smart_turn)
    except NotInstalled as missing:
        logger.warning("turns are not judged", extra={"lacks": str(missing)})
        return None
    judge.judge(np.zeros(0, np.float32))
    return judge


def _warm_up(voices: Voices, transcriber: Transcriber | None) -> None:
    """The first of each takes longer; nobody shall wait for it."""
    with contextlib.suppress(Failure):
        voices.choose(DEFAULTS, "").speak("Hello.", 1.0, lambda samples: True)
    if transcriber is not None:
        transcriber.warm_up()


def _stand_back() -> None:
    """Let the media process have the processor whenever it wants it."""
    os.nice(NICENESS)
    if sys.platform == "linux":
        # A batch task that wakes up does not interrupt one that runs.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _die_with_parent() -> None:
    """Where Linux can: a parent that is killed closes its end too, but later."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _give_up() -> None:
    os._exit(STUCK_STATUS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
