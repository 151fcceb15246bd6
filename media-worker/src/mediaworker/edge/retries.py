"""Calls that a worker has no room for go to another, so that callers notice nothing.

A worker knows of its own load what the roster tells three seconds later, and of late
ticks what it never tells; and trunks take a 503 of the edge for a fault of all workers.
So the INVITE is kept until its worker rings, answers or refuses, and a refusal that
asks to come back later (503 with Retry-After) sends it to the next worker instead.

Nothing here has a timer: over UDP the refusal is left without its ACK until the next
worker has answered, and each of its repetitions repeats the INVITE. Who calls by UDP
repeats what a dead worker never had; over a stream nobody does, but there it is known.
"""

from dataclasses import dataclass

from mediaworker.edge.answers import nobody_there, respond, way_back
from mediaworker.edge.hops import OwnHop
from mediaworker.edge.placements import Placement, Placements
from mediaworker.edge.roster import Roster, Worker, place_of
from mediaworker.sip.dialogs import sip_contact
from mediaworker.sip.messages import Request, Response, parse, render
from mediaworker.sip.routing import Hop, Transmission
from mediaworker.sip.statuses import TRYING, UNAVAILABLE

MOST_RETRIES = 2
FINAL = 200


@dataclass(frozen=True, slots=True)
class Retried:
    """What is sent in the place of a response."""

    sent: tuple[Transmission, ...] = ()
    is_new: bool = False
    """A call goes to a worker that was not asked before."""


class Retries:
    def __init__(self, own: OwnHop, placements: Placements) -> None:
        self._own = own
        self._placements = placements

    def heard(self, response: Response, origin: Hop, roster: Roster) -> Retried | None:
        """None for what goes back to the caller."""
        placement = self._placements.find(response.call_id)
        base, attempt = self._own.attempt_of(response)
        if (
            placement is None
            or placement.base != base
            or response.cseq.method != "INVITE"
        ):
            return None
        if attempt < placement.attempt:
            return self._heard_again(response, origin, attempt, placement, roster)
        placement.is_answered = True
        self._learn(response, placement, roster)
        worker = self._next(response, placement, roster)
        if worker is None:
            if response.status > TRYING:
                placement.invite = None
            return None
        acked = self._ack(response, origin, placement.worker_id, roster)
        placement.give_to(worker.worker_id)
        sent = self._again(placement, worker)
        is_reliable = origin.transport != "UDP"
        return Retried((*sent, *acked) if is_reliable else sent, is_new=True)

    def failed(self, hop: Hop, roster: Roster) -> list[Retried]:
        """A stream to there ended, or could not be had; one each for calls that were
        on their way."""
        worker = roster.by_place.get((hop.host, hop.port))
        if worker is None or hop.transport == "UDP":
            return []
        waiting = self._placements.waiting_for(worker.worker_id)
        return [
            self._elsewhere(placement, roster)
            for placement in waiting
            if placement.source.transport == hop.transport
        ]

    def _elsewhere(self, placement: Placement, roster: Roster) -> Retried:
        invite = _invite_of(placement)
        worker = self._other(invite.call_id, placement, roster)
        if worker is not None:
            placement.give_to(worker.worker_id)
            return Retried(self._again(placement, worker), is_new=True)
        placement.invite = None
        source = placement.source
        data = render(respond(invite, nobody_there(), self._own.seal))
        return Retried((Transmission(data, way_back(invite.via, source)),))

    def _heard_again(
        self,
        response: Response,
        origin: Hop,
        attempt: int,
        placement: Placement,
        roster: Roster,
    ) -> Retried | None:
        """From a worker that has turned it away."""
        if response.status < FINAL:
            return Retried()
        if placement.is_answered or placement.invite is None:
            refusing = placement.tried[attempt]
            return Retried(self._ack(response, origin, refusing, roster))
        worker = roster.workers.get(placement.worker_id)
        return None if worker is None else Retried(self._again(placement, worker))

    def _next(
        self, response: Response, placement: Placement, roster: Roster
    ) -> Worker | None:
        is_turned_away = (
            response.status == UNAVAILABLE and "Retry-After" in response.headers
        )
        if not is_turned_away or placement.invite is None:
            return None
        return self._other(response.call_id, placement, roster)

    def _other(
        self, call_id: str, placement: Placement, roster: Roster
    ) -> Worker | None:
        if placement.attempt >= MOST_RETRIES:
            return None
        return roster.choose(call_id, but=(*placement.tried, placement.worker_id))

    def _again(self, placement: Placement, worker: Worker) -> tuple[Transmission, ...]:
        invite = _invite_of(placement)
        base, attempt = placement.base, placement.attempt
        return (self._own.to_worker(invite, placement.source, base, attempt, worker),)

    def _ack(
        self, response: Response, origin: Hop, worker_id: str, roster: Roster
    ) -> tuple[Transmission, ...]:
        worker = roster.workers.get(worker_id)
        return () if worker is None else (self._own.ack(response, origin, worker),)

    def _learn(self, response: Response, placement: Placement, roster: Roster) -> None:
        """By which name the phone will ask for the worker from now on."""
        contact = sip_contact(response.contacts)
        if contact is not None and placement.worker_id in roster.workers:
            self._placements.learn(place_of(contact), placement.worker_id)


def _invite_of(placement: Placement) -> Request:
    assert placement.invite is not None
    invite = parse(placement.invite)
    assert isinstance(invite, Request)
    return invite
