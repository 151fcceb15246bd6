"""A session's life in the worker: it is told of things, has them done, and ends."""

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from chalicelib.protocol.lease import DialogFacts, Fact, SessionEnded
from chalicelib.protocol.session.codec import as_text, render_event
from chalicelib.protocol.session.events import Event
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.runtime.accounts import Account
from mediaworker.runtime.farend import FarEnd
from mediaworker.runtime.house import House
from mediaworker.runtime.legs import Holder, Leg, LegMaker, LegStatistics
from mediaworker.runtime.line import Line
from mediaworker.runtime.ports import Peer, Refusal, SessionView
from mediaworker.runtime.watchers import Watchers
from mediaworker.session.effects import Effect
from mediaworker.session.legs import DropLeg, LegEvent
from mediaworker.session.machine import Session

logger = logging.getLogger(__name__)

SYSTEM = "system"
INTERNAL_ERROR = 500
CLOSED_BY_FAULT = 1_011


class Life(ABC):
    """Between a session's machine, its application and its leg.

    Whatever goes wrong within ends this session, and touches no other.
    """

    def __init__(self, session: Session, view: SessionView, house: House) -> None:
        self.session = session
        self.is_playing = False
        """There may be a frame to take."""
        self.timer_at: float | None = None
        """When the session, or its lost socket, wants to be looked at."""
        self._view = view
        self._house = house
        self._line = Line()
        self._far = FarEnd()
        self._watchers = Watchers()
        self._account = Account()
        self._effects: deque[Effect] = deque()
        self._lost_until: float | None = None
        self._trouble: Exception | None = None
        """What befell the leg before there was a socket."""
        self._has_begun = False
        self._is_settling = False
        self._is_closed = False

    @abstractmethod
    def close(self, code: int, reason: str) -> None:
        """The session is over, and has told it."""

    @abstractmethod
    def _perform(self, effect: Effect) -> None:
        """Do what the session wants done."""

    @abstractmethod
    def _pass_on(self, event: Event) -> None:
        """The application was told it; others may want to know too."""

    @abstractmethod
    def _hear_leg(self, event: LegEvent, now: float) -> None:
        """The leg has told it."""

    @property
    def session_id(self) -> str:
        return self._view.session_id

    @property
    def view(self) -> SessionView:
        """As the session is now."""
        session = self.session
        return replace(self._view, caller=session.caller, callee=session.callee)

    @property
    def is_attached(self) -> bool:
        """Whether its socket is there."""
        return self._line.is_attached

    @property
    def leg(self) -> Leg | None:
        """None for who has none, or none any more."""
        return self._far.leg

    def equip(
        self,
        maker: LegMaker,
        *,
        listen: str | None = None,
        is_privileged: bool = False,
    ) -> None:
        """Give it its leg, before its first socket; raises `Refusal`."""
        view = self._view
        holder = Holder(
            view.session_id,
            view.tenant,
            view.uid,
            self._leg_told,
            self._leg_lost,
            listen,
            is_privileged,
            lambda: self.is_attached,
        )
        try:
            self._far.leg = maker(holder)
        except Refusal:
            raise
        except Exception as error:
            self._trouble = error

    def attach(self, peer: Peer) -> None:
        """The session's first socket, or the one that resumes it."""
        self._lost_until = None
        self._has_begun = True
        self._line.attach(peer)
        self._attend(lambda now: None)
        if self._trouble is not None:
            self.fail(self._trouble)

    def counted(self, fact: Fact) -> Fact:
        """With what went over the socket or the leg, which only the seat has seen."""
        if not isinstance(fact, SessionEnded):
            return fact
        counted = self._account.counted(fact, self.statistics())
        return replace(counted, dialog=self._dialog())

    def _dialog(self) -> DialogFacts | None:
        try:
            return self._far.dialog
        except Exception as error:
            self.fail(error)
            return None

    def statistics(self) -> LegStatistics | None:
        """Of its leg, if it has one."""
        try:
            return self._far.statistics
        except Exception as error:
            self.fail(error)
            return None

    def end(
        self,
        reason: str,
        initiator: str,
        error: str | None = None,
        code: int | None = None,
    ) -> None:
        """Hang up, whatever the session is doing."""
        self._attend(lambda now: self.session.end(reason, initiator, now, error, code))

    def fail(self, error: Exception) -> None:
        """The session cannot go on; all others can."""
        if self._is_closed:
            return
        named = {"session_id": self.session_id}
        logger.error("session failed", exc_info=error, extra=named)
        now = self._house.clock()
        try:
            self.session.end(
                HangupReason.FAILED, SYSTEM, now, "the session failed", INTERNAL_ERROR
            )
            self._settle(now)
        except Exception:
            logger.exception("session cut", extra=named)
            self.close(CLOSED_BY_FAULT, "the session failed")

    def _leg_told(self, event: LegEvent) -> None:
        self._far.put(event)
        if self._has_begun:
            self._attend(lambda now: None)

    def _leg_lost(self, error: Exception) -> None:
        if self._has_begun:
            self.fail(error)
        else:
            self._trouble = error

    def _drop_leg(self, effect: DropLeg) -> None:
        """It has had its chance, whatever it raises."""
        try:
            self._far.drop(effect)
        except Exception:
            logger.exception("leg cut", extra={"session_id": self.session_id})

    def _attend(self, tell: Callable[[float], None]) -> None:
        now = self._house.clock()
        try:
            tell(now)
            self._settle(now)
        except Exception as error:
            self.fail(error)

    def _settle_news(self, now: float) -> None:
        """Where there is mostly none, and many sessions to look at."""
        if self.session.has_news:
            self._settle(now)

    def _settle(self, now: float) -> None:
        """Tell what the session tells, and do what it wants done.

        What comes of it meanwhile waits for its turn.
        """
        if self._is_settling:
            return
        self._is_settling = True
        try:
            while not self._is_closed and self._step(now):
                pass
        finally:
            self._is_settling = False
        if not self._is_closed:
            self._look_ahead()

    def _step(self, now: float) -> bool:
        """Tell all, and do one thing; False when there is nothing to be done."""
        session, effects = self.session, self._effects
        for event in session.events():
            self._tell(as_text(render_event(event)))
            self._pass_on(event)
        effects.extend(session.effects())
        if effects:
            self._perform(effects.popleft())
        elif self._far.has_told:
            self._hear_leg(self._far.take(), now)
        else:
            return False
        return True

    def _tell(self, text: str) -> None:
        self._line.send(text)
        self._watchers.tell_event(text)

    def _look_ahead(self) -> None:
        session = self.session
        if self._line.is_overfull and not session.is_over:
            self.end(HangupReason.FAILED, SYSTEM)
            return
        self.is_playing = session.is_playing
        timer, lost = session.timer(), self._lost_until
        if timer is None or lost is None:
            self.timer_at = lost if timer is None else timer
        else:
            self.timer_at = min(timer, lost)
