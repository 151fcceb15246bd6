"""One hundred thousand events through outbox and delivery, while all of it fails."""

import logging
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.faulty_world import SHOP, FaultyWorld, Ledger, Odds
from bench.measurement import Measurement, Progress
from chalicelib.adapters.memory import Store
from chalicelib.domain.commands import Create, Join, Leave
from chalicelib.protocol.vocabulary import (
    DEFAULT_TENANT,
    Dialect,
    MediaType,
    Provider,
)
from chalicelib.services.webhooks.bodies import webhooks_of

EVENTS = 100_000
CALLS_AT_ONCE = 200
"""Of one world; each has a store of its own."""
MOST_SWEEPS = 10_000
"""Minutes: longer than the retry machine's whole schedule."""
RING_SECONDS = 30

ANSWERED, REJECTED, CANCELLED, MISSED = "answered", "rejected", "cancelled", "missed"
STORIES = (ANSWERED, ANSWERED, ANSWERED, REJECTED, CANCELLED, MISSED)


@dataclass(frozen=True, slots=True)
class Tale:
    """What one world's calls told, and what came of it."""

    told: int
    lost: int
    disordered: int


def measure(progress: Progress) -> Measurement:
    """World after world, until enough has been told."""
    logging.disable(logging.CRITICAL)
    told = lost = disordered = worlds = 0
    faults: dict[str, int] = {}
    while told < EVENTS:
        ledger = Ledger()
        tale = play(worlds, Odds(), ledger)
        worlds, told = worlds + 1, told + tale.told
        lost, disordered = lost + tale.lost, disordered + tale.disordered
        for fault, count in ledger.faults.items():
            faults[fault] = faults.get(fault, 0) + count
        if worlds % 10 == 0:
            progress(f"{told:,} of {EVENTS:,} events")
    return Measurement(
        values={"events_lost": lost, "events_disordered": disordered},
        details=[
            f"{told:,} events of {worlds * CALLS_AT_ONCE:,} calls",
            "went wrong: " + ", ".join(f"{n:,} {fault}" for fault, n in faults.items()),
        ],
        raw={"told": told, "worlds": worlds, "faults": faults},
    )


def play(seed: int, odds: Odds, ledger: Ledger, calls: int = CALLS_AT_ONCE) -> Tale:
    """One world to its end: from the first command until nothing is on its way."""
    world = FaultyWorld(seed, odds, ledger)
    stories = random.Random(seed)
    # Everybody's first command, then everybody's second: calls overlap.
    scripts = [_script(world, stories.choice(STORIES), n) for n in range(calls)]
    for step in range(max(map(len, scripts))):
        for script in scripts:
            if step < len(script):
                call_id, command = script[step]
                world.command(call_id, command)
        world.tell()
    for _ in range(MOST_SWEEPS):
        if world.is_quiet:
            break
        world.sweep()
    expected = expected_of(world.store)
    received = {webhook_id for webhook_id, _ in ledger.received}
    return Tale(
        told=len(expected),
        lost=len(expected.keys() - received),
        disordered=disorder(ledger.received, expected, ledger.handed_over),
    )


def expected_of(store: Store) -> Mapping[str, str]:
    """Webhook id -> call, of everything that was stored."""
    return {
        webhook.id: call_id
        for (_, call_id), events in store.events.items()
        for event in events.values()
        for webhook in webhooks_of(event, SHOP)
    }


def disorder(
    received: Iterable[tuple[str, int]],
    calls: Mapping[str, str],
    handed_over: frozenset[str] | set[str] = frozenset(),
) -> int:
    """How many came for the first time after a later one of their call.

    What went alone is not in its lane any more, and does not count.
    """
    latest: dict[str, int] = {}
    late = 0
    for webhook_id, seq in received:
        if webhook_id in handed_over:
            continue
        call_id = calls[webhook_id]
        late += seq < latest.get(call_id, 0)
        latest[call_id] = max(seq, latest.get(call_id, 0))
    return late


def _script(
    world: FaultyWorld, story: str, number: int
) -> list[tuple[str, Create | Join | Leave]]:
    """A call id and a command for each step; a missed call is left to time."""
    caller, callee = f"caller-{number}", f"callee-{number}"
    create = Create(
        tenant=DEFAULT_TENANT,
        call_id=world.draws.call_id(),
        trace_id=world.draws.trace_id(0),
        room_number=world.draws.room_number(),
        dialect=Dialect.TGORTC,
        provider=Provider.LIVEKIT,
        media_type=MediaType.VIDEO,
        creator=caller,
        invitees=(callee,),
        is_invite_only=True,
        max_participants=2,
        ring_seconds=RING_SECONDS,
        max_call_seconds=4 * 3600,
    )
    rest: dict[str, tuple[Join | Leave, ...]] = {
        ANSWERED: (Join(callee, "web"), Join(caller, "app"), Leave(callee)),
        REJECTED: (Leave(callee),),
        CANCELLED: (Leave(caller),),
        MISSED: (),
    }
    return [(create.call_id, command) for command in (create, *rest[story])]
