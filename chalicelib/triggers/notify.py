"""EventBridge -> whoever hears what was told of a call: devices, and others.

The rule rings once a commit. A hearer that fails stops no other; the invocation fails
at its end, and comes again.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.adapters.clock import SystemClock
from chalicelib.protocol.control import Doorbell
from chalicelib.services.devices.pushing import NotPushed
from chalicelib.services.measures import tell_pushed
from chalicelib.services.stories import Hearer, story_of

bootstrap.prepare("lines", "phones", "meters", "signing")

log = logging.getLogger(__name__)

PUSHES = "pushes"
HEARERS: Mapping[str, Callable[[], Hearer]] = {
    PUSHES: lambda: bootstrap.pushes(),
    "history": lambda: bootstrap.history(),
    "phones": lambda: bootstrap.ring_pushes(),
}
"""By their names in the log, in this order; each is built on first use."""


class NotHeard(Exception):
    """Some hearers have failed: the same is to be told again."""


def handler(event: dict[str, Any], context: object) -> None:
    """Target of the bus's rule: the detail is the doorbell of a commit."""
    logs.configure()
    doorbell = Doorbell.parse(event["detail"])
    story = story_of(bootstrap.outbox_reader(), doorbell)
    if not story:
        log.warning("nothing was told", extra={"call_id": doorbell.call_id})
        return
    failed = []
    for name, hearer in HEARERS.items():
        try:
            hearer().hear(story)
        except NotPushed:
            # As after every restart of a gateway: sockets that are gone, not known so.
            log.warning("not every device was reached", extra={"hearer": name})
            failed.append(name)
        except Exception:
            log.exception("a hearer failed", extra={"hearer": name})
            failed.append(name)
        else:
            if name == PUSHES:
                tell_pushed(bootstrap.meter(), story, SystemClock().now_ms())
    if failed:
        raise NotHeard(", ".join(failed))
