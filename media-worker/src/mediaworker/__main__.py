"""``python -m mediaworker``: one worker, until a signal ends it."""

import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediaworker.server import Build
    from mediaworker.settings import Settings

WITH_PARENT = "--with-parent"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Sums of a tick are small: to share them out costs more than to make them."""

DESCRIPTORS_PER_SESSION = 8
"""A browser's leg has a socket at each address of the machine, and relays."""

logger = logging.getLogger(__name__)


def main(arguments: list[str], build: "Build | None" = None) -> int:
    """The process's exit status; ``build`` is `composition`'s unless given."""
    if set(arguments) - {WITH_PARENT}:
        sys.stderr.write(f"python -m mediaworker [{WITH_PARENT}]\n")
        return 2
    # Before numpy is imported, which looks at them then.
    os.environ.update(ONE_THREAD)
    from mediaworker.control.ecs import NoTask, located
    from mediaworker.settings import BadSetting, Settings

    try:
        settings = Settings.parse(located(os.environ))
        if build is None:
            from mediaworker.webrtc.without_pyav import stand_in

            stand_in()
            from mediaworker.composition import build as build_in_earnest

            build = build_in_earnest
        return _run(settings, build, with_parent=WITH_PARENT in arguments)
    except NoTask as reason:
        sys.stderr.write(f"PARLEY_ADVERTISED_ADDRESS: {reason}.\n")
        return 1
    except BadSetting as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _run(settings: "Settings", build: "Build", *, with_parent: bool) -> int:
    import uvloop

    from mediaworker.descriptors import reserve
    from mediaworker.gateway.port import PortUnavailable
    from mediaworker.logs import log_to
    from mediaworker.server import serve
    from mediaworker.settings import BadSetting
    from mediaworker.worker import new_worker_id

    reserve(DESCRIPTORS_PER_SESSION * settings.capacity)
    worker_id = settings.worker_id or new_worker_id()
    lines = log_to(sys.stderr, settings.log_level, worker_id)
    serving = serve(
        settings, worker_id, build, lambda: lines.dropped, with_parent=with_parent
    )
    try:
        return uvloop.run(serving)
    except PortUnavailable as reason:
        raise BadSetting(str(reason)) from None
    except BadSetting:
        raise
    except Exception:
        logger.exception("worker failed")
        return 1
    finally:
        lines.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
