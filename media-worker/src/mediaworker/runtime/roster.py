"""All sessions of this worker, as its HTTP port sees them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.lease import EndSession
from chalicelib.protocol.session.ids import session_id
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import CallType, HangupReason
from mediaworker.runtime import clock as world
from mediaworker.runtime.house import House, Occupant
from mediaworker.runtime.ports import (
    Draining,
    IdInUse,
    NotYours,
    Overloaded,
    Peer,
    SessionHandle,
    SessionView,
)
from mediaworker.runtime.seat import SYSTEM, Seat
from mediaworker.session.identity import Identity
from mediaworker.session.machine import Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Draws:
    """What is drawn for a new session, and the hour."""

    uuid: Callable[[], str] = world.new_uuid
    ssrc: Callable[[], int] = world.new_ssrc
    epoch_ms: Callable[[], int] = world.epoch_ms


class Roster:
    """Opens sessions, finds them, and forgets them when they are over."""

    def __init__(
        self,
        house: House,
        worker_id: str,
        epoch: int,
        capacity: int,
        is_overloaded: Callable[[], bool],
        draws: Draws | None = None,
    ) -> None:
        self._house = house
        self._worker_id = worker_id
        self._epoch = epoch
        self._capacity = capacity
        self._is_overloaded = is_overloaded
        self._draws = draws or Draws()
        self._seats: dict[str, Seat] = {}
        self._is_draining = False
        self.opened = 0
        self.refused = 0

    def __len__(self) -> int:
        return len(self._seats)

    def open(
        self, principal: Principal, query: SessionQuery, call_type: CallType, peer: Peer
    ) -> SessionHandle:
        """Raises `Refusal`."""
        held = None if query.id is None else self._seats.get(query.id)
        if held is not None:
            return _resumed(held, principal, peer)
        self._check_room()
        chosen = query.id or session_id(self._worker_id, self._draws.uuid())
        seat = self._seated(chosen, principal, query, call_type)
        self._seats[chosen] = seat
        self.opened += 1
        seat.attach(peer)
        return seat

    def views(self) -> tuple[SessionView, ...]:
        return tuple(seat.view for seat in self._seats.values())

    def end(self, order: EndSession) -> bool:
        seat = self._seats.get(order.session_id)
        if seat is None:
            return False
        seat.end(order.reason, order.initiator)
        return True

    def forget(self, seat: Occupant) -> None:
        """It is over."""
        self._seats.pop(seat.session_id, None)

    def drain(self) -> None:
        """Open no more."""
        self._is_draining = True

    def end_all(self, sentence: str) -> None:
        for seat in tuple(self._seats.values()):
            seat.end(HangupReason.BY_SYSTEM, SYSTEM, sentence, 503)

    def handle_timers(self, now: float) -> None:
        for seat in tuple(self._seats.values()):
            if seat.timer_at is not None and seat.timer_at <= now:
                seat.handle_timer(now)

    def _check_room(self) -> None:
        if self._is_draining:
            self.refused += 1
            raise Draining("the worker takes no more sessions")
        if len(self._seats) >= self._capacity or self._is_overloaded():
            self.refused += 1
            raise Overloaded("the worker takes no more sessions now")

    def _seated(
        self,
        chosen: str,
        principal: Principal,
        query: SessionQuery,
        call_type: CallType,
    ) -> Seat:
        identity = Identity(
            session_id=chosen,
            tenant=principal.tenant,
            uid=principal.uid,
            call_type=call_type,
            worker_id=self._worker_id,
            epoch=self._epoch,
            ssrc=self._draws.ssrc(),
            server_side_track=query.server_side_track,
        )
        now, epoch_ms = self._house.clock(), self._draws.epoch_ms()
        session = Session(
            identity, query, epoch_at_zero_ms=epoch_ms - int(now * 1_000), now=now
        )
        view = SessionView(chosen, principal.tenant, principal.uid, call_type, epoch_ms)
        return Seat(session, view, self._house)


def _resumed(seat: Seat, principal: Principal, peer: Peer) -> Seat:
    view = seat.view
    if (view.tenant, view.uid) != (principal.tenant, principal.uid):
        raise NotYours("the session is somebody else's")
    if seat.is_attached:
        raise IdInUse("the session's socket is alive")
    logger.info("socket resumed", extra={"session_id": view.session_id})
    seat.attach(peer)
    return seat
