"""What the edge says itself: that it is there, and what it does not pass on.

Without a memory (RFC 3261 8.2.7): the same request has the same answer, tag and all.
"""

from dataclasses import dataclass

from mediaworker.edge.roster import Roster
from mediaworker.sip.core import ALLOW
from mediaworker.sip.fields import Via
from mediaworker.sip.messages import Malformed, Request, Response, response_to
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop, hop_back
from mediaworker.sip.screening import BAD_EXTENSION, SDP, UNSCREENED
from mediaworker.sip.statuses import MERGED, OK, UNAVAILABLE

LOOP = MERGED
TOO_MANY_HOPS = 483
RETRY_SECONDS = "10"
WAIT = (("Retry-After", RETRY_SECONDS),)
ABILITIES = (("Allow", ALLOW), ("Accept", SDP))
TAG_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    phrase: str | None = None


def own_answer(request: Request, seal: Seal, roster: Roster) -> Answer | None:
    """None for what is a worker's to answer (RFC 3261 16.3).

    OPTIONS asks the edge how it is, whomever it names: that nobody learns who there
    is, and load balancers and trunks how it stands.
    """
    if any(seal.origin_of(via, request.call_id) for via in request.vias):
        return Answer(LOOP, phrase="Loop Detected")
    if request.method == "OPTIONS" and request.to_tag is None:
        return Answer(OK, ABILITIES) if roster.takers else Answer(UNAVAILABLE, WAIT)
    if request.max_forwards == 0:
        return Answer(TOO_MANY_HOPS)
    if request.proxy_require and request.method not in UNSCREENED:
        tags = ", ".join(sorted(request.proxy_require))
        return Answer(BAD_EXTENSION, (("Unsupported", tags),))
    return None


def nobody_there() -> Answer:
    return Answer(UNAVAILABLE, WAIT)


def respond(request: Request, answer: Answer, seal: Seal) -> Response:
    return response_to(
        request,
        answer.status,
        answer.phrase,
        to_tag=tag_for(request.via, seal),
        headers=answer.headers,
    )


def respond_to_malformed(fault: Malformed, source: Hop, seal: Seal) -> Response | None:
    """None where no answer would find its way."""
    if fault.answerable is None or fault.status is None:
        return None
    request = seen(fault.answerable, source)
    return respond(request, Answer(fault.status), seal)


def tag_for(via: Via, seal: Seal) -> str:
    """What To gets in answers of the edge, by the topmost Via of the request: an ACK
    of such an answer is known by it, for it has the Via of its INVITE."""
    port = "" if via.port is None else str(via.port)
    return seal.digest("tag", via.branch or "", via.host, port)[:TAG_LETTERS]


def seen(request: Request, source: Hop) -> Request:
    """With what RFC 3581 and 18.2.1 have its receiver note."""
    return request.with_top_via(request.via.seen_from(source.host, source.port))


def way_back(via: Via, source: Hop) -> Hop:
    """Of a response: the connection that the request came by, and no other."""
    return hop_back(via, source) if source.flow is None else source
