"""The transaction layer: what is matched, and kept until it is over."""

from collections.abc import Callable
from functools import partial

from mediaworker.sip.client_transactions import (
    ClientKey,
    ClientTransaction,
    Draft,
    Tell,
)
from mediaworker.sip.messages import Request, Response
from mediaworker.sip.routing import DEFAULT_PORT, Hop
from mediaworker.sip.server_transactions import (
    ServerKey,
    ServerTransaction,
    cancelled_key_of,
    key_of,
)
from mediaworker.sip.station import Station
from mediaworker.sip.transactions import Input, State


class Layer:
    def __init__(self, station: Station) -> None:
        self._station = station
        self._clients: dict[ClientKey, ClientTransaction] = {}
        self._servers: dict[ServerKey, ServerTransaction] = {}
        self._merged: dict[ServerKey, ServerTransaction] = {}

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def is_full(self) -> bool:
        return len(self) >= self._station.limits.transactions

    # Requests of ours

    def request(
        self,
        draft: Draft,
        hop: Hop,
        tell: Tell,
        now: float,
        *,
        release: Callable[[float], None] | None = None,
        branch: str | None = None,
    ) -> ClientTransaction:
        """`release` is called when nothing comes of it any more.

        Raises ValueError for what no request can carry.
        """
        transaction = ClientTransaction(
            self._station,
            draft,
            hop,
            branch or self._station.branch(),
            tell,
            partial(self._forget_client, release),
        )
        self._clients[transaction.key] = transaction
        transaction.start(now)
        return transaction

    def receive_response(self, response: Response, now: float) -> None:
        """Those that answer nothing of ours are dropped."""
        via = response.via
        station = self._station
        ports = station.identity.ports
        own_port = ports.get("UDP" if via.transport == "UDP" else "TCP")
        is_ours = (
            len(response.vias) == 1
            and station.is_named(via.host)
            and (via.port or DEFAULT_PORT) == own_port
        )
        if is_ours:
            key = (via.branch or "", response.cseq.method)
            transaction = self._clients.get(key)
            if transaction is not None:
                transaction.receive(response, now)

    def fail(self, hop: Hop, now: float) -> None:
        """What goes there does not come to its end."""
        for ours in tuple(self._clients.values()):
            if ours.hop.is_same_as(hop):
                ours.feed(Input.UNSENT, now)
        for theirs in tuple(self._servers.values()):
            if theirs.hop.is_same_as(hop):
                theirs.feed(Input.UNSENT, now)

    def _forget_client(
        self,
        release: Callable[[float], None] | None,
        transaction: ClientTransaction,
        now: float,
    ) -> None:
        del self._clients[transaction.key]
        if release is not None:
            release(now)

    # Requests of others

    def has_taken(self, request: Request, now: float) -> bool:
        """Whether it belongs to a transaction that is there: a copy, or an ACK.

        The ACK of a 2xx does not, though some send it with its INVITE's branch.
        """
        transaction = self._servers.get(key_of(request))
        is_ack = request.method == "ACK"
        if transaction is None or (is_ack and transaction.state is State.ACCEPTED):
            return False
        transaction.feed(Input.ACK if is_ack else Input.REQUEST, now)
        return True

    def serve(self, request: Request, hop: Hop, now: float) -> ServerTransaction:
        """A new one; its responses go to `hop`."""
        transaction = ServerTransaction(
            self._station, request, hop, self._forget_server
        )
        self._servers[transaction.key] = transaction
        if transaction.merge_key is not None:
            self._merged.setdefault(transaction.merge_key, transaction)
        transaction.start(now)
        return transaction

    def is_merged(self, transaction: ServerTransaction) -> bool:
        """Whether the same request has come by another way (8.2.2.2)."""
        key = transaction.merge_key
        return key is not None and self._merged[key] is not transaction

    def cancelled_by(self, request: Request) -> ServerTransaction | None:
        return self._servers.get(cancelled_key_of(request))

    def _forget_server(self, transaction: ServerTransaction, now: float) -> None:
        del self._servers[transaction.key]
        key = transaction.merge_key
        if key is not None and self._merged.get(key) is transaction:
            del self._merged[key]
