"""The retry machine's turns: of a lane that waits, of a webhook alone, of a replay."""

import logging
from dataclasses import replace

from chalicelib.protocol.control import Outcome, Redelivery
from chalicelib.services.webhooks.attempts import Attempts
from chalicelib.services.webhooks.bodies import Webhook, webhooks_of
from chalicelib.services.webhooks.carrier import (
    GRACE_MS,
    LEASE_MS,
    Carrier,
    Head,
    Manner,
    Stop,
)
from chalicelib.services.webhooks.gate import Gate
from chalicelib.services.webhooks.lanes import Lane, LaneKey
from chalicelib.services.webhooks.tallies import Tally
from chalicelib.services.webhooks.visits import Ports, Visit

log = logging.getLogger(__name__)


class Redeliverer:
    """Makes the attempts for which the retry machine has waited."""

    def __init__(
        self, world: Ports, attempts: Attempts, gate: Gate, carrier: Carrier
    ) -> None:
        self._world = world
        self._attempts = attempts
        self._gate = gate
        self._carrier = carrier

    def redeliver(self, redelivery: Redelivery) -> Redelivery:
        """The result says what the machine is to do next. It may come twice."""
        standing = self._world.endpoints.find(redelivery.tenant, redelivery.endpoint_id)
        if standing is None or not standing.is_enabled:
            return self._drop(redelivery)
        now_ms = self._world.clock.now_ms()
        visit = Visit(redelivery.tenant, redelivery.call_id, standing, now_ms)
        try:
            if redelivery.lease:
                return self._carry_on(redelivery, visit)
            return self._repeat(redelivery, visit)
        finally:
            self._gate.leave(visit)

    def _drop(self, redelivery: Redelivery) -> Redelivery:
        """Nobody hears it any more; a lane is let go of as it stands."""
        if redelivery.lease:
            lane: Lane | None = self._resume(redelivery)
            while lane is not None:
                lane = self._world.lanes.settle(lane, lane.next_seq, ())
        self._add(redelivery.tenant, Tally(given_up=int(redelivery.attempt > 1)))
        return replace(redelivery, outcome=Outcome.UNDELIVERABLE)

    def _resume(self, redelivery: Redelivery) -> Lane | None:
        until_ms = self._world.clock.now_ms() + LEASE_MS
        key = _key(redelivery)
        return self._world.lanes.resume(key, redelivery.lease, until_ms)

    def _carry_on(self, redelivery: Redelivery, visit: Visit) -> Redelivery:
        if redelivery.outcome is Outcome.APART:
            return self._part(redelivery, visit)
        lane = self._resume(redelivery)
        if lane is None:
            log.warning("a lane is another's", extra={"call_id": redelivery.call_id})
            return replace(redelivery, outcome=Outcome.DELIVERED)
        is_passed = redelivery.outcome is Outcome.EXHAUSTED
        if redelivery.attempt > len(self._world.schedule) and not is_passed:
            until_ms = self._world.clock.now_ms() + GRACE_MS
            self._world.lanes.park(lane, lane.next_seq, until_ms, ())
            return replace(redelivery, outcome=Outcome.EXHAUSTED)
        manner = Manner(waits=False, leave=None, park=lambda carried: True)
        head = _head(redelivery, is_passed)
        carried = self._carrier.carry(visit, lane, manner, head)
        return carried or replace(redelivery, outcome=Outcome.DELIVERED)

    def _part(self, redelivery: Redelivery, visit: Visit) -> Redelivery:
        """The machine goes on with the head alone; the lane as far as it gets now,
        and if it stops again by who can start another machine."""
        lane = self._resume(redelivery)
        if lane is not None:
            manner = Manner(waits=False, leave=None, park=lambda carried: False)
            self._carrier.carry(visit, lane, manner, _head(redelivery, True))
        self._ring(_key(redelivery))
        return replace(redelivery, lease="", outcome=Outcome.RETRY)

    def _ring(self, key: LaneKey) -> None:
        """For what is left in a lane that nobody holds."""
        progress = self._world.lanes.progress(key)
        if progress.held_until_ms > self._world.clock.now_ms():
            return
        left = self._world.calls.outbox(key.tenant, key.call_id, progress.next_seq)
        if left:
            self._world.bus.publish([replace(left[0].doorbell, is_last=True)])

    def _repeat(self, redelivery: Redelivery, visit: Visit) -> Redelivery:
        head = _head(redelivery, is_passed=False)
        webhooks = self._webhooks(redelivery, visit, head)
        if not webhooks or redelivery.attempt > len(self._world.schedule):
            return replace(redelivery, outcome=Outcome.UNDELIVERABLE)
        result = replace(redelivery, outcome=Outcome.DELIVERED)
        for webhook in webhooks:
            stop = self._try(visit, webhook, head)
            if stop is not None:
                result = _following(redelivery, webhook, stop)
                break
            head = Head()
        self._record(visit)
        return result

    def _try(self, visit: Visit, webhook: Webhook, head: Head) -> Stop | None:
        if self._carrier.is_tired(visit):
            return Stop(webhook, head.number, 1)
        refusal = self._gate.enter(visit, self._carrier.is_overdue(head))
        if refusal is not None:
            return self._carrier.refused(visit, webhook, head, refusal)
        answer = self._attempts.make(visit, webhook, head.number)
        if answer.is_taken:
            return None
        return self._carrier.failed(visit, webhook, head.number, answer)

    def _webhooks(
        self, redelivery: Redelivery, visit: Visit, head: Head
    ) -> list[Webhook]:
        """Those to be told, the one whose turn it is first."""
        last_seq = max(redelivery.seq, redelivery.through_seq)
        webhooks = [
            webhook
            for event in self._world.calls.outbox(
                redelivery.tenant, redelivery.call_id, redelivery.seq
            )
            if event.seq <= last_seq
            for webhook in head.rest(webhooks_of(event, visit.endpoint))
        ]
        if redelivery.through_seq:
            return webhooks
        return [one for one in webhooks if one.id == redelivery.webhook_id]

    def _record(self, visit: Visit) -> None:
        if visit.attempts:
            self._world.lanes.note(visit.key, tuple(visit.attempts))
        self._attempts.keep_failures(visit)
        self._attempts.keep_tally(visit, visit.tally)

    def _add(self, tenant: str, tally: Tally) -> None:
        if tally != Tally():
            self._world.tallies.add(tenant, self._world.clock.now_ms(), tally)


def _key(redelivery: Redelivery) -> LaneKey:
    return LaneKey(redelivery.tenant, redelivery.call_id, redelivery.endpoint_id)


def _head(redelivery: Redelivery, is_passed: bool) -> Head:
    return Head(
        redelivery.webhook_id,
        redelivery.attempt,
        redelivery.delay_seconds,
        is_passed,
    )


def _following(redelivery: Redelivery, webhook: Webhook, stop: Stop) -> Redelivery:
    at = replace(redelivery, seq=webhook.seq, webhook_id=webhook.id)
    if stop.webhook is None or stop.is_given_up:
        return replace(at, outcome=Outcome.UNDELIVERABLE)
    return replace(
        at,
        attempt=stop.number,
        delay_seconds=stop.delay_seconds,
        outcome=Outcome.RETRY,
    )
