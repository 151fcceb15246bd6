"""Applications' sockets that API Gateway holds, and the workers behind them.

Its functions run side by side and keep nothing: which worker has a connection stands
in the repository, written once. A connection whose worker is gone is closed, and the
client comes back.

RelayRefused
├── what a worker says of a session that it does not open
├── WorkerGone       the session's worker, or every worker, is out of reach    503
└── AudioNotCarried  a call whose audio goes over its socket                   400
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.connections import ConnectionId, UserId
from chalicelib.protocol.lease import Epoch, Lease, Stamped, WorkerId
from chalicelib.protocol.relay import (
    RELAYED,
    Frame,
    Gone,
    Open,
    RelayMessages,
    cseq_of,
)
from chalicelib.protocol.session.fields import SESSION_ID, Name, Timestamp
from chalicelib.protocol.session.ids import worker_of
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.services.fleet import FleetService
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.retries import Retries, Unavailable
from chalicelib.services.sessions import SessionService

log = logging.getLogger(__name__)

_T = TypeVar("_T")

MOST_WORKERS_ASKED = 3
LATER_SECONDS = 5
UNAVAILABLE = 503
NOT_FOUND = 404
PASSED_ON = frozenset({400, 403, 409, 501, UNAVAILABLE})
ATTEMPTS = 2
"""The same frame twice is one: workers know its number."""


class RelayRefused(Exception):
    """A socket is not let in; the sentence is for the application."""

    def __init__(
        self, status: int, sentence: str, retry_after_seconds: int | None = None
    ) -> None:
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        super().__init__(sentence)


class WorkerGone(RelayRefused):
    def __init__(self) -> None:
        super().__init__(UNAVAILABLE, "no worker can take the call now", LATER_SECONDS)


class AudioNotCarried(RelayRefused):
    def __init__(self, ws_url: str | None) -> None:
        at_worker = f"{ws_url}/call" if ws_url else "a worker's own address"
        sentence = f"audio is not carried here: connect to {at_worker}"
        super().__init__(400, f"{sentence}, or ask for type=webrtc or type=sip")


@dataclass(frozen=True, slots=True)
class Connection(Stamped):
    """Where a connection's session is."""

    connection_id: ConnectionId
    worker_id: WorkerId
    epoch: Epoch
    address: Name
    tenant: Name
    uid: UserId
    opened_at_ms: Timestamp


@dataclass(frozen=True, slots=True)
class Arrival:
    """A client that wants to be let in."""

    connection_id: str
    principal: Principal
    call_type: CallType
    query: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What a worker said; None for the status of one that was not reached."""

    status: int | None
    sentence: str = ""
    retry_after_seconds: int | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class ConnectionRepository(Protocol):
    """Connections by their ids. Forgotten after the longest that one lives."""

    def keep(self, connection: Connection) -> None: ...

    def find(self, connection_id: str) -> Connection | None: ...

    def forget(self, connection_id: str) -> None:
        """Also one that is not there."""


class RelayDoor(Protocol):
    """Workers' own ports."""

    def relay(self, address: str, message: RelayMessages) -> DoorAnswer:
        """Never raises for what the other side does."""


class SocketCloser(Protocol):
    """The gateway, as who closes sockets sees it."""

    def close(self, connection_id: str) -> None:
        """Never raises for what the other side does."""


class RelayService:
    """Lets sockets in, and carries what comes over them to their workers."""

    def __init__(
        self,
        connections: ConnectionRepository,
        fleet: FleetService,
        sessions: SessionService,
        door: RelayDoor,
        sockets: SocketCloser,
        clock: Clock,
        draws: Draws,
        endpoint: str,
    ) -> None:
        """``endpoint`` is where workers post to, without ``/@connections``."""
        self._connections = connections
        self._fleet = fleet
        self._sessions = sessions
        self._door = door
        self._sockets = sockets
        self._clock = clock
        self._draws = draws
        self._endpoint = endpoint

    def connect(self, arrival: Arrival) -> None:
        """Raises `RelayRefused` or `Unavailable`."""
        if arrival.call_type not in RELAYED:
            takers = self._fleet.takers()
            raise AudioNotCarried(takers[0].ws_url if takers else None)
        lease = self._opened(arrival, self._workers_for(arrival))
        connection = Connection(
            connection_id=arrival.connection_id,
            worker_id=lease.worker_id,
            epoch=lease.epoch,
            address=lease.address,
            tenant=arrival.principal.tenant,
            uid=arrival.principal.uid,
            opened_at_ms=self._clock.now_ms(),
        )
        try:
            self._repeat(lambda: self._connections.keep(connection))
        except Unavailable:
            self._door.relay(lease.address, Gone(arrival.connection_id, False))
            raise

    def forward(self, connection_id: str, text: str) -> None:
        """Close the socket whose session is not to be found. Raises `Unavailable`."""
        connection = self._repeat(lambda: self._connections.find(connection_id))
        if connection is None:
            self._sockets.close(connection_id)
            return
        frame = Frame(connection_id, text, cseq_of(text))
        for _ in range(ATTEMPTS):
            answer = self._door.relay(connection.address, frame)
            if answer.is_taken:
                return
            if answer.status == NOT_FOUND:
                break
        log.warning(
            "frame not taken",
            extra={"worker_id": connection.worker_id, "status": answer.status},
        )
        self._repeat(lambda: self._connections.forget(connection_id))
        self._sockets.close(connection_id)

    def disconnect(self, connection_id: str, is_clean: bool) -> None:
        """A hint: the worker finds out by itself when it posts next. Raises
        `Unavailable`."""
        connection = self._repeat(lambda: self._connections.find(connection_id))
        if connection is not None:
            self._door.relay(connection.address, Gone(connection_id, is_clean))
            self._repeat(lambda: self._connections.forget(connection_id))

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)

    def _opened(self, arrival: Arrival, leases: Iterable[Lease]) -> Lease:
        opened = Open(
            connection_id=arrival.connection_id,
            endpoint=self._endpoint,
            tenant=arrival.principal.tenant,
            uid=arrival.principal.uid,
            role=arrival.principal.role,
            call_type=arrival.call_type,
            query=arrival.query,
        )
        refusal: RelayRefused = WorkerGone()
        for lease in leases:
            answer = self._door.relay(lease.address, opened)
            if answer.is_taken:
                return lease
            refusal = _refusal(answer)
            if refusal.status != UNAVAILABLE:
                break
        raise refusal

    def _workers_for(self, arrival: Arrival) -> tuple[Lease, ...]:
        """The one that has the session already; else those that take new ones."""
        session_id = arrival.query.get("id", "")
        takers = self._fleet.takers()[:MOST_WORKERS_ASKED]
        if not SESSION_ID.match(session_id):
            return takers
        for session in self._sessions.of_id(arrival.principal.tenant, session_id):
            if lease := self._fleet.live(session.key.worker_id):
                return (lease,)
        hinted = worker_of(session_id)
        lease = None if hinted is None else self._fleet.live(hinted)
        return takers if lease is None else (lease, *takers)


def _refusal(answer: DoorAnswer) -> RelayRefused:
    """What the application can understand; the rest is between us."""
    if answer.status not in PASSED_ON:
        return WorkerGone()
    return RelayRefused(answer.status, answer.sentence, answer.retry_after_seconds)
