"""The edge's mind: a message in, messages out (RFC 3261 section 16.11).

It keeps no transaction and no timer. What comes goes to one worker, whoever sends it,
and comes back by the edge's own Via, which carries all that the way back needs. It
does not record-route: the worker's Contact is an address of its own, so that the ACK of
a 2xx and all that follows go straight there, and calls outlive the edge.
"""

from dataclasses import dataclass

from mediaworker.edge.answers import (
    nobody_there,
    own_answer,
    respond,
    respond_to_malformed,
    seen,
    tag_for,
    way_back,
)
from mediaworker.edge.hops import OwnHop
from mediaworker.edge.placements import Placement, Placements
from mediaworker.edge.retries import Retries
from mediaworker.edge.roster import Roster, Worker, place_of
from mediaworker.sip.messages import (
    Malformed,
    Request,
    Response,
    parse,
    render,
)
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop, Transmission

Sent = list[Transmission]


@dataclass(slots=True)
class Tally:
    """What was done, since the start."""

    requests: int = 0
    """Passed on to workers."""
    responses: int = 0
    """Passed back."""
    answers: int = 0
    """The edge's own."""
    retries: int = 0
    """Calls that went to another worker."""
    dropped: int = 0
    """Messages that made no sense, or answered nothing of ours."""


class Forwarder:
    """Pure; each datagram or message of a stream is told by itself."""

    def __init__(
        self,
        host: str,
        port: int,
        seal: Seal,
        placements: Placements | None = None,
    ) -> None:
        """``host`` stands in the edge's Via, IPv6 in brackets."""
        self.tally = Tally()
        self._seal = seal
        self._own = OwnHop(host, port, seal)
        self._placements = Placements() if placements is None else placements
        self._retries = Retries(self._own, self._placements)

    def receive(self, message: bytes, source: Hop, roster: Roster) -> Sent:
        """What is to be sent: to a worker of the roster, or to where what came is an
        answer to. Raises nothing."""
        try:
            parsed = parse(message)
        except Malformed as fault:
            return self._refuse(fault, source)
        if isinstance(parsed, Response):
            return self._response(parsed, roster)
        return self._request(seen(parsed, source), source, roster)

    def failed(self, hop: Hop, roster: Roster) -> Sent:
        """What is to be sent since a connection has ended, or was never had."""
        found = self._retries.failed(hop, roster)
        self.tally.retries += sum(retried.is_new for retried in found)
        return [sent for retried in found for sent in retried.sent]

    # Requests

    def _request(self, request: Request, source: Hop, roster: Roster) -> Sent:
        is_ack = request.method == "ACK"
        if is_ack and request.to_tag == tag_for(request.via, self._seal):
            return []
        base = self._own.base_of(request)
        answer = own_answer(request, self._seal, roster)
        worker = self._worker(request, base, roster) if answer is None else None
        if worker is not None:
            self.tally.requests += 1
            return [self._forward(request, source, base, worker)]
        if is_ack:
            return []
        self.tally.answers += 1
        response = respond(request, answer or nobody_there(), self._seal)
        return [Transmission(render(response), way_back(request.via, source))]

    def _refuse(self, fault: Malformed, source: Hop) -> Sent:
        response = respond_to_malformed(fault, source, self._seal)
        if response is None:
            self.tally.dropped += 1
            return []
        self.tally.answers += 1
        return [Transmission(render(response), way_back(response.via, source))]

    def _worker(self, request: Request, base: str, roster: Roster) -> Worker | None:
        """Who has the call; who it names; else whom the Call-ID is hashed to."""
        placement = self._placements.find(request.call_id)
        known = placement and roster.workers.get(placement.worker_id)
        if known and placement and placement.base == base:
            return known
        if request.to_tag is not None and (named := self._named(request, roster)):
            return named
        is_new = request.method == "INVITE" and request.to_tag is None
        if known and (known.room or not is_new):
            return known
        return roster.choose(request.call_id)

    def _named(self, request: Request, roster: Roster) -> Worker | None:
        for uri in (*(route.uri for route in request.routes[:1]), request.uri):
            learnt = self._placements.named(place_of(uri)) or ""
            worker = roster.named(uri) or roster.workers.get(learnt)
            if worker is not None:
                return worker
        return None

    def _forward(
        self, request: Request, source: Hop, base: str, worker: Worker
    ) -> Transmission:
        passed = self._own.passed(request)
        placement = self._placements.find(request.call_id)
        if request.method == "INVITE" and request.to_tag is None:
            placement = self._place(passed, source, base, worker, placement)
        if placement is None or placement.base != base:
            return self._own.to_worker(passed, source, base, 0, worker)
        if request.method == "CANCEL":
            placement.invite = None
        return self._own.to_worker(passed, source, base, placement.attempt, worker)

    def _place(
        self,
        invite: Request,
        source: Hop,
        base: str,
        worker: Worker,
        placement: Placement | None,
    ) -> Placement:
        """What is remembered of the call; a copy of its INVITE changes nothing."""
        if placement is None or placement.base != base:
            placement = Placement(base, worker.worker_id, source)
            placement.remember(render(invite))
            self._placements.keep(invite.call_id, placement)
        elif placement.worker_id != worker.worker_id:
            placement.give_to(worker.worker_id)
        return placement

    # Responses

    def _response(self, response: Response, roster: Roster) -> Sent:
        origin = self._seal.origin_of(response.via, response.call_id)
        if origin is None or len(response.vias) < 2:
            self.tally.dropped += 1
            return []
        retried = self._retries.heard(response, origin, roster)
        if retried is not None:
            self.tally.retries += retried.is_new
            return list(retried.sent)
        self.tally.responses += 1
        passed = response.with_header("Via", *response.vias[1:])
        return [Transmission(render(passed), way_back(passed.via, origin))]
