"""One-time tickets: what opens a socket where a browser cannot send a token."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.connections import UserId
from chalicelib.protocol.lease import Stamped
from chalicelib.protocol.session.fields import Name, Timestamp
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.retries import Retries

TICKET_SECONDS = 60
TICKET_MAX = 64
"""Characters; longer ones are none of ours."""


class BadTicket(Exception):
    """It was spent, it is too old, or there never was one."""


@dataclass(frozen=True, slots=True)
class Admission(Stamped):
    """Whom a ticket lets in, and until when."""

    tenant: Name
    uid: UserId
    role: Role
    expires_at_ms: Timestamp

    @property
    def principal(self) -> Principal:
        return Principal(self.tenant, self.uid, self.role)


class TicketRepository(Protocol):
    """Admissions by the hashes of their tickets."""

    def keep(self, digest: str, admission: Admission) -> None: ...

    def spend(self, digest: str) -> Admission | None:
        """Take it away; None for one that is not there, of two who ask one gets it."""


class TicketService:
    """Gives tickets, and takes each once."""

    def __init__(self, tickets: TicketRepository, clock: Clock, draws: Draws) -> None:
        self._tickets = tickets
        self._clock = clock
        self._draws = draws

    def issue(self, principal: Principal) -> str:
        """Good for `TICKET_SECONDS`. Raises `Unavailable`."""
        ticket = self._draws.token()
        admission = Admission(
            principal.tenant,
            principal.uid,
            principal.role,
            self._clock.now_ms() + TICKET_SECONDS * 1000,
        )
        retries = Retries(self._clock, self._draws)
        retries.repeat(lambda: self._tickets.keep(digest_of(ticket), admission))
        return ticket

    def spend(self, ticket: str) -> Principal:
        """Raises `BadTicket` or `Unavailable`."""
        if not 1 <= len(ticket) <= TICKET_MAX or not ticket.isascii():
            raise BadTicket("the ticket is not valid")
        retries = Retries(self._clock, self._draws)
        admission = retries.repeat(lambda: self._tickets.spend(digest_of(ticket)))
        if admission is None or admission.expires_at_ms <= self._clock.now_ms():
            raise BadTicket("the ticket is not valid any more")
        return admission.principal


def digest_of(ticket: str) -> str:
    """What is kept of a ticket."""
    return hashlib.sha256(ticket.encode()).hexdigest()
