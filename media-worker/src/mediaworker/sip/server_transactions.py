"""Requests of others, until they need no response any more (RFC 3261 section 17.2)."""

from collections.abc import Callable

from mediaworker.sip.messages import Request, render, response_to
from mediaworker.sip.routing import DEFAULT_PORT, Hop, unbracketed
from mediaworker.sip.station import Station
from mediaworker.sip.transactions import (
    SERVER_INVITE,
    SERVER_OTHER,
    Action,
    Input,
    State,
    Transaction,
    input_of,
)

Fields = tuple[tuple[str, str], ...]
ServerKey = tuple[str, ...]


class ServerTransaction(Transaction):
    def __init__(
        self,
        station: Station,
        request: Request,
        hop: Hop,
        release: Callable[["ServerTransaction", float], None],
    ) -> None:
        """`hop` is where its responses go."""
        is_invite = request.method == "INVITE"
        super().__init__(
            SERVER_INVITE if is_invite else SERVER_OTHER,
            station.agenda,
            station.timers,
            is_reliable=hop.transport != "UDP",
        )
        self.request = request
        self.key = key_of(request)
        self.merge_key = merge_key_of(request)
        self.hop = hop
        self.tag = station.ids()
        """What To gets in the responses, where it has none."""
        self.on_cancel: Callable[[Request, float], None] | None = None
        """What a CANCEL of it does, while it has no final response."""
        self.on_release: Callable[[float], None] | None = None
        self._station = station
        self._release = release
        self._data = b""

    @property
    def is_answered(self) -> bool:
        return self.state not in (State.TRYING, State.PROCEEDING)

    def reply(
        self,
        status: int,
        now: float,
        *,
        phrase: str | None = None,
        headers: Fields = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> None:
        """Before a final one was given. Raises ValueError for what no response can
        carry, and has changed nothing then."""
        assert not self.is_answered
        response = response_to(
            self.request,
            status,
            phrase,
            to_tag=self.tag,
            headers=headers,
            body=body,
            content_type=content_type,
        )
        self._data = render(response)
        self.feed(input_of(status), now)

    def repeat(self, now: float) -> None:
        """Send the 2xx again, as its sender does until ACK comes (13.3.1.4)."""
        self.feed(Input.SUCCESS, now)

    def do(self, action: Action, now: float) -> None:
        self._station.transmit(self._data, self.hop)

    def ended(self, now: float) -> None:
        self._release(self, now)
        release, self.on_release, self.on_cancel = self.on_release, None, None
        if release is not None:
            release(now)


def key_of(request: Request) -> ServerKey:
    """What a copy has in common with its original, and an ACK with its INVITE."""
    via, method = request.via, request.method
    if method == "ACK":
        method = "INVITE"
    if via.has_magic_branch:
        port = str(via.port or DEFAULT_PORT)
        return (via.branch or "", unbracketed(via.host), port, method)
    number = str(request.cseq.number)
    tag = request.from_tag or ""
    return (str(request.uri), tag, request.call_id, number, str(via), method)


def cancelled_key_of(request: Request) -> ServerKey:
    """Of the INVITE that a CANCEL means (9.2)."""
    return (*key_of(request)[:-1], "INVITE")


def merge_key_of(request: Request) -> ServerKey | None:
    """What copies of one request have in common that came several ways (8.2.2.2)."""
    if request.to_tag is not None or request.method == "CANCEL":
        return None
    number = str(request.cseq.number)
    return (request.from_tag or "", request.call_id, number, request.method)
