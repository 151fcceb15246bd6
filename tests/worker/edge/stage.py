"""An edge without sockets: messages as phones send them, and workers to be had."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.protocol.lease import Lease
from mediaworker.edge.forwarding import Forwarder
from mediaworker.edge.roster import Roster
from mediaworker.sip.messages import Request, Response, parse, render, response_to
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop, Transmission

SECRET = "a secret of thirty-two bytes, or more"
EDGE = ("10.0.0.9", 5060)
CALLER = Hop("UDP", "203.0.113.7", 6060)


def lease(number: int, **changes: object) -> Lease:
    """Of worker ``w<number>``, at 10.0.1.<number>."""
    given: dict[str, object] = {
        "worker_id": f"w{number}",
        "epoch": 1,
        "address": f"10.0.1.{number}:8080",
        "ws_url": f"ws://10.0.1.{number}:8080",
        "sessions": 0,
        "capacity": 256,
        "is_draining": False,
        "renewed_at_ms": 1_000,
        "sip_address": f"10.0.1.{number}:5060",
    }
    return Lease(**{**given, **changes})  # type: ignore[arg-type]


def roster(*numbers: int) -> Roster:
    return Roster.of(lease(number) for number in numbers)


def message(
    method: str = "INVITE",
    *,
    call_id: str = "call-1",
    branch: str = "z9hG4bKone",
    via: str = "203.0.113.7:6060",
    transport: str = "UDP",
    rport: bool = True,
    number: int = 1,
    to_tag: str = "",
    uri: str = "sip:agent@sip.example.com",
    extra: Iterable[str] = (),
    body: str = "",
) -> bytes:
    """A request as a phone writes it."""
    tag = f";tag={to_tag}" if to_tag else ""
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/{transport} {via};branch={branch}{';rport' if rport else ''}",
        "Max-Forwards: 70",
        "From: <sip:alice@203.0.113.7>;tag=from-1",
        f"To: <sip:agent@sip.example.com>{tag}",
        f"Call-ID: {call_id}",
        f"CSeq: {number} {method}",
        f"Contact: <sip:alice@{via};transport={transport.lower()}>",
        *extra,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def request_in(sent: Transmission) -> Request:
    found = parse(sent.data)
    assert isinstance(found, Request), found
    return found


def response_in(sent: Transmission) -> Response:
    found = parse(sent.data)
    assert isinstance(found, Response), found
    return found


def answer_to(
    sent: Transmission, status: int = 200, *headers: tuple[str, str]
) -> bytes:
    """As a worker answers what it was passed."""
    request = request_in(sent)
    request = request.with_top_via(request.via.seen_from(*EDGE))
    return render(response_to(request, status, to_tag="to-1", headers=headers))


@dataclass
class Stage:
    """An edge, its roster, and a phone's place."""

    roster: Roster
    edge: Forwarder = field(
        default_factory=lambda: Forwarder(EDGE[0], EDGE[1], Seal(SECRET))
    )

    def all(self, data: bytes, source: Hop = CALLER) -> list[Transmission]:
        return self.edge.receive(data, source, self.roster)

    def one(self, data: bytes, source: Hop = CALLER) -> Transmission:
        (sent,) = self.all(data, source)
        return sent

    def passed(self, data: bytes, source: Hop = CALLER) -> tuple[str, Request]:
        """To which worker's address, and how."""
        sent = self.one(data, source)
        assert sent.hop.host.startswith("10.0.1."), sent.hop
        return sent.hop.host, request_in(sent)

    def back(self, data: bytes, worker: str) -> Transmission:
        """What the edge makes of a worker's answer."""
        return self.one(data, Hop("UDP", worker, 5060))
