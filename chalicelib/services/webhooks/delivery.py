"""How webhooks get to businesses: in order, at least once, never for ever."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from chalicelib.domain.call import Call
from chalicelib.domain.endpoints import Standing
from chalicelib.protocol.control import Doorbell, Outcome, Redelivery
from chalicelib.protocol.vocabulary import (
    CALL_EVENTS,
    CONTRACT_EVENTS,
    ENDPOINT_EVENTS,
    RECORDING_EVENTS,
    SESSION_EVENTS,
)
from chalicelib.services.webhooks.attempts import Attempts
from chalicelib.services.webhooks.carrier import LEASE_MS, Carrier, Manner
from chalicelib.services.webhooks.gate import Gate
from chalicelib.services.webhooks.lanes import Lane, LaneKey
from chalicelib.services.webhooks.redelivery import Redeliverer
from chalicelib.services.webhooks.visits import Ports, Visit

log = logging.getLogger(__name__)

CALL_STORY = (*CONTRACT_EVENTS, *CALL_EVENTS)


class DeliveryService:
    """Tells businesses of events: now, and again when they were not there."""

    def __init__(self, world: Ports) -> None:
        self._world = world
        self._gate = Gate(world)
        attempts = Attempts(world)
        self._carrier = Carrier(world, attempts, self._gate)
        self._redeliverer = Redeliverer(world, attempts, self._gate, self._carrier)

    def ring(self, doorbell: Doorbell) -> None:
        """See that the event, and all before it, gets to every endpoint.

        Ringing twice, late or out of order delivers nothing twice. Endpoints do
        not wait for each other.
        """
        hearers = self._hearers(doorbell.tenant, _story_of(doorbell.type))
        if len(hearers) == 1:
            self._ring(doorbell, hearers[0])
        elif hearers:
            with ThreadPoolExecutor(len(hearers)) as threads:
                rung = [threads.submit(self._ring, doorbell, one) for one in hearers]
            for each in rung:
                each.result()

    def redeliver(self, redelivery: Redelivery) -> Redelivery:
        """Make the attempt that has come; the result says what is to happen next."""
        return self._redeliverer.redeliver(redelivery)

    def audit(self, call: Call) -> int | None:
        """Ring for what was never told of an ended call.

        Returns when to look again, None when there is no need. A lane that waits for
        the retry machine is let wait, until that should long have been there.
        """
        seq, now_ms = call.next_seq - 1, self._world.clock.now_ms()
        again: list[int] = []
        for standing in self._hearers(call.tenant, CALL_STORY):
            key = LaneKey(call.tenant, call.id, standing.endpoint.id)
            progress = self._world.lanes.progress(key)
            if progress.next_seq > seq:
                continue
            again.append(max(progress.held_until_ms, now_ms))
            if progress.held_until_ms <= now_ms:
                log.warning("a lane is behind", extra={"call_id": call.id})
                self._ring_lane(key, seq, standing)
        return min(again, default=None)

    def _hearers(self, tenant: str, story: Sequence[str]) -> list[Standing]:
        """Who wants anything of the story: what is told together rings once."""
        return [
            standing
            for standing in self._world.endpoints.of_tenant(tenant)
            if standing.is_enabled and any(map(standing.endpoint.wants, story))
        ]

    def _ring(self, doorbell: Doorbell, standing: Standing) -> None:
        key = LaneKey(doorbell.tenant, doorbell.call_id, standing.endpoint.id)
        self._ring_lane(key, doorbell.seq, standing)

    def _ring_lane(self, key: LaneKey, seq: int, standing: Standing) -> None:
        now_ms, token = self._world.clock.now_ms(), self._world.draws.token()
        lane = self._world.lanes.lease(key, seq, now_ms, now_ms + LEASE_MS, token)
        if lane is None:
            return
        visit = Visit(key.tenant, key.call_id, standing, now_ms)
        try:
            self._carrier.carry(visit, lane, self._manner(lane))
        finally:
            self._gate.leave(visit)

    def _manner(self, lane: Lane) -> Manner:
        def park(redelivery: Redelivery) -> bool:
            # Of one that was given up here the machine is yet to make a dead letter.
            waiting = replace(redelivery, outcome=Outcome.RETRY)
            self._world.retries.start(waiting, lane.lease)
            return True

        return Manner(waits=True, leave=self._world.retries.start, park=park)


def _story_of(event_type: str) -> Sequence[str]:
    """The types of all that is told beside this one."""
    for story in (SESSION_EVENTS, RECORDING_EVENTS, ENDPOINT_EVENTS):
        if event_type in story:
            return story
    return CALL_STORY
