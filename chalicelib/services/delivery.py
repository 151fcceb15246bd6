"""How webhooks get to businesses: in order, at least once, never for ever."""

import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from chalicelib.domain.call import Call
from chalicelib.protocol.control import Doorbell, Outcome, Redelivery
from chalicelib.protocol.vocabulary import CONTRACT_EVENTS, SESSION_EVENTS
from chalicelib.services import ports
from chalicelib.services.ports import (
    Answer,
    Endpoint,
    Lane,
    LaneKey,
    OutboxEvent,
    Tally,
)
from chalicelib.services.webhooks import Webhook, headers_of, url_of, webhooks_of

log = logging.getLogger(__name__)

LEASE_MS = 130_000
"""Longer than its holder can run."""
IN_LANE_SECONDS = (0, 5, 20)
"""Waits before the attempts that hold up the events behind them in their lane."""
IN_LANE_BUDGET_MS = 60_000
"""How long one event may hold up the others, its attempts' time-outs included."""
SCHEDULE_SECONDS = (
    *IN_LANE_SECONDS,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
)
"""Waits before each attempt, the first one's included: Standard Webhooks' own, with
one more early."""
IMPATIENCE = 5
"""Failures in a row after which an endpoint's events are not waited for in the lane."""
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
    tallies: ports.TallyRepository
    clock: ports.Clock
    draws: ports.Draws


class DeliveryService:
    """Tells businesses of events: now, and again when they were not there."""

    def __init__(self, world: Ports) -> None:
        self._world = world
        self._failed: dict[str, int] = {}
        """Endpoint -> failures in a row, as far as this process knows."""

    def ring(self, doorbell: Doorbell) -> None:
        """See that the event, and all before it, gets to every endpoint.

        Ringing twice, late or out of order delivers nothing twice. Endpoints do
        not wait for each other.
        """
        endpoints = self._hearers(doorbell.tenant, _story_of(doorbell.type))
        if len(endpoints) == 1:
            self._ring(doorbell, endpoints[0])
        elif endpoints:
            with ThreadPoolExecutor(len(endpoints)) as threads:
                rung = [threads.submit(self._ring, doorbell, e) for e in endpoints]
            for each in rung:
                each.result()

    def audit(self, call: Call) -> bool:
        """Ring for what was never told of an ended call; True when there is none."""
        seq = call.next_seq - 1
        behind = [
            endpoint
            for endpoint in self._hearers(call.tenant, CONTRACT_EVENTS)
            if self._world.lanes.next_seq(_key(call.tenant, call.id, endpoint)) <= seq
        ]
        for endpoint in behind:
            log.warning("a lane is behind", extra={"call_id": call.id})
            self._ring_lane(call.tenant, call.id, seq, endpoint)
        return not behind

    def _hearers(self, tenant: str, story: Sequence[str]) -> list[Endpoint]:
        """Who wants anything of the story: what is told together rings once."""
        endpoints = self._world.endpoints.of_tenant(tenant)
        return [one for one in endpoints if any(map(one.wants, story))]

    def _ring(self, doorbell: Doorbell, endpoint: Endpoint) -> None:
        self._ring_lane(doorbell.tenant, doorbell.call_id, doorbell.seq, endpoint)

    def _ring_lane(
        self, tenant: str, call_id: str, seq: int, endpoint: Endpoint
    ) -> None:
        now_ms = self._world.clock.now_ms()
        lane = self._world.lanes.lease(
            _key(tenant, call_id, endpoint),
            seq,
            now_ms,
            now_ms + LEASE_MS,
            self._world.draws.token(),
        )
        while lane is not None:
            lane = self._clear(lane, endpoint)

    def _clear(self, lane: Lane, endpoint: Endpoint) -> Lane | None:
        """Deliver what stands in the lane; returns it if it must be looked at again."""
        next_seq, tally = lane.next_seq, Tally()
        for event in self._world.calls.outbox(
            lane.key.tenant, lane.key.call_id, lane.next_seq
        ):
            for webhook in webhooks_of(event) if endpoint.wants(event.type) else ():
                tally = _sum(tally, self._deliver(event, webhook, endpoint))
            next_seq = event.seq + 1
        if tally.told:
            now_ms = self._world.clock.now_ms()
            self._world.tallies.add(lane.key.tenant, now_ms, tally)
        return self._world.lanes.settle(lane, next_seq)

    def _deliver(
        self, event: OutboxEvent, webhook: Webhook, endpoint: Endpoint
    ) -> Tally:
        """In the lane while it is worth it, else by the retry machine."""
        answer, number = self._attempt_in_lane(webhook, endpoint)
        if _is_taken(answer):
            return Tally(1, delivered=1, failures=_failures(webhook, number - 1))
        failures = _failures(webhook, number)
        if answer.status == GONE:
            return Tally(1, given_up=1, failures=failures)
        self._world.retries.start(
            Redelivery(
                tenant=event.tenant,
                call_id=event.call_id,
                seq=event.seq,
                webhook_id=webhook.id,
                endpoint_id=endpoint.id,
                attempt=number + 1,
                delay_seconds=self._delay_seconds(number + 1, answer),
            )
        )
        return Tally(1, failures=failures)

    def _attempt_in_lane(
        self, webhook: Webhook, endpoint: Endpoint
    ) -> tuple[Answer, int]:
        """The last answer, and how many attempts it took."""
        ends_ms = self._world.clock.now_ms() + IN_LANE_BUDGET_MS
        number = 1
        while True:
            answer = self._attempt(webhook, endpoint, number)
            is_over = _is_taken(answer) or answer.status == GONE
            is_worth_it = self._is_worth_waiting(endpoint, is_over)
            if is_over or not is_worth_it or number == len(IN_LANE_SECONDS):
                return answer, number
            wait_ms = self._delay_seconds(number + 1, answer) * 1000
            least_ms = wait_ms + round(endpoint.timeout_seconds * 1000)
            if self._world.clock.now_ms() + least_ms > ends_ms:
                return answer, number
            self._world.clock.sleep_ms(wait_ms)
            number += 1

    def _is_worth_waiting(self, endpoint: Endpoint, has_answered: bool) -> bool:
        """Not for an endpoint that has failed again and again, call after call."""
        failures = 0 if has_answered else self._failed.get(endpoint.id, 0) + 1
        self._failed[endpoint.id] = failures
        return failures < IMPATIENCE

    def redeliver(self, redelivery: Redelivery) -> Redelivery:
        """Make the attempt that has come; the result says what is to happen next."""
        endpoint = self._endpoint(redelivery)
        webhook = self._webhook(redelivery)
        if endpoint is None or webhook is None:
            return self._end(redelivery, Outcome.UNDELIVERABLE, {})
        answer = self._attempt(webhook, endpoint, redelivery.attempt)
        if _is_taken(answer):
            return self._end(redelivery, Outcome.DELIVERED, {})
        failures = {webhook.type: 1}
        following = redelivery.attempt + 1
        if answer.status == GONE or following > len(SCHEDULE_SECONDS):
            return self._end(redelivery, Outcome.UNDELIVERABLE, failures)
        self._tally(redelivery, Tally(failures=failures))
        return replace(
            redelivery,
            attempt=following,
            delay_seconds=self._delay_seconds(following, answer),
        )

    def _end(
        self, redelivery: Redelivery, outcome: Outcome, failures: dict[str, int]
    ) -> Redelivery:
        is_delivered = outcome is Outcome.DELIVERED
        tally = Tally(0, int(is_delivered), int(not is_delivered), failures)
        self._tally(redelivery, tally)
        return replace(redelivery, outcome=outcome)

    def _tally(self, redelivery: Redelivery, tally: Tally) -> None:
        now_ms = self._world.clock.now_ms()
        self._world.tallies.add(redelivery.tenant, now_ms, tally)

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


def _story_of(event_type: str) -> Sequence[str]:
    """The types of all that is told beside this one."""
    return SESSION_EVENTS if event_type in SESSION_EVENTS else CONTRACT_EVENTS


def _is_taken(answer: Answer) -> bool:
    return answer.status is not None and 200 <= answer.status < 300


def _failures(webhook: Webhook, number: int) -> dict[str, int]:
    return {webhook.type: number} if number else {}


def _key(tenant: str, call_id: str, endpoint: Endpoint) -> LaneKey:
    return LaneKey(tenant, call_id, endpoint.id)


def _sum(one: Tally, other: Tally) -> Tally:
    failures = Counter(one.failures) + Counter(other.failures)
    return Tally(
        one.told + other.told,
        one.delivered + other.delivered,
        one.given_up + other.given_up,
        dict(failures),
    )
