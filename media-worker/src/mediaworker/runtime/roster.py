"""All sessions of this worker, as its HTTP port sees them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.lease import EndSession
from chalicelib.protocol.session.ids import session_id
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import CallType, HangupReason
from chalicelib.protocol.vocabulary import Role
from mediaworker.runtime import clock as world
from mediaworker.runtime.accounts import LegTotals
from mediaworker.runtime.house import House
from mediaworker.runtime.legs import LegMaker, Legs
from mediaworker.runtime.life import SYSTEM
from mediaworker.runtime.occupant import Occupant
from mediaworker.runtime.ports import (
    Draining,
    IdInUse,
    NotBuilt,
    NotYours,
    Overloaded,
    Peer,
    SessionHandle,
    SessionView,
    Watcher,
)
from mediaworker.runtime.seat import Seat
from mediaworker.session.identity import Identity
from mediaworker.session.machine import DEFAULT_RULES, Session
from mediaworker.session.rules import Rules

logger = logging.getLogger(__name__)

NO_MORE = "the worker takes no more sessions"


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
        legs: Legs,
        draws: Draws | None = None,
        rules: Rules = DEFAULT_RULES,
    ) -> None:
        self._house = house
        self._worker_id = worker_id
        self._epoch = epoch
        self._capacity = capacity
        self._is_overloaded = is_overloaded
        self._legs = legs
        self._draws = draws or Draws()
        self._rules = rules
        self._seats: dict[str, Seat] = {}
        self._is_draining = False
        self._ended_legs = LegTotals()
        self._told_legs = LegTotals()
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
        maker = self._maker(call_type)
        self._check_room()
        chosen = query.id or session_id(self._worker_id, self._draws.uuid())
        seat = self._seated(chosen, principal, query, call_type)
        if maker is not None:
            seat.equip(
                maker, listen=query.listen, is_privileged=principal.is_privileged
            )
        self._seats[chosen] = seat
        self.opened += 1
        if query.is_dumped and (dump := self._house.archive.dump_of(seat.view)):
            seat.watch(dump)
        seat.attach(peer)
        return seat

    def find(self, session_id: str) -> Seat | None:
        """One that lives."""
        return self._seats.get(session_id)

    def views(self) -> tuple[SessionView, ...]:
        return tuple(seat.view for seat in self._seats.values())

    def end(self, order: EndSession) -> bool:
        seat = self._seats.get(order.session_id)
        if seat is None:
            return False
        seat.end(order.reason, order.initiator)
        return True

    def receive(self, session_id: str, command: bytes) -> bool:
        """Raises `Overloaded`."""
        seat = self._seats.get(session_id)
        if seat is not None:
            seat.receive_aside(command)
        return seat is not None

    def watch(self, session_id: str, watcher: Watcher) -> Callable[[], None] | None:
        """Raises `Overloaded`."""
        seat = self._seats.get(session_id)
        return None if seat is None else seat.watch(watcher)

    def forget(self, seat: Occupant) -> None:
        """It is over."""
        gone = self._seats.pop(seat.session_id, None)
        if gone is not None:
            self._ended_legs = _plus(self._ended_legs, gone)

    def legs(self) -> Mapping[CallType, int]:
        """How many there are now, for each type of call that can have one."""
        live = [seat.view.call_type for seat in self._seats.values() if seat.leg]
        return {call_type: live.count(call_type) for call_type in self._legs}

    def leg_totals(self) -> LegTotals:
        """Of all legs since the worker began."""
        totals = self._ended_legs
        for seat in tuple(self._seats.values()):
            totals = _plus(totals, seat)
        self._told_legs = totals.at_least(self._told_legs)
        return self._told_legs

    def drain(self) -> None:
        """Open no more; who waits for calls has none to wait for any more."""
        self._is_draining = True
        for seat in tuple(self._seats.values()):
            if seat.session.only_listens:
                seat.end(HangupReason.BY_SYSTEM, SYSTEM, NO_MORE, 503)

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
            raise Draining(NO_MORE)
        if len(self._seats) >= self._capacity or self._is_overloaded():
            self.refused += 1
            raise Overloaded("the worker takes no more sessions now")

    def _maker(self, call_type: CallType) -> LegMaker | None:
        """None for who needs no leg; raises `NotBuilt`."""
        if call_type is CallType.WEBSOCKET:
            return None
        if call_type not in self._legs:
            sentence = f"calls over {call_type} are not built here: use /call"
            raise NotBuilt(sentence)
        return self._legs[call_type]

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
            identity,
            query,
            epoch_at_zero_ms=epoch_ms - int(now * 1_000),
            now=now,
            rules=self._rules,
        )
        view = SessionView(chosen, principal.tenant, principal.uid, call_type, epoch_ms)
        is_admins = principal.role is Role.ADMIN
        return Seat(session, view, self._house, is_admins=is_admins)


def _resumed(seat: Seat, principal: Principal, peer: Peer) -> Seat:
    view = seat.view
    if (view.tenant, view.uid) != (principal.tenant, principal.uid):
        raise NotYours("the session is somebody else's")
    if seat.is_attached:
        raise IdInUse("the session's socket is alive")
    logger.info("socket resumed", extra={"session_id": view.session_id})
    seat.attach(peer)
    return seat


def _plus(totals: LegTotals, seat: Seat) -> LegTotals:
    statistics = seat.statistics()
    return totals if statistics is None else totals.plus(statistics)
