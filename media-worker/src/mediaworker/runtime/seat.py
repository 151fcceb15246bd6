"""A session, its line to the application, and its place in the tick."""

import logging
from collections.abc import Callable
from dataclasses import replace

from chalicelib.protocol.lease import Fact, SessionEnded
from chalicelib.protocol.session.codec import (
    MalformedCommand,
    as_text,
    parse_command,
    render_event,
)
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.runtime.house import House, perform
from mediaworker.runtime.inbound import Inbound
from mediaworker.runtime.line import Line
from mediaworker.runtime.ports import Peer, SessionView
from mediaworker.runtime.speechdesk import Answer
from mediaworker.runtime.wires import Wire
from mediaworker.session.machine import Session
from mediaworker.speech.messages import Broken, Chunk, Made, Misheard, Text

logger = logging.getLogger(__name__)

SYSTEM = "system"
CALLER = "caller"
REQUEST_TIMEOUT = 408
TOO_MANY = 429
INTERNAL_ERROR = 500
CLOSED_BY_FAULT = 1_011


class Seat:
    """Obeys its session's effects, and brings it what the world has for it.

    Whatever goes wrong within ends this session, and touches no other.
    """

    def __init__(self, session: Session, view: SessionView, house: House) -> None:
        self.session = session
        self.inbound: Inbound | None = None
        self.wire: Wire | None = None
        """None, as is the former, until the session is connected."""
        self.row: int | None = None
        """In its detector; None when no voice is to be detected."""
        self.heard_ms = 0
        self.is_playing = False
        """There may be a frame to take."""
        self.is_muted = False
        self.transcribes = False
        self.timer_at: float | None = None
        """When the session, or its lost socket, wants to be looked at."""
        self._view = view
        self._house = house
        self._line = Line()
        self._lost_until: float | None = None
        self._told_of_haste = False
        self._missing = 0
        self._messages_heard = 0
        self._frames_sent = 0
        self._frames_dropped = 0
        """In either direction."""
        self._is_closed = False

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

    def attach(self, peer: Peer) -> None:
        """The session's first socket, or the one that resumes it."""
        self._lost_until = None
        self._line.attach(peer)
        self._attend(lambda now: None)

    def counted(self, fact: Fact) -> Fact:
        """With what went over the socket, which only the seat has seen."""
        if not isinstance(fact, SessionEnded):
            return fact
        counts = replace(
            fact.counts,
            packets_received=self._messages_heard,
            packets_sent=self._frames_sent,
            frames_dropped=self._frames_dropped,
        )
        return replace(fact, counts=counts)

    def end(
        self,
        reason: str,
        initiator: str,
        error: str | None = None,
        code: int | None = None,
    ) -> None:
        """Hang up, whatever the session is doing."""
        self._attend(lambda now: self.session.end(reason, initiator, now, error, code))

    def close(self, code: int, reason: str) -> None:
        """The session is over, and has told it."""
        if self._is_closed:
            return
        self._is_closed = True
        self.timer_at = None
        self.is_playing = False
        self.wire = None
        self.transcribes = False
        self.inbound = None
        self._house.floor.disconnect(self)
        self._house.speech.leave(self)
        self._line.close(code, reason)
        self._house.closed(self)

    # From its socket

    def receive_text(self, text: bytes) -> None:
        if self._is_closed:
            return
        self._line.put(text)
        if self._line.commands == 1:
            self._house.backlog.add(self)

    def work(self) -> bool:
        """Obey one command; whether more are waiting."""
        if self._line.commands:
            text = self._line.take()
            self._attend(lambda now: self._receive(text, now))
        return self._line.commands > 0

    def receive_audio(self, payload: bytes) -> None:
        if self.inbound is None:
            return
        self._messages_heard += 1
        dropped = self.inbound.push(payload)
        if dropped:
            self._frames_dropped += dropped
            self._tell_of_haste()

    def lose(self, is_clean: bool) -> None:
        if not self._line.is_attached:
            return
        self._line.detach()
        if is_clean:
            self.end(HangupReason.BY_CALLER, CALLER)
            return
        logger.info("socket lost", extra={"session_id": self.session_id})
        self._lost_until = self._house.clock() + self._house.resume_seconds
        self._attend(lambda now: None)

    # From the tick

    def hear(self, probability: float, to_ms: int, now: float) -> None:
        try:
            self.session.hear(probability, to_ms, now)
            self._settle_news(now)
        except Exception as error:
            self.fail(error)

    def take_frame(self, now: float) -> bytes | None:
        """The next samples to be sent."""
        try:
            frame = self.session.take_frame(now)
            self._settle_news(now)
        except Exception as error:
            self.fail(error)
            return None
        return frame

    def count_missing(self) -> int:
        """Frames of what plays that were not there in time, since it was asked."""
        missing, self._missing = self._missing, self.session.underruns
        return max(0, self._missing - missing)

    def send_audio(self, payload: bytes) -> bool:
        """False when it was dropped."""
        is_sent = self._line.send_audio(payload)
        if is_sent:
            self._frames_sent += 1
        else:
            self._frames_dropped += 1
        return is_sent

    def handle_timer(self, now: float) -> None:
        if self._lost_until is not None and now >= self._lost_until:
            self._lost_until = None
            sentence = "the socket was lost, and nobody came back"
            self.end(HangupReason.FAILED, SYSTEM, sentence, REQUEST_TIMEOUT)
        else:
            self._attend(self.session.handle_timer)

    def fail(self, error: Exception) -> None:
        """The session cannot go on; all others can."""
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

    # From the speech process

    @property
    def scope(self) -> str:
        return self._view.tenant

    @property
    def rate(self) -> int:
        return self.session.rate

    def answer(self, reply: Answer) -> None:
        """With the session's own number of the job."""
        self._attend(lambda now: self._answer(reply, now))

    def speech_lost(self) -> None:
        self._attend(self.session.speech_lost)

    # Within

    def _attend(self, tell: Callable[[float], None]) -> None:
        now = self._house.clock()
        try:
            tell(now)
            self._settle(now)
        except Exception as error:
            self.fail(error)

    def _receive(self, text: bytes, now: float) -> None:
        try:
            command = parse_command(text)
        except MalformedCommand as error:
            self.session.refuse(error, now)
        else:
            self.session.receive(command, now)

    def _answer(self, reply: Answer, now: float) -> None:
        match reply:
            case Chunk(job, samples):
                self.session.chunk(job, samples, now)
            case Made():
                self.session.made(reply, now)
            case Broken():
                self.session.broken(reply, now)
            case Text():
                self.session.text(reply, now)
            case Misheard():
                self.session.misheard(reply, now)

    def _tell_of_haste(self) -> None:
        if not self._told_of_haste:
            self._told_of_haste = True
            sentence = "audio comes faster than it is heard: the oldest is dropped"
            self._attend(
                lambda now: self.session.notice("media", sentence, TOO_MANY, now)
            )

    def _settle_news(self, now: float) -> None:
        """Where there is mostly none, and many sessions to look at."""
        if self.session.has_news:
            self._settle(now)

    def _settle(self, now: float) -> None:
        """Tell what the session tells, and do what it wants done."""
        session = self.session
        while not self._is_closed:
            events, effects = session.events(), session.effects()
            for event in events:
                self._line.send(as_text(render_event(event)))
            for effect in effects:
                perform(effect, self, self._house)
            if not events and not effects:
                break
        if self._line.is_overfull and not session.is_over:
            self.end(HangupReason.FAILED, SYSTEM)
        self.is_playing = session.is_playing
        timer, lost = session.timer(), self._lost_until
        if timer is None or lost is None:
            self.timer_at = lost if timer is None else timer
        else:
            self.timer_at = min(timer, lost)
