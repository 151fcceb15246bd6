"""How webhooks get to businesses: in order, at least once, never for ever."""

import logging
from dataclasses import dataclass, replace

from chalicelib.protocol.control import Doorbell, Outcome, Redelivery
from chalicelib.services import ports
from chalicelib.services.ports import Answer, Endpoint, Lane, LaneKey, OutboxEvent
from chalicelib.services.webhooks import Webhook, headers_of, url_of, webhooks_of

log = logging.getLogger(__name__)

LEASE_MS = 130_000
"""Longer than its holder can run."""
SCHEDULE_SECONDS = (
    0,
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
)
"""Standard Webhooks' waits before each attempt, the first one's included."""
JITTER = 0.2
GONE = 410


@dataclass(frozen=True, slots=True)
class Ports:
    """What delivery needs of the world."""

    calls: ports.CallRepository
    lanes: ports.LaneRepository
    endpoints: ports.EndpointRepository
    poster: ports.Poster
    retries: ports.RetryMachine
    clock: ports.Clock
    draws: ports.Draws


class DeliveryService:
    """Tells businesses of events: now, and again when they were not there."""

    def __init__(self, world: Ports) -> None:
        self._world = world

    def ring(self, doorbell: Doorbell) -> None:
        """See that the event, and all before it, gets to every endpoint.

        Ringing twice, late or out of order delivers nothing twice.
        """
        for endpoint in self._world.endpoints.of_tenant(doorbell.tenant):
            self._ring(doorbell, endpoint)

    def _ring(self, doorbell: Doorbell, endpoint: Endpoint) -> None:
        now_ms = self._world.clock.now_ms()
        lane = self._world.lanes.lease(
            LaneKey(doorbell.tenant, doorbell.call_id, endpoint.id),
            doorbell.seq,
            now_ms,
            now_ms + LEASE_MS,
            self._world.draws.token(),
        )
        while lane is not None:
            lane = self._clear(lane, endpoint)

    def _clear(self, lane: Lane, endpoint: Endpoint) -> Lane | None:
        """Deliver what stands in the lane; returns it if it must be looked at again."""
        next_seq = lane.next_seq
        for event in self._world.calls.outbox(
            lane.key.tenant, lane.key.call_id, lane.next_seq
        ):
            for webhook in webhooks_of(event):
                self._deliver(event, webhook, endpoint)
            next_seq = event.seq + 1
        return self._world.lanes.settle(lane, next_seq)

    def _deliver(
        self, event: OutboxEvent, webhook: Webhook, endpoint: Endpoint
    ) -> None:
        answer = self._attempt(webhook, endpoint, number=1)
        if _is_taken(answer) or answer.status == GONE:
            return
        self._world.retries.start(
            Redelivery(
                tenant=event.tenant,
                call_id=event.call_id,
                seq=event.seq,
                webhook_id=webhook.id,
                endpoint_id=endpoint.id,
                attempt=2,
                delay_seconds=self._delay_seconds(2, answer),
            )
        )

    def redeliver(self, redelivery: Redelivery) -> Redelivery:
        """Make the attempt that has come; the result says what is to happen next."""
        endpoint = self._endpoint(redelivery)
        webhook = self._webhook(redelivery)
        if endpoint is None or webhook is None:
            return replace(redelivery, outcome=Outcome.UNDELIVERABLE)
        answer = self._attempt(webhook, endpoint, redelivery.attempt)
        if _is_taken(answer):
            return replace(redelivery, outcome=Outcome.DELIVERED)
        following = redelivery.attempt + 1
        if answer.status == GONE or following > len(SCHEDULE_SECONDS):
            return replace(redelivery, outcome=Outcome.UNDELIVERABLE)
        return replace(
            redelivery,
            attempt=following,
            delay_seconds=self._delay_seconds(following, answer),
        )

    def _endpoint(self, redelivery: Redelivery) -> Endpoint | None:
        endpoints = self._world.endpoints.of_tenant(redelivery.tenant)
        return next((e for e in endpoints if e.id == redelivery.endpoint_id), None)

    def _webhook(self, redelivery: Redelivery) -> Webhook | None:
        events = self._world.calls.outbox(
            redelivery.tenant, redelivery.call_id, redelivery.seq
        )
        webhooks = (webhook for event in events for webhook in webhooks_of(event))
        return next((w for w in webhooks if w.id == redelivery.webhook_id), None)

    def _attempt(self, webhook: Webhook, endpoint: Endpoint, number: int) -> Answer:
        now_ms = self._world.clock.now_ms()
        answer = self._world.poster.post(
            url_of(endpoint, webhook),
            headers_of(endpoint, webhook, now_ms),
            webhook.body,
            endpoint.timeout_seconds,
        )
        log.info(
            "webhook attempt",
            extra={
                "webhook_id": webhook.id,
                "event_type": webhook.type,
                "endpoint_id": endpoint.id,
                "attempt": number,
                "status": answer.status,
                "error": answer.error,
                "lag_ms": now_ms - webhook.at_ms,
            },
        )
        return answer

    def _delay_seconds(self, attempt: int, answer: Answer) -> int:
        """The schedule's wait with jitter, or longer if the endpoint asked for it."""
        scheduled = SCHEDULE_SECONDS[attempt - 1]
        jittered = scheduled * self._world.draws.uniform(1 - JITTER, 1 + JITTER)
        asked = min(answer.retry_after_seconds or 0, SCHEDULE_SECONDS[-1])
        return max(1, round(jittered), asked)


def _is_taken(answer: Answer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300
