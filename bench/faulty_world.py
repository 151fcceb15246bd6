"""A world in which everything between a commit and its webhook goes wrong at times.

Commits are refused, stored unheard or twice, and their senders die. The stream's
batches fail whole or in part; doorbells are lost, doubled and heard in any order;
deliverers overlap, die at any write and post, and leave their leases behind; the
business refuses, is down for a while, or takes a webhook and is not heard. Time is
virtual, chance is seeded, all else is the product.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from chalicelib import bootstrap
from chalicelib.adapters.dynamodb import bodies
from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_delivery import (
    FixedEndpoints,
    MemoryFailures,
    MemoryHealth,
    MemoryLanes,
    MemoryTallies,
)
from chalicelib.adapters.memory_endpoints import MemoryAnnouncer
from chalicelib.domain.commands import Command, Create
from chalicelib.domain.endpoints import Endpoint
from chalicelib.domain.errors import CallError
from chalicelib.protocol.control import Doorbell, Outcome, Redelivery
from chalicelib.protocol.vocabulary import DEFAULT_TENANT
from chalicelib.services import agenda, ports
from chalicelib.services.calls import Attempt, CallService
from chalicelib.services.ports import Answer, Commit, OutboxEvent
from chalicelib.services.retries import Unavailable
from chalicelib.services.wakes import WakeService
from chalicelib.services.webhooks.delivery import DeliveryService
from chalicelib.services.webhooks.lanes import Attempt as Post
from chalicelib.services.webhooks.lanes import Lane, LaneKey
from chalicelib.services.webhooks.visits import Ports
from chalicelib.triggers import outbox
from infra.laptop.patching import replaced

START_MS = 1_700_000_000_000
SHOP = Endpoint("shop", "https://shop.example/hook", "a-secret-of-the-shop")
STREAM_BATCH = 100
RULE_ATTEMPTS = 3
"""Of a function that a rule invokes; then the doorbell is a dead letter."""
REFUSALS: tuple[type[ports.RepositoryError], ...] = (
    ports.Conflict,
    ports.Throttled,
    ports.UnknownOutcome,
)
COMMAND_MS = 5
"""Between two commands of any two clients."""
SWEEP_EVERY_MS = 60_000
OUTAGE_MS = 10 * 60_000


class Died(BaseException):
    """A process ended here; not an Exception, for nobody may catch it."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How often each thing goes wrong, of 1."""

    commit_refused: float = 0.06
    commit_unheard: float = 0.03
    commit_doubled: float = 0.03
    sender_dies: float = 0.02
    """Before a commit, and again after it."""
    lane: float = 0.02
    stream_batch: float = 0.05
    bus_entry: float = 0.02
    doorbell_lost: float = 0.05
    doorbell_doubled: float = 0.05
    overlap: float = 0.05
    refused: float = 0.2
    unheard: float = 0.05
    """The business took it, and its answer was lost."""
    deliverer_dies: float = 0.03
    outage: float = 0.0005
    """Of a post: the business is down from then on, for `OUTAGE_MS`."""


@dataclass
class Ledger:
    """What went wrong, and what got through."""

    faults: dict[str, int] = field(default_factory=dict)
    received: list[tuple[str, int]] = field(default_factory=list)
    """(webhook id, seq) in the order of their first coming."""
    handed_over: set[str] = field(default_factory=set)
    """Webhooks that left their lane, and go alone."""
    waited: int = 0
    """Lanes that the retry machine carried."""
    _known: set[str] = field(default_factory=set)

    def count(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def receive(self, webhook_id: str, seq: int) -> None:
        if webhook_id not in self._known:
            self._known.add(webhook_id)
            self.received.append((webhook_id, seq))


class Chance:
    """Draws what goes wrong, and tells the ledger."""

    def __init__(self, seed: int, odds: Odds, ledger: Ledger) -> None:
        self.random = random.Random(seed)
        self.odds = odds
        self._ledger = ledger

    def has(self, fault: str) -> bool:
        """``fault`` names one of the odds."""
        is_drawn: bool = self.random.random() < getattr(self.odds, fault)
        if is_drawn:
            self._ledger.count(fault)
        return is_drawn

    def may_die(self, fault: str) -> None:
        if self.has(fault):
            raise Died


class VirtualClock:
    """Passes when it is told to, or slept."""

    def __init__(self) -> None:
        self._at_ms = float(START_MS)

    def now_ms(self) -> int:
        return int(self._at_ms)

    def sleep_ms(self, duration_ms: float) -> None:
        self._at_ms += duration_ms

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What passes within the block passes beside all that follows it."""
        before = self._at_ms
        try:
            yield
        finally:
            self._at_ms = before


class SeededDraws:
    """Chance for the product, the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._count = seed << 32

    def call_id(self) -> str:
        return f"call-{self.trace_id(0)}"

    def token(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def trace_id(self, now_ms: int) -> int:
        self._count += 1
        return self._count

    def room_number(self) -> int:
        return self._random.randrange(1, 2**31)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class FaultyCalls(MemoryCalls):
    """Whose commits are not always carried out, nor always once."""

    def __init__(self, store: Store, chance: Chance) -> None:
        super().__init__(store)
        self._chance = chance
        self.history: dict[str, Commit] = {}
        """What was stored, in its order, by token."""

    def commit(self, commit: Commit) -> None:
        self._chance.may_die("sender_dies")
        if self._chance.has("commit_refused"):
            raise self._chance.random.choice(REFUSALS)
        super().commit(commit)
        self.history[commit.token] = commit
        if self._chance.has("commit_doubled"):
            super().commit(commit)
        if self._chance.has("commit_unheard"):
            raise ports.UnknownOutcome
        self._chance.may_die("sender_dies")


class FaultyLanes(MemoryLanes):
    """Whose holder may die before or after any write."""

    def __init__(self, store: Store, chance: Chance) -> None:
        super().__init__(store)
        self._chance = chance

    def lease(
        self, key: LaneKey, seq: int, now_ms: int, until_ms: int, lease: str
    ) -> Lane | None:
        self._chance.may_die("lane")
        lane = super().lease(key, seq, now_ms, until_ms, lease)
        self._chance.may_die("lane")
        return lane

    def settle(
        self, lane: Lane, next_seq: int, attempts: tuple[Post, ...]
    ) -> Lane | None:
        self._chance.may_die("lane")
        kept = super().settle(lane, next_seq, attempts)
        self._chance.may_die("lane")
        return kept

    def park(
        self, lane: Lane, next_seq: int, until_ms: int, attempts: tuple[Post, ...]
    ) -> bool:
        self._chance.may_die("lane")
        is_parked = super().park(lane, next_seq, until_ms, attempts)
        self._chance.may_die("lane")
        return is_parked

    def resume(self, key: LaneKey, lease: str, until_ms: int) -> Lane | None:
        self._chance.may_die("lane")
        lane = super().resume(key, lease, until_ms)
        self._chance.may_die("lane")
        return lane


class FaultyBus:
    """An `EventBus` that refuses entries, and whose rule loses and doubles them."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self.heard: list[tuple[Doorbell, int]] = []
        """With how often each was tried in vain."""

    def publish(self, doorbells: Iterable[Doorbell]) -> list[int]:
        failed = []
        for place, doorbell in enumerate(doorbells):
            if self._chance.has("bus_entry"):
                failed.append(place)
            elif doorbell.is_last and not doorbell.type.startswith("effect."):
                self._hear(doorbell)
        self._chance.may_die("stream_batch")
        return failed

    def draw(self) -> tuple[Doorbell, int] | None:
        """Any of those that were heard, for they keep no order."""
        if not self.heard:
            return None
        place = self._chance.random.randrange(len(self.heard))
        self.heard[place], self.heard[-1] = self.heard[-1], self.heard[place]
        return self.heard.pop()

    def _hear(self, doorbell: Doorbell) -> None:
        if self._chance.has("doorbell_lost"):
            return
        self.heard.append((doorbell, 0))
        if self._chance.has("doorbell_doubled"):
            self.heard.append((doorbell, 0))


class FaultyBusiness:
    """A `Poster` to a business, between which and us lies a network."""

    def __init__(self, chance: Chance, ledger: Ledger, clock: VirtualClock) -> None:
        self._chance = chance
        self._ledger = ledger
        self._clock = clock
        self._down_until_ms = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        self._clock.sleep_ms(20)
        if self._chance.has("overlap"):
            self.meanwhile()
        self._chance.may_die("deliverer_dies")
        if self._is_down() or self._chance.has("refused"):
            return Answer(500)
        self._ledger.receive(headers["X-Event-ID"], int(headers["X-Event-Seq"]))
        if self._chance.has("unheard"):
            return Answer(None, "ReadTimeoutError")
        self._chance.may_die("deliverer_dies")
        return Answer(200)

    def _is_down(self) -> bool:
        now_ms = self._clock.now_ms()
        if now_ms >= self._down_until_ms and self._chance.has("outage"):
            self._down_until_ms = now_ms + OUTAGE_MS
        return now_ms < self._down_until_ms


class Machine:
    """A `RetryMachine` on the virtual clock."""

    def __init__(self, clock: VirtualClock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self._names: set[tuple[str, str, str]] = set()
        self.waiting: list[tuple[int, Redelivery]] = []

    def start(self, redelivery: Redelivery, token: str = "") -> None:
        name = redelivery.webhook_id, redelivery.endpoint_id, token
        if name not in self._names:
            self._names.add(name)
            self._ledger.waited += bool(redelivery.lease)
            self.wait(redelivery)

    def wait(self, redelivery: Redelivery) -> None:
        if not redelivery.lease:
            self._ledger.handed_over.add(redelivery.webhook_id)
        due_ms = self._clock.now_ms() + redelivery.delay_seconds * 1000
        self.waiting.append((due_ms, redelivery))

    def go_on(self, redelivery: Redelivery) -> None:
        """At once, with what its last turn has said."""
        if redelivery.outcome is Outcome.APART:
            self._ledger.handed_over.add(redelivery.webhook_id)
        self.waiting.append((self._clock.now_ms(), redelivery))

    def take_due(self) -> list[Redelivery]:
        now_ms = self._clock.now_ms()
        due = [one for at_ms, one in self.waiting if at_ms <= now_ms]
        self.waiting = [one for one in self.waiting if one[0] > now_ms]
        return due


class FaultyWorld:
    """Some calls, from their commands to their last webhook."""

    def __init__(self, seed: int, odds: Odds, ledger: Ledger) -> None:
        self.store = Store()
        self.draws = SeededDraws(seed)
        self._clock = VirtualClock()
        self._chance = Chance(seed, odds, ledger)
        self._commits = FaultyCalls(self.store, self._chance)
        self._calls = CallService(self._commits, self._clock, self.draws)
        self._bus = FaultyBus(self._chance)
        self._business = FaultyBusiness(self._chance, ledger, self._clock)
        self._machine = Machine(self._clock, ledger)
        self._is_overlapping = False
        self._tallies = MemoryTallies()
        self._health, self._failures = MemoryHealth(self.store), MemoryFailures()
        self._delivery = self._new_deliverer()

    def command(self, call_id: str, command: Command) -> None:
        """A client repeats it by its id until it is answered, be it by a refusal."""
        self._clock.sleep_ms(COMMAND_MS)
        token = self.draws.token()
        attempt = Attempt(token, token)
        while True:
            try:
                if isinstance(command, Create):
                    self._calls.create(command, attempt)
                else:
                    self._calls.execute(DEFAULT_TENANT, call_id, command, attempt)
                return
            except CallError:
                return
            except (Died, Unavailable):
                continue

    def tell(self) -> None:
        """What was committed since goes through the stream, and all bells ring."""
        commits = list(self._commits.history.values())
        self._commits.history.clear()
        events = [e for commit in commits for e in (*commit.events, *commit.effects)]
        with replaced(bootstrap, "event_bus", lambda: self._bus):
            for start in range(0, len(events), STREAM_BATCH):
                self._pour(events[start : start + STREAM_BATCH])
        while (drawn := self._bus.draw()) is not None:
            self._hear(*drawn)

    def sweep(self) -> None:
        """A minute passes, and everything that waits for its time has it."""
        self._clock.sleep_ms(SWEEP_EVERY_MS)
        wakes = WakeService(self._calls, self._commits, {}, self._clock)
        for shard in range(agenda.SHARDS):
            try:
                wakes.sweep(shard, self._delivery)
            except Died:
                self._delivery = self._new_deliverer()
        for redelivery in self._machine.take_due():
            self._redeliver(redelivery)
        self.tell()

    @property
    def is_quiet(self) -> bool:
        """Nothing is to be looked at any more, and nothing is on its way."""
        return not (self.store.wakes or self._machine.waiting or self._bus.heard)

    def _pour(self, events: list[OutboxEvent]) -> None:
        """As Lambda does it: from the first that failed, everything again."""
        while events:
            records = [
                {
                    "dynamodb": {
                        "SequenceNumber": str(place),
                        "NewImage": {"body": {"S": bodies.dump_event(event)}},
                    }
                }
                for place, event in enumerate(events)
            ]
            try:
                failed = outbox.handler({"Records": records}, None)["batchItemFailures"]
            except Died:
                continue
            if not failed:
                return
            events = events[min(int(one["itemIdentifier"]) for one in failed) :]

    def _hear(self, doorbell: Doorbell, failures: int) -> None:
        try:
            with self._clock.aside():
                self._delivery.ring(doorbell)
        except (Died, ports.RepositoryError):
            self._delivery = self._new_deliverer()
            if failures + 1 < RULE_ATTEMPTS:
                self._bus.heard.append((doorbell, failures + 1))

    def _redeliver(self, redelivery: Redelivery) -> None:
        try:
            with self._clock.aside():
                following = self._delivery.redeliver(redelivery)
        except Died:
            self._delivery = self._new_deliverer()
            self._machine.go_on(redelivery)
            return
        if following.outcome is Outcome.RETRY:
            self._machine.wait(following)
        elif following.outcome in (Outcome.EXHAUSTED, Outcome.APART):
            self._machine.go_on(following)

    def _new_deliverer(self) -> DeliveryService:
        """A process that knows nothing of what the last one was at."""
        self._business.meanwhile = self._overlap
        return DeliveryService(
            Ports(
                calls=MemoryCalls(self.store),
                lanes=FaultyLanes(self.store, self._chance),
                endpoints=FixedEndpoints({DEFAULT_TENANT: (SHOP,)}, self.store),
                health=self._health,
                failures=self._failures,
                poster=self._business,
                retries=self._machine,
                tallies=self._tallies,
                announcer=MemoryAnnouncer(self.store),
                bus=self._bus,
                clock=self._clock,
                draws=self.draws,
            )
        )

    def _overlap(self) -> None:
        """Another deliverer runs while this one waits for the business."""
        if self._is_overlapping:
            return
        self._is_overlapping = True
        try:
            if (drawn := self._bus.draw()) is not None:
                self._hear(*drawn)
        finally:
            self._is_overlapping = False
