"""The SIP edge: what comes goes to a worker, back to where it came from, or nowhere.

Answers that a worker would give are tried too: they reach the sender and nobody else.
"""

from chalicelib.protocol.lease import Lease
from mediaworker.edge.forwarding import Forwarder
from mediaworker.edge.roster import Roster
from mediaworker.sip.messages import Malformed, Request, parse, render, response_to
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop, Transmission

EDGE = "10.0.0.9"
STRANGERS = (
    Hop("UDP", "203.0.113.7", 6060),
    Hop("TCP", "203.0.113.8", 41_000, "5"),
)
SLACK_BYTES = 1_024
"""What an edge adds to a message: a Via; or, in its own answers, a tag and some
fields."""
MOST_GROWTH = 3
"""How much longer a message may be written out than it came: compact names, bytes that
are no UTF-8."""
STATUSES = (100, 200, 503)

SEAL = Seal("a secret of thirty-two bytes, or more")
LEASES = tuple(
    Lease(
        worker_id=f"w{number}",
        epoch=1,
        address=f"10.0.1.{number}:8080",
        ws_url=f"ws://10.0.1.{number}:8080",
        sessions=0,
        capacity=10,
        is_draining=False,
        renewed_at_ms=0,
        sip_address=f"10.0.1.{number}:5060",
    )
    for number in (1, 2, 3)
)
ROSTER = Roster.of(LEASES)
EMPTY = Roster()


def one_input(data: bytes) -> None:
    assert SEAL.sender_of(data) is None
    for source in STRANGERS:
        edge = Forwarder(EDGE, 5060, SEAL)
        for roster in (ROSTER, EMPTY, ROSTER):
            _came(edge, data, source, roster)


def _came(edge: Forwarder, data: bytes, source: Hop, roster: Roster) -> None:
    found = edge.receive(data, source, roster)
    assert len(found) <= 1
    for sent in found:
        _is_bounded(sent, data)
        if sent.hop.host == source.host:
            _is_back(sent, source)
            continue
        assert (sent.hop.host, sent.hop.port) in roster.by_place
        assert sent.hop.transport == source.transport
        origin = SEAL.sender_of(sent.data)
        assert origin == Hop(source.transport, source.host, source.port)
        for status in STATUSES:
            _answered(edge, sent, source, status, roster)


def _answered(
    edge: Forwarder, passed: Transmission, source: Hop, status: int, roster: Roster
) -> None:
    try:
        request = parse(passed.data)
    except Malformed:
        return
    assert isinstance(request, Request)
    if request.method == "ACK":
        return
    wait = [("Retry-After", "10")]
    answer = render(response_to(request, status, to_tag="t", headers=wait))
    for sent in edge.receive(answer, passed.hop, roster):
        if sent.hop.host == source.host:
            _is_back(sent, source)
        else:
            assert (sent.hop.host, sent.hop.port) in roster.by_place


def _is_back(sent: Transmission, source: Hop) -> None:
    assert sent.data.startswith(b"SIP/2.0 ")
    assert (sent.hop.transport, sent.hop.flow) == (source.transport, source.flow)


def _is_bounded(sent: Transmission, data: bytes) -> None:
    assert len(sent.data) <= MOST_GROWTH * len(data) + SLACK_BYTES
