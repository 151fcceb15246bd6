"""The three triggers of a wake: a ring's timer, the sweeper, the table's TTL."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamodb import rows
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.services import agenda
from chalicelib.services.facts import instant
from chalicelib.services.measures import tell_fleet

bootstrap.prepare("parts")

log = logging.getLogger(__name__)

RING = "ring"
"""The kind of the machine's states."""
SWEEP_THREADS = 4
SWEEP_ROUNDS = 20
"""How often a shard is asked for more in one sweep, while it has any."""


def wake(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Task of the ring machine; its answer is the machine's next state."""
    logs.configure()
    # Executions of the release before had no version.
    state = upcast(RING, {"v": 1, **event})
    tenant, call_id = state["tenant"], state["call_id"]
    ring = bootstrap.wakes().ring(tenant, call_id)
    following = {
        "tenant": tenant,
        "call_id": call_id,
        "wake_at": instant(ring.wake_at_ms),
        "is_over": ring.is_over,
    }
    return stamped(following, RING)


def sweep(event: dict[str, Any], context: object) -> None:
    """Target of the schedule: every worker and every shard, every minute."""
    logs.configure()
    try:
        roster = bootstrap.fleet().look()
        tell_fleet(bootstrap.meter(), roster, SystemClock().now_ms())
    except Exception:
        # Workers that cannot be looked at hold back no call.
        log.exception("the fleet was not looked at")
    wakes, deliveries = bootstrap.wakes(), bootstrap.deliveries()

    def sweep_shard(shard: int) -> int:
        looked_at = 0
        for _ in range(SWEEP_ROUNDS):
            found = wakes.sweep(shard, deliveries)
            looked_at += found
            if found < agenda.MOST_DUE:
                break
        return looked_at

    with ThreadPoolExecutor(SWEEP_THREADS) as threads:
        looked_at = sum(threads.map(sweep_shard, range(agenda.SHARDS)))
    if looked_at:
        log.info("swept", extra={"calls": looked_at})


def expired(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Removals by TTL from the stream; answers with the first that failed."""
    logs.configure()
    for record in event["Records"]:
        try:
            key = record["dynamodb"]["Keys"]["pk"]["S"]
            bootstrap.wakes().expired(*rows.parse_call_key(key))
        except Exception:
            log.exception("an expired item was not heard")
            number = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
    return {"batchItemFailures": []}
