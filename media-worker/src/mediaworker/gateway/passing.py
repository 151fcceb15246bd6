"""Whose session a request names: ours, or one that another worker has.

Applications come through a balancer, which knows nothing of sessions. An id that begins
with a live neighbour's is that neighbour's, the first time too: a session of an id of
the application's own choosing begins there, for that is where it would be sought. For
an id that names nobody the control plane is asked, if there are neighbours at all. A
new session that we would refuse, for we drain or are full, begins at a neighbour: no
balancer knows of that in time.

A request is passed on once: its next reader is told so by a header that only a worker
can write, and passes nothing on that bears it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.lease import Neighbour
from chalicelib.protocol.session.fields import SESSION_ID
from chalicelib.protocol.session.ids import worker_of
from chalicelib.protocol.tokens import Unauthenticated
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused, unauthenticated
from mediaworker.gateway.handshake import wants_socket
from mediaworker.gateway.head import Head, MalformedHead
from mediaworker.gateway.passage import Passage
from mediaworker.runtime.ports import Sessions

logger = logging.getLogger(__name__)

HOP = "x-parley-hop"
"""Whom the request is meant for, and the token of who passes it on."""
NAMED_BY_PATH: Mapping[str, frozenset[str]] = {
    "/call/kill/": frozenset({"GET", "POST"}),
    "/command/": frozenset({"POST"}),
    "/events/": frozenset({"GET"}),
}
MOST_PASSAGES = 1_000
MOST_SEARCHES = 64
"""At a time; beyond them an id that names nobody is taken for ours."""
SEARCH_SECONDS = 1.0
LATER = {"Retry-After": "1"}

Then = Callable[[Neighbour | None], None]


class Neighbours(Protocol):
    """The other workers."""

    @property
    def worker_id(self) -> str:
        """Our own."""

    def __len__(self) -> int: ...

    def find(self, worker_id: str) -> Neighbour | None: ...

    def taker(self) -> Neighbour | None:
        """One that does not drain, another each time."""

    async def holder(self, tenant: str, session_id: str) -> Neighbour | None:
        """Whoever of them has the session; None for one of our own too."""


@dataclass(frozen=True, slots=True)
class Search:
    """A session that may be anywhere."""

    tenant: str
    session_id: str
    head: Head


class Passing:
    """Tells where requests belong, and keeps the passages, while `run` runs."""

    def __init__(
        self,
        sessions: Sessions,
        doorkeeper: Doorkeeper,
        neighbours: Neighbours,
        token: Callable[[], str],
        has_room: Callable[[], bool],
    ) -> None:
        """``token`` proves that we are a worker; ``has_room`` tells whether a new
        session can begin here."""
        self._sessions = sessions
        self._doorkeeper = doorkeeper
        self._neighbours = neighbours
        self._token = token
        self._has_room = has_room
        self._tasks: asyncio.TaskGroup | None = None
        self._live: set[Passage] = set()
        self._searches = 0
        self._passed = 0
        self._frames_dropped = 0

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.Event().wait()

    def readings(self) -> Mapping[str, float]:
        dropped = sum(passage.frames_dropped for passage in self._live)
        return {
            "passage_frames_dropped_total": self._frames_dropped + dropped,
            "passages": len(self._live),
            "passages_total": self._passed,
        }

    def place_of(self, head: Head) -> Neighbour | Search | None:
        """None: here. Raises `Refused` for what no worker of ours has passed on."""
        if HOP in head.fields:
            self._check_hop(head.fields[HOP])
            return None
        if not len(self._neighbours):
            return None
        session_id = session_named(head)
        if session_id is None:
            return self._refuge(head)
        if self._is_here(session_id):
            return None
        owner = worker_of(session_id)
        if owner == self._neighbours.worker_id:
            return self._refuge(head)
        principal = self._admitted(head)
        if principal is None:
            return None
        found = None if owner is None else self._neighbours.find(owner)
        return found or self._search(principal, session_id, head)

    def search(self, search: Search, then: Then) -> None:
        """``then`` is called once, soon."""
        assert self._tasks is not None
        self._searches += 1
        self._tasks.create_task(self._seek(search, then))

    def enter(self, neighbour: Neighbour, request: bytes) -> Passage:
        """The protocol of a connection whose request was read; raises `Refused`."""
        if self._tasks is None or len(self._live) >= MOST_PASSAGES:
            raise Refused(503, "too many connections are passed on", LATER)
        passage = Passage(
            neighbour,
            marked(request, f"{neighbour.worker_id} {self._token()}"),
            self._reach,
            self._forget,
        )
        self._live.add(passage)
        self._passed += 1
        return passage

    def close(self) -> None:
        """The port closes."""
        for passage in list(self._live):
            passage.close()

    def _reach(self, passage: Passage) -> None:
        assert self._tasks is not None
        self._tasks.create_task(passage.reach())

    def _forget(self, passage: Passage) -> None:
        self._live.discard(passage)
        self._frames_dropped += passage.frames_dropped

    def _check_hop(self, text: str) -> None:
        meant, _, token = text.partition(" ")
        try:
            self._doorkeeper.admit_part({"authorization": f"Bearer {token}"})
        except Unauthenticated as error:
            raise unauthenticated(error) from None
        if meant != self._neighbours.worker_id:
            raise Refused(503, "another worker was meant", LATER)

    def _is_here(self, session_id: str) -> bool:
        return any(view.session_id == session_id for view in self._sessions.views())

    def _admitted(self, head: Head) -> Principal | None:
        """Who is not let in hears so here, and learns nothing of our neighbours."""
        with suppress(Unauthenticated, MalformedHead):
            return self._doorkeeper.admit(head.fields, head.query())
        return None

    def _refuge(self, head: Head) -> Neighbour | None:
        """For a session that cannot begin here."""
        is_concerned = wants_socket(head) and not self._has_room()
        if not is_concerned or self._admitted(head) is None:
            return None
        return self._neighbours.taker()

    def _search(
        self, principal: Principal, session_id: str, head: Head
    ) -> Neighbour | Search | None:
        if self._tasks is None or self._searches >= MOST_SEARCHES:
            return self._refuge(head)
        return Search(principal.tenant, session_id, head)

    async def _seek(self, search: Search, then: Then) -> None:
        found = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(SEARCH_SECONDS):
                    found = await self._neighbours.holder(
                        search.tenant, search.session_id
                    )
        finally:
            self._searches -= 1
        then(found or self._refuge(search.head))


def session_named(head: Head) -> str | None:
    """The id of the session that a request is about, if it is about one."""
    if wants_socket(head):
        with suppress(MalformedHead):
            return _session_id(head.query().get("id", ""))
        return None
    for prefix, methods in NAMED_BY_PATH.items():
        if head.method in methods and head.path.startswith(prefix):
            return _session_id(unquote(head.path.removeprefix(prefix)))
    return None


def _session_id(text: str) -> str | None:
    return text if SESSION_ID.match(text) else None


def marked(request: bytes, hop: str) -> bytes:
    """The request, with the header that says who has passed it on to whom."""
    line, end, rest = request.partition(b"\r\n")
    return line + end + f"{HOP}: {hop}\r\n".encode("ascii") + rest
