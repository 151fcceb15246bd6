"""Workers, in JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.dialects.v1 import wire
from chalicelib.protocol.lease import Drain
from chalicelib.services.roster import Enrolment

PREFIX = f"{wire.PREFIX}/workers"
MOST_SECONDS = 86_400
"""A day: no call is longer."""


def parse_seconds(body: Mapping[str, Any]) -> int | None:
    """``POST /v1/workers/{worker_id}/drain``: how long sessions are waited for; None
    for as long as they take. Raises `InvalidRequest`."""
    wire.known(body, "seconds")
    if body.get("seconds") is None:
        return None
    return wire.integer(body, "seconds", 0, MOST_SECONDS)


def render_worker(enrolment: Enrolment, now_ms: int) -> dict[str, Any]:
    """As it was when it was last heard of."""
    lease = enrolment.lease
    return {
        "worker_id": lease.worker_id,
        "address": lease.address,
        "sessions": lease.sessions,
        "capacity": lease.capacity,
        "is_draining": lease.is_draining,
        "release": lease.release,
        "lease_age_ms": max(0, now_ms - lease.renewed_at_ms),
        "is_alive": not enrolment.is_dead and not lease.is_expired(now_ms),
    }


def render_drain(enrolment: Enrolment, order: Drain, now_ms: int) -> dict[str, Any]:
    """The worker, as it is told."""
    told = {"is_draining": True, "deadline_at_ms": order.deadline_at_ms}
    return {**render_worker(enrolment, now_ms), **told}


def render_page(
    enrolments: Sequence[Enrolment], after: str, size: int, now_ms: int
) -> dict[str, Any]:
    """Those whose ids come after this one."""
    left = [one for one in enrolments if one.lease.worker_id > after]
    shown = left[:size]
    following = shown[-1].lease.worker_id if len(left) > size else ""
    return wire.page(
        "workers", [render_worker(one, now_ms) for one in shown], following
    )
