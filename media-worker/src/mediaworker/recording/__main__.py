"""``python -m mediaworker.recording FD MEMORY``: the recording process.

The media process starts it, with the numbers of its end of a socket and of the memory
that both share. It ends with its parent, after it has made whole what it was writing.
"""

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import aiohttp

from mediaworker.audio.opus import OpusLibrary, OpusMissing
from mediaworker.children import Link
from mediaworker.control.signing import Credentials
from mediaworker.control.task_role import TaskRole
from mediaworker.logs import log_to
from mediaworker.opus_path import opus_paths
from mediaworker.recording.desk import Desk, Unusable
from mediaworker.recording.formats import Opus, Track, Wav
from mediaworker.recording.messages import Ready
from mediaworker.recording.ring import Reader, memory_of
from mediaworker.recording.s3 import Bucket, BucketAddress, World
from mediaworker.recording.settings import BucketPlace, Place, RecordingSettings
from mediaworker.recording.shelves import Folder, Shelf, Spool
from mediaworker.recording.uploads import Uploads
from mediaworker.runtime.clock import epoch_ms

logger = logging.getLogger("mediaworker.recording")

NICENESS = 5
LAST_SECONDS = 2.5
"""For what is under way when the parent is done; the rest is for the next start."""
NEVER_EXPIRES = float("inf")


def main(arguments: list[str]) -> int:
    """The process's exit status."""
    if len(arguments) != 2 or not all(text.isdecimal() for text in arguments):
        sys.stderr.write("python -m mediaworker.recording is started by the worker\n")
        return 2
    # The parent decides when it is over, whoever signals to the group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _stand_back()
    level = os.environ.get("PARLEY_LOG_LEVEL", "INFO").upper()
    log_to(sys.stderr, level, os.environ.get("PARLEY_WORKER_ID", ""))
    descriptor, memory = map(int, arguments)
    ring = Reader(memory_of(memory))
    with socket.socket(fileno=descriptor) as parent:
        asyncio.run(_serve(parent, ring, RecordingSettings.parse(os.environ)))
    return 0


async def _serve(
    parent: socket.socket, ring: Reader, settings: RecordingSettings
) -> None:
    end = asyncio.Event()
    library = _library()
    async with (
        aiohttp.ClientSession(trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        place = Places(settings, client)
        details = settings.details
        link = Link(lambda request: desk.receive(request), end.set)
        desk = Desk(
            tasks,
            link.send,
            ring,
            place.shelf(settings.recordings),
            None if details is None else place.shelf(details),
            lambda *of: _track(library, *of),
        )
        await asyncio.get_running_loop().create_unix_connection(
            lambda: link, sock=parent
        )
        link.send(Ready(library is not None))
        place.take_over(desk)
        await end.wait()
        desk.end_all()
        await desk.idle(LAST_SECONDS)
        # What is not done by now is in the spool.
        os._exit(0)


class Places:
    """The shelves that the settings name."""

    def __init__(
        self, settings: RecordingSettings, client: aiohttp.ClientSession
    ) -> None:
        self._settings = settings
        self._world = World(client, _credentials_of(client), epoch_seconds)
        self._spools: list[Spool] = []

    def shelf(self, place: Place) -> Shelf:
        if not isinstance(place, BucketPlace):
            return Folder(place)
        settings = self._settings
        address = BucketAddress(place.name, settings.region, settings.endpoint)
        uploads = Uploads(Bucket(address, self._world), place.name, place.prefix)
        root = settings.spool / place.name / place.prefix.replace("/", "%2F")
        spool = Spool(root, lambda: secrets.token_hex(8), uploads)
        self._spools.append(spool)
        return spool

    def take_over(self, desk: Desk) -> None:
        """What processes that are dead have left."""
        for spool in self._spools:
            for draft in spool.left_behind():
                logger.info("upload again", extra={"bytes": draft.size})
                desk.carry(spool, draft)


def _credentials_of(
    client: aiohttp.ClientSession,
) -> Callable[[], Awaitable[Credentials | None]]:
    """Those of the environment, else of the task's role."""
    key_id = os.environ.get("AWS_ACCESS_KEY_ID")
    secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY")
    path = os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    if key_id and secret_key:
        token = os.environ.get("AWS_SESSION_TOKEN", "")
        given = Credentials(key_id, secret_key, token, NEVER_EXPIRES)
        return lambda: _given(given)
    if path:
        return TaskRole(client, path, epoch_ms).credentials
    return lambda: _given(None)


def epoch_seconds() -> float:
    return epoch_ms() / 1_000


async def _given(credentials: Credentials | None) -> Credentials | None:
    return credentials


def _library() -> OpusLibrary | None:
    try:
        return OpusLibrary(*opus_paths())
    except OpusMissing:
        logger.warning("libopus is not installed: recordings are WAV")
        return None


def _track(library: OpusLibrary | None, descriptor: int, path: str, rate: int) -> Track:
    """Raises OSError, `OpusError` or `Unusable`."""
    if path.lower().endswith(".wav"):
        return Wav(descriptor, rate)
    if library is None:
        raise Unusable("ogg is not supported here: use wav")
    return Opus(descriptor, rate, library, secrets.randbits(32))


def _stand_back() -> None:
    """Let the media process have the processor whenever it wants it."""
    os.nice(NICENESS)
    if sys.platform == "linux":
        # A batch task that wakes up does not interrupt one that runs.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
