"""The edge as a hop of a message's way: its Via, and what passing on changes."""

from mediaworker.edge.roster import Worker
from mediaworker.sip.addresses import Uri
from mediaworker.sip.fields import MAGIC, Via
from mediaworker.sip.headers import Headers
from mediaworker.sip.messages import Request, Response, render
from mediaworker.sip.origins import Seal
from mediaworker.sip.parameters import NO_PARAMETERS
from mediaworker.sip.routing import Hop, Transmission

MOST_FORWARDS = 70


class OwnHop:
    def __init__(self, host: str, port: int, seal: Seal) -> None:
        """``host`` with brackets, where it is IPv6."""
        self._host = host
        self._port = port
        self.seal = seal

    def base_of(self, request: Request) -> str:
        """Of the branch: one for a transaction, its copies, the CANCEL of it, and the
        ACK of its refusal, each of which has the topmost Via of the first (16.11).

        That of RFC 2543 is no name by itself: so there is more in it.
        """
        via = request.via
        return self.seal.digest(
            via.branch or "",
            via.host,
            "" if via.port is None else str(via.port),
            request.call_id,
            request.from_tag or "",
            str(request.cseq.number),
        )

    @staticmethod
    def attempt_of(response: Response) -> tuple[str, int]:
        """The base, and how many workers were asked before; of a Via of ours."""
        branch = response.via.branch or ""
        base, _, attempt = branch.removeprefix(MAGIC).partition(".")
        return base, int(attempt)

    @staticmethod
    def passed(request: Request) -> Request:
        """One hop further, and without the Route that led to the edge (16.4)."""
        left = request.max_forwards
        forwards = MOST_FORWARDS if left is None else left - 1
        routes = request.routes[1:]
        return request.with_header("Max-Forwards", forwards).with_header(
            "Route", *routes
        )

    def to_worker(
        self, request: Request, source: Hop, base: str, attempt: int, worker: Worker
    ) -> Transmission:
        """By the transport that it came by: a worker's Contact names that one, and
        nobody repeats over UDP what came over a stream."""
        via = self._via(source, f"{MAGIC}{base}.{attempt}", request.call_id)
        data = render(request.with_via(via))
        return Transmission(data, Hop(source.transport, *worker.place))

    def ack(self, response: Response, origin: Hop, worker: Worker) -> Transmission:
        """Of a refusal that goes no further (RFC 3261 17.1.1.3)."""
        branch = response.via.branch or ""
        via = self._via(origin, branch, response.call_id)
        copied = ("From", "To", "Call-ID")
        host, port = worker.place
        request = Request(
            Headers(
                [
                    ("Via", str(via)),
                    *((name, response.headers.get(name) or "") for name in copied),
                    ("CSeq", f"{response.cseq.number} ACK"),
                    ("Max-Forwards", str(MOST_FORWARDS)),
                ]
            ),
            method="ACK",
            uri=Uri("sip", f"[{host}]" if ":" in host else host, port),
        )
        return Transmission(render(request), Hop(origin.transport, host, port))

    def _via(self, source: Hop, branch: str, call_id: str) -> Via:
        parameters = NO_PARAMETERS.with_value("branch", branch).with_value("rport")
        via = Via(source.transport, self._host, self._port, parameters)
        return self.seal.via(via, source, call_id)
