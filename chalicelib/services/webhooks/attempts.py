"""One attempt at a webhook: the post, and what it tells of its endpoint."""

import logging
from collections.abc import Callable
from dataclasses import replace

from chalicelib.domain import breaker
from chalicelib.domain.endpoints import Disabled, Endpoint, Health
from chalicelib.services import ports
from chalicelib.services.ports import Answer
from chalicelib.services.webhooks.bodies import Webhook, headers_of, url_of
from chalicelib.services.webhooks.lanes import Attempt
from chalicelib.services.webhooks.tallies import Tally
from chalicelib.services.webhooks.visits import Ports, Visit

log = logging.getLogger(__name__)

JITTER = 0.2
MOST_ASKED_SECONDS = 24 * 3600
"""However long an endpoint asks to be left alone."""
GONE = 410
POLITE = frozenset({429, 503})
"""Statuses that say with Retry-After: it is there, and will take the rest later."""
HEALTH_TRIES = 4
EXHAUSTED, DISABLED = "webhook.exhausted", "webhook.endpoint_disabled"
TOLD_OF_ITSELF = "webhook."
"""What begins so is of endpoints, and nothing is told of its own fate."""


class Attempts:
    """Makes attempts."""

    def __init__(self, world: Ports) -> None:
        self._world = world

    def make(self, visit: Visit, webhook: Webhook, number: int) -> Answer:
        """Post it, and keep what its answer tells of the endpoint."""
        began_ms = self._world.clock.now_ms()
        answer = post(self._world.poster, visit.endpoint, webhook, began_ms)
        took_ms = self._world.clock.now_ms() - began_ms
        attempt = attempt_of(webhook, number, began_ms, took_ms, answer)
        visit.attempts.append(attempt)
        self._learn(visit, answer, took_ms)
        is_first, is_taken = int(number == 1), attempt.is_taken
        failures = {} if is_taken else {webhook.type: 1}
        visit.count(Tally(is_first, int(is_taken), 0, failures))
        log.info(
            "webhook attempt",
            extra={
                "webhook_id": webhook.id,
                "event_type": webhook.type,
                "endpoint_id": visit.endpoint.id,
                "attempt": number,
                "status": answer.status,
                "error": answer.error,
                "lag_ms": began_ms - webhook.at_ms,
            },
        )
        return answer

    def give_up(self, visit: Visit, webhook: Webhook, number: int) -> None:
        """It was the last attempt; who wants to know of that is told."""
        visit.given_up.add(webhook.id)
        visit.count(Tally(given_up=1))
        log.warning(
            "webhook given up",
            extra={"webhook_id": webhook.id, "endpoint_id": visit.endpoint.id},
        )
        if not visit.standing.is_enabled or webhook.type.startswith(TOLD_OF_ITSELF):
            return
        data = {
            "endpoint_id": visit.endpoint.id,
            "webhook_id": webhook.id,
            "event_type": webhook.type,
            "call_id": visit.call_id,
            "attempts": number,
        }
        now_ms = self._world.clock.now_ms()
        self._world.announcer.announce(visit.tenant, EXHAUSTED, data, now_ms)

    def delay_seconds(self, visit: Visit, number: int, answer: Answer) -> int:
        """Before the attempt of that number: the schedule's wait with jitter.

        Longer if the endpoint asked for it, or is not to be tried before.
        """
        scheduled = self._world.schedule[number - 1]
        jittered = scheduled * self._world.draws.uniform(1 - JITTER, 1 + JITTER)
        asked = min(answer.retry_after_seconds or 0, MOST_ASKED_SECONDS)
        return max(1, round(jittered), asked, self._closed_seconds(visit))

    def closed_seconds(self, visit: Visit, least: int) -> int:
        """Until the endpoint may be tried again, not all at once."""
        wait = max(1, least, self._closed_seconds(visit))
        return round(wait * self._world.draws.uniform(1, 1 + JITTER))

    def _closed_seconds(self, visit: Visit) -> int:
        closed_ms = visit.health.open_until_ms - self._world.clock.now_ms()
        return max(0, -(-closed_ms // 1000))

    def keep_tally(self, visit: Visit, tally: Tally) -> None:
        if tally != Tally():
            self._world.tallies.add(visit.tenant, self._world.clock.now_ms(), tally)

    def keep_failures(self, visit: Visit) -> None:
        """Log those of the visit's attempts that failed."""
        failed = tuple(one for one in visit.attempts if not one.is_taken)
        last = {one.webhook_id: one for one in failed}
        for is_given_up in (False, True):
            chosen = tuple(
                one
                for one in failed
                if is_given_up
                is (one.webhook_id in visit.given_up and one is last[one.webhook_id])
            )
            if chosen:
                self._world.failures.add(
                    visit.tenant, visit.endpoint.id, visit.call_id, chosen, is_given_up
                )

    def _learn(self, visit: Visit, answer: Answer, took_ms: int) -> None:
        now_ms, is_probe = self._world.clock.now_ms(), visit.is_probing
        asks = answer.status in POLITE and answer.retry_after_seconds is not None
        # Whose schedule is a short one does not want to wait here either.
        most_open_ms = min(breaker.MOST_OPEN_MS, 1000 * max(self._world.schedule))

        def change(health: Health) -> Health:
            if answer.status == GONE:
                return breaker.gone(health, now_ms)
            if took_ms > breaker.SLOW_MS:
                health = breaker.slow(health, now_ms)
            if answer.is_taken:
                return breaker.succeeded(health)
            return breaker.failed(
                health,
                now_ms,
                is_probe=is_probe,
                asks_for_time=asks,
                most_open_ms=most_open_ms,
            )

        visit.is_probing = False
        self._change(visit, change)

    def _change(self, visit: Visit, change: Callable[[Health], Health]) -> None:
        """Decided anew on what stands, when another was first; not for ever."""
        endpoint_id = visit.endpoint.id
        for _ in range(HEALTH_TRIES):
            before = visit.health
            after = change(before)
            if after == before:
                return
            if self._world.health.keep(visit.tenant, endpoint_id, before, after):
                visit.see(after, before.version + 1)
                return self._tell_of(visit, before)
            found = self._world.endpoints.find(visit.tenant, endpoint_id)
            if found is None:
                # It was deleted: nobody is there to be told anything.
                nobody = replace(before, disabled=Disabled.ASKED)
                return visit.see(nobody, before.version)
            # Its URL may be another by now, too.
            visit.standing = found
        log.warning("health not kept", extra={"endpoint_id": endpoint_id})

    def _tell_of(self, visit: Visit, before: Health) -> None:
        why = visit.health.disabled
        if why is None or before.disabled:
            return
        log.warning(
            "endpoint - ENABLED -> DISABLED",
            extra={"endpoint_id": visit.endpoint.id, "reason": why.value},
        )
        data = {
            "endpoint_id": visit.endpoint.id,
            "reason": why.value,
            "failing_since_ms": before.failing_since_ms or None,
        }
        now_ms = self._world.clock.now_ms()
        self._world.announcer.announce(visit.tenant, DISABLED, data, now_ms)


def post(
    poster: ports.Poster, endpoint: Endpoint, webhook: Webhook, now_ms: int
) -> Answer:
    """Signed for now."""
    return poster.post(
        url_of(endpoint, webhook),
        headers_of(endpoint, webhook, now_ms),
        webhook.body,
        endpoint.timeout_seconds,
    )


def attempt_of(
    webhook: Webhook, number: int, at_ms: int, duration_ms: int, answer: Answer
) -> Attempt:
    return Attempt(
        webhook_id=webhook.id,
        type=webhook.type,
        seq=webhook.seq,
        number=number,
        at_ms=at_ms,
        duration_ms=duration_ms,
        status=answer.status,
        error=answer.error,
    )
