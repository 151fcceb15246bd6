"""``python -m mediaworker.edge``: one SIP edge, until a signal ends it."""

import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediaworker.edge.settings import EdgeSettings

DESCRIPTORS = 4_096

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """The process's exit status."""
    if arguments:
        sys.stderr.write("python -m mediaworker.edge\n")
        return 2
    from mediaworker.edge.settings import EdgeSettings
    from mediaworker.settings import BadSetting

    try:
        return _run(EdgeSettings.parse(os.environ))
    except BadSetting as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _run(settings: "EdgeSettings") -> int:
    import uvloop

    from mediaworker.descriptors import reserve
    from mediaworker.edge.server import serve
    from mediaworker.gateway.port import PortUnavailable
    from mediaworker.logs import log_to
    from mediaworker.settings import BadSetting
    from mediaworker.worker import new_worker_id

    reserve(DESCRIPTORS)
    edge_id = f"edge{new_worker_id()}"
    lines = log_to(sys.stderr, settings.log_level, edge_id)
    try:
        return uvloop.run(serve(settings, edge_id))
    except PortUnavailable as reason:
        raise BadSetting(str(reason)) from None
    except BadSetting:
        raise
    except Exception:
        logger.exception("edge failed")
        return 1
    finally:
        lines.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
