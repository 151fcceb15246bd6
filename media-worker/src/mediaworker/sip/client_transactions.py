"""Requests of ours, until nothing comes of them any more (RFC 3261 section 17.1)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from mediaworker.sip.addresses import Uri
from mediaworker.sip.messages import Response, build_request, render
from mediaworker.sip.reasons import phrase_of
from mediaworker.sip.routing import Hop
from mediaworker.sip.station import Station
from mediaworker.sip.statuses import TIMED_OUT, UNAVAILABLE
from mediaworker.sip.transactions import (
    CLIENT_INVITE,
    CLIENT_OTHER,
    Action,
    Transaction,
    input_of,
)

MAX_FORWARDS = "70"

Fields = tuple[tuple[str, str], ...]
ClientKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that has no Via yet."""

    method: str
    uri: Uri
    from_value: str
    to_value: str
    call_id: str
    number: int
    """Of CSeq."""
    routes: tuple[str, ...] = ()
    headers: Fields = ()
    body: bytes = field(default=b"", repr=False)
    content_type: str | None = None

    def rendered(self, via: str) -> bytes:
        """Raises ValueError for what no request can carry."""
        fields = [
            ("Via", via),
            ("Max-Forwards", MAX_FORWARDS),
            *(("Route", route) for route in self.routes),
            ("From", self.from_value),
            ("To", self.to_value),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self.number} {self.method}"),
            *self.headers,
        ]
        request = build_request(
            self.method,
            self.uri,
            fields,
            body=self.body,
            content_type=self.content_type,
        )
        return render(request)

    def companion(self, method: str, to_value: str) -> "Draft":
        """The CANCEL, or the ACK of a refusal (9.1, 17.1.1.3)."""
        return Draft(
            method,
            self.uri,
            self.from_value,
            to_value,
            self.call_id,
            self.number,
            self.routes,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request so far; without a response when nothing came at all."""

    status: int
    phrase: str
    response: Response | None = None


Tell = Callable[[Outcome, float], None]


class ClientTransaction(Transaction):
    def __init__(
        self,
        station: Station,
        draft: Draft,
        hop: Hop,
        branch: str,
        tell: Tell,
        release: Callable[["ClientTransaction", float], None],
    ) -> None:
        machine = CLIENT_INVITE if draft.method == "INVITE" else CLIENT_OTHER
        super().__init__(
            machine,
            station.agenda,
            station.timers,
            is_reliable=hop.transport != "UDP",
        )
        self.draft = draft
        self.hop = hop
        self.branch = branch
        self._station = station
        self._tell = tell
        self._release = release
        self._via = station.identity.via(hop.transport, branch)
        self._data = draft.rendered(self._via)
        self._ack: bytes | None = None
        self._response: Response | None = None

    @property
    def key(self) -> ClientKey:
        """What its responses are known by (17.1.3)."""
        return (self.branch, self.draft.method)

    def start(self, now: float) -> None:
        super().start(now)
        self._station.transmit(self._data, self.hop)

    def receive(self, response: Response, now: float) -> None:
        self._response = response
        self.feed(input_of(response.status), now)
        self._response = None

    def do(self, action: Action, now: float) -> None:
        if action is Action.SEND:
            self._station.transmit(self._data, self.hop)
        elif action is Action.ACK:
            self._acknowledge()
        elif action is Action.TELL:
            response = self._told()
            self._tell(Outcome(response.status, response.phrase, response), now)
        else:
            status = TIMED_OUT if action is Action.TIME_OUT else UNAVAILABLE
            self._tell(Outcome(status, phrase_of(status)), now)

    def ended(self, now: float) -> None:
        release = self._release
        # They lead back here.
        self._release, self._tell = _nobody, _nobody
        release(self, now)

    def _acknowledge(self) -> None:
        if self._ack is None:
            to_value = self._told().headers.get("To") or ""
            self._ack = self.draft.companion("ACK", to_value).rendered(self._via)
        self._station.transmit(self._ack, self.hop)

    def _told(self) -> Response:
        """What a response's input comes with."""
        assert self._response is not None
        return self._response


def _nobody(told: object, now: float) -> None:
    """Nothing is told after the end."""
