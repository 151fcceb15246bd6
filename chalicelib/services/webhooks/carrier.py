"""Delivering what stands in a lane that is held: in order, for as long as it may.

While the endpoint fails as a whole the lane waits behind its head. A head that alone
fails, at an endpoint that takes others, leaves the lane and is tried by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain import breaker
from chalicelib.protocol.control import Outcome, Redelivery
from chalicelib.protocol.vocabulary import LAST_EVENTS
from chalicelib.services.ports import Answer
from chalicelib.services.webhooks.attempts import Attempts
from chalicelib.services.webhooks.bodies import Webhook, webhooks_of
from chalicelib.services.webhooks.gate import Gate, Refusal
from chalicelib.services.webhooks.lanes import Attempt, Lane
from chalicelib.services.webhooks.tallies import Tally
from chalicelib.services.webhooks.visits import Ports, Visit, total

LEASE_MS = 130_000
"""Longer than its holder can run."""
RUN_BUDGET_MS = 50_000
"""After so long no further webhook is begun with; the retry machine goes on."""
IN_LANE = 3
"""Attempts that hold up the events behind, wherever their own fault lies."""
IN_LANE_BUDGET_MS = 60_000
"""How long one event may hold up a deliverer, its attempts' time-outs included."""
GRACE_MS = 600_000
"""How late the retry machine may come back before its lane is taken over."""
LONGEST_CLOSED_SECONDS = 1_800
"""How long a webhook waits at most because others have failed; twice as long each time
until then."""
BUSY_SECONDS = (3, 60)
"""The least and the longest wait for one of an endpoint's few posts."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a lane was parked behind."""

    webhook_id: str = ""
    number: int = 1
    """Of the attempt to come."""
    delay_seconds: int = 0
    """How long it was waited for."""
    is_passed: bool = False
    """It was given up, or has left; the lane goes on behind it."""

    def rest(self, webhooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
        """Of those told together with it, the ones that are still to be told."""
        ids = [webhook.id for webhook in webhooks]
        if self.webhook_id not in ids:
            return webhooks
        return webhooks[ids.index(self.webhook_id) + int(self.is_passed) :]


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a lane is not cleared to its end."""

    webhook: Webhook | None = None
    """What it waits behind; None for nothing: it is let go of as it is."""
    number: int = 1
    delay_seconds: int = 0
    is_given_up: bool = False
    is_alone: bool = False
    """Only this one fails, so it need not hold up the others."""


RELEASE = Stop()


@dataclass(frozen=True, slots=True)
class Manner:
    """In what ways the deliverers of a ring and of a machine's turn differ."""

    waits: bool
    """Whether it waits between the attempts in the lane."""
    leave: Callable[[Redelivery], None] | None
    """Sends a webhook its own way; None where that takes a turn of its own."""
    park: Callable[[Redelivery], bool]
    """See that the lane is carried on; False to let go of it instead."""


class Carrier:
    """Clears lanes, and parks those that it cannot clear."""

    def __init__(self, world: Ports, attempts: Attempts, gate: Gate) -> None:
        self._world = world
        self._attempts = attempts
        self._gate = gate

    def carry(
        self, visit: Visit, lane: Lane, manner: Manner, head: Head = Head()
    ) -> Redelivery | None:
        """What carries the lane on; None when it was let go of."""
        while True:
            next_seq, stop = self._clear(visit, lane, manner, head)
            if stop is not None and stop.webhook is not None:
                carried = self._park(visit, lane, next_seq, stop, manner)
                if carried is not None:
                    return carried
            kept = self.settle(visit, lane, next_seq)
            if kept is None:
                return None
            lane, head = kept, Head()

    def settle(self, visit: Visit, lane: Lane, next_seq: int) -> Lane | None:
        """As `LaneRepository.settle`, with all that the visit has to tell."""
        counted, attempts = self._record(visit, lane)
        return self._world.lanes.settle(counted, next_seq, attempts)

    def refused(
        self, visit: Visit, webhook: Webhook, head: Head, refusal: Refusal
    ) -> Stop:
        """How to go on when there is no attempt now."""
        if refusal is Refusal.DISABLED:
            return RELEASE
        if refusal is Refusal.BUSY:
            least, longest = BUSY_SECONDS
            wait = min(longest, max(least, 2 * head.delay_seconds))
            return Stop(webhook, head.number, wait)
        wait = self._attempts.closed_seconds(visit, 2 * head.delay_seconds)
        return Stop(webhook, head.number, min(wait, LONGEST_CLOSED_SECONDS))

    def failed(
        self, visit: Visit, webhook: Webhook, number: int, answer: Answer
    ) -> Stop:
        """What an attempt that failed leads to."""
        is_over = number >= len(self._world.schedule)
        if is_over or not visit.standing.is_enabled:
            self._attempts.give_up(visit, webhook, number)
        if not visit.standing.is_enabled:
            return RELEASE
        if is_over:
            return Stop(webhook, number + 1, 0, is_given_up=True)
        delay = self._attempts.delay_seconds(visit, number + 1, answer)
        return Stop(webhook, number + 1, delay)

    def is_overdue(self, head: Head) -> bool:
        """To be made if the endpoint is to be tried or not: it has waited for long
        because of others' failures, or for the last time."""
        has_waited = head.delay_seconds >= LONGEST_CLOSED_SECONDS
        return has_waited or head.number >= len(self._world.schedule)

    def is_tired(self, visit: Visit) -> bool:
        """It has run for so long that another had better go on."""
        return self._world.clock.now_ms() - visit.began_ms >= RUN_BUDGET_MS

    def _clear(
        self, visit: Visit, lane: Lane, manner: Manner, head: Head
    ) -> tuple[int, Stop | None]:
        """How far it came, and why not further."""
        key, next_seq = lane.key, lane.next_seq
        for event in self._world.calls.outbox(key.tenant, key.call_id, next_seq):
            for webhook in head.rest(webhooks_of(event, visit.endpoint)):
                is_head = webhook.id == head.webhook_id
                own = head if is_head else Head(webhook.id)
                stop = self._deliver(visit, webhook, manner, own)
                if stop is not None:
                    return next_seq, stop
            next_seq = event.seq + 1
            visit.is_story_over |= event.type in LAST_EVENTS
        return next_seq, None

    def _deliver(
        self, visit: Visit, webhook: Webhook, manner: Manner, head: Head
    ) -> Stop | None:
        """None when the lane goes on: it was taken, or has left."""
        if self.is_tired(visit):
            return Stop(webhook, head.number, 1)
        began_ms = self._world.clock.now_ms()
        failed_ms = began_ms - head.delay_seconds * 1000
        while True:
            refusal = self._gate.enter(visit, self.is_overdue(head))
            if refusal is not None:
                return self.refused(visit, webhook, head, refusal)
            before = visit.health
            answer = self._attempts.make(visit, webhook, head.number)
            if answer.is_taken:
                return None
            stop = self.failed(visit, webhook, head.number, answer)
            if head.number == 1:
                failed_ms = self._world.clock.now_ms()
            if not (manner.waits and self._is_worth_waiting(visit, stop, began_ms)):
                has_answered = breaker.has_answered_since(before, failed_ms)
                return self._left(visit, stop, has_answered, manner)
            self._world.clock.sleep_ms(stop.delay_seconds * 1000)
            head = replace(head, number=stop.number)

    def _left(
        self, visit: Visit, stop: Stop, has_answered: bool, manner: Manner
    ) -> Stop | None:
        """None when it was sent its own way: the endpoint took others, and then not it.

        What was taken while it was on its way proves nothing, but that the endpoint
        has just come back.
        """
        if stop.webhook is None or stop.is_given_up or stop.number <= IN_LANE:
            return stop
        is_open = breaker.is_open(visit.health, self._world.clock.now_ms())
        if is_open or not has_answered:
            return stop
        if manner.leave is None:
            return replace(stop, is_alone=True)
        manner.leave(visit.redelivery(stop.webhook, stop.number, stop.delay_seconds))
        return None

    def _is_worth_waiting(self, visit: Visit, stop: Stop, began_ms: int) -> bool:
        now_ms = self._world.clock.now_ms()
        if stop.webhook is None or stop.is_given_up or stop.number > IN_LANE:
            return False
        if breaker.is_open(visit.health, now_ms):
            return False
        least_ms = stop.delay_seconds * 1000 + visit.endpoint.timeout_seconds * 1000
        return now_ms + least_ms <= began_ms + IN_LANE_BUDGET_MS

    def _park(
        self, visit: Visit, lane: Lane, next_seq: int, stop: Stop, manner: Manner
    ) -> Redelivery | None:
        """The machine is started first: one too many finds nothing to carry."""
        assert stop.webhook is not None
        carried = visit.redelivery(
            stop.webhook, stop.number, stop.delay_seconds, lane.lease
        )
        if stop.is_given_up or stop.is_alone:
            outcome = Outcome.EXHAUSTED if stop.is_given_up else Outcome.APART
            carried = replace(carried, outcome=outcome)
        if not manner.park(carried):
            return None
        counted, attempts = self._record(visit, lane)
        wait_ms = stop.delay_seconds * 1000 + GRACE_MS
        until_ms = self._world.clock.now_ms() + wait_ms
        self._world.lanes.park(counted, next_seq, until_ms, attempts)
        return carried

    def _record(self, visit: Visit, lane: Lane) -> tuple[Lane, tuple[Attempt, ...]]:
        """Tell of all that is not yet told, but of what goes well: the lane counts
        that until its story is over."""
        tally, attempts = visit.tally, tuple(visit.attempts)
        uncounted = lane.uncounted + tally.told
        if visit.is_story_over or tally != Tally(tally.told, tally.told):
            whole = total(tally, Tally(lane.uncounted, lane.uncounted))
            self._attempts.keep_tally(visit, whole)
            uncounted = 0
        self._attempts.keep_failures(visit)
        visit.forget()
        return replace(lane, uncounted=uncounted), attempts
