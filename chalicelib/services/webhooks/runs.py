"""Webhooks of one call that are sent once more, as the retry machine carries them."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby

from chalicelib.protocol.control import Redelivery
from chalicelib.services.webhooks.bodies import Webhook


@dataclass(frozen=True, slots=True)
class Run:
    """Webhooks of one call that follow each other at the endpoint."""

    call_id: str
    webhooks: tuple[Webhook, ...]
    """At least one."""
    place: int
    """Among the runs of its call."""


def split(
    call_id: str, webhooks: Sequence[Webhook], chosen: AbstractSet[str]
) -> Iterator[Run]:
    """The chosen, in as few runs as there are gaps between them.

    Of an event that is told as several webhooks each goes alone, unless all go.
    """
    place = 0
    run: tuple[Webhook, ...] = ()
    for _, of_event in groupby(webhooks, key=lambda one: one.seq):
        together = tuple(of_event)
        picked = tuple(one for one in together if one.id in chosen)
        if picked == together:
            run += together
            continue
        for webhooks_left in (run, *((one,) for one in picked)):
            if webhooks_left:
                yield Run(call_id, webhooks_left, place)
                place += 1
        run = ()
    if run:
        yield Run(call_id, run, place)


def redelivery_of(tenant: str, endpoint_id: str, run: Run) -> Redelivery:
    first, last = run.webhooks[0], run.webhooks[-1]
    return Redelivery(
        tenant=tenant,
        call_id=run.call_id,
        seq=first.seq,
        webhook_id=first.id,
        endpoint_id=endpoint_id,
        attempt=1,
        # A later run of a call does not overtake an earlier one that gets through.
        delay_seconds=run.place,
        through_seq=last.seq if len(run.webhooks) > 1 else 0,
    )
