"""``python -m mediaworker``: one worker, until a signal ends it."""

import asyncio
import os
import sys

from mediaworker.logs import log_to
from mediaworker.server import serve
from mediaworker.settings import BadSetting, Settings
from mediaworker.worker import Worker, new_worker_id

WITH_PARENT = "--with-parent"


def main(arguments: list[str]) -> int:
    """The process's exit status."""
    unknown = set(arguments) - {WITH_PARENT}
    if unknown:
        sys.stderr.write(f"python -m mediaworker [{WITH_PARENT}]\n")
        return 2
    try:
        settings = Settings.parse(os.environ)
        worker_id = settings.worker_id or new_worker_id()
        log_to(sys.stderr, settings.log_level, worker_id)
        with_parent = WITH_PARENT in arguments
        asyncio.run(_run(worker_id, settings, with_parent=with_parent))
    except BadSetting as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    except OSError as error:
        sys.stderr.write(
            f"The worker cannot listen on port {settings.port}: {error.strerror}.\n"
        )
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(worker_id: str, settings: Settings, *, with_parent: bool) -> None:
    await serve(Worker(worker_id), settings, with_parent=with_parent)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
