"""A session between its application, its leg, and the rest of the worker."""

import logging
from collections.abc import Callable

from chalicelib.protocol.session.codec import MalformedCommand, parse_command
from chalicelib.protocol.session.events import Event
from chalicelib.protocol.session.fields import DIGIT
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.runtime.house import House, perform
from mediaworker.runtime.inbound import Inbound
from mediaworker.runtime.life import SYSTEM
from mediaworker.runtime.line import FULL_COMMANDS
from mediaworker.runtime.place import MEDIA, Place
from mediaworker.runtime.ports import Overloaded, SessionView, Watcher
from mediaworker.runtime.recorders import NONE
from mediaworker.session.effects import Effect
from mediaworker.session.legs import (
    DropLeg,
    KeyPressed,
    LegEffect,
    LegEvent,
    PressKeys,
)
from mediaworker.session.machine import Session
from mediaworker.session.passing import PassEvent
from mediaworker.speech.replies import Answer

logger = logging.getLogger(__name__)

CALLER = "caller"
REQUEST_TIMEOUT = 408
TOO_MANY = 429
KEY_MS = 100
KEY_GAP_MS = 50
"""Of a key that is passed on over a bridge."""


class Seat(Place):
    """Obeys its session's effects, and brings it what the world has for it."""

    def __init__(
        self, session: Session, view: SessionView, house: House, *, is_admins: bool
    ) -> None:
        super().__init__(session, view, house)
        self.is_admins = is_admins
        self.recording = NONE
        self.transcribes = False
        self.subscribes = False
        self._told_of_haste = False

    @property
    def is_live(self) -> bool:
        """The call was set up, and is not over."""
        return self.wire is not None and self.session.is_connected

    def close(self, code: int, reason: str) -> None:
        """The session is over, and has told it."""
        if self._is_closed:
            return
        self._is_closed = True
        self.timer_at = None
        self.is_playing = False
        self.wire = None
        self.transcribes = False
        self.source = None
        self._effects.clear()
        self._house.recorders.leave(self)
        self._house.bridges.leave(self)
        self._house.passes.leave(self)
        self._house.floor.disconnect(self)
        self._house.speech.leave(self)
        self._drop_leg(DropLeg())
        self._line.close(code, reason)
        self._watchers.end()
        self._house.closed(self)

    # From its socket, and beside it

    def receive_text(self, text: bytes) -> None:
        if self._is_closed:
            return
        self._line.put(text)
        if self._line.commands == 1:
            self._house.backlog.add(self)

    def receive_aside(self, text: bytes) -> None:
        """As the former, from another than the socket; raises `Overloaded`."""
        if self._line.commands >= FULL_COMMANDS:
            raise Overloaded("too many commands wait for the session")
        self.receive_text(text)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Raises `Overloaded`."""
        return self._watchers.add(watcher)

    def work(self) -> bool:
        """Obey one command; whether more are waiting."""
        if self._line.commands:
            text = self._line.take()
            self._watchers.tell_command(text)
            self._attend(lambda now: self._receive(text, now))
        return self._line.commands > 0

    def receive_audio(self, payload: bytes) -> None:
        """It goes nowhere when a leg carries the session's audio."""
        if not isinstance(self.source, Inbound):
            return
        self._account.messages_heard += 1
        dropped = self.source.push(payload)
        if dropped:
            self._account.frames_dropped += dropped
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

    # From its leg, and to it

    def obey(self, effect: LegEffect) -> None:
        """Have the leg do it; raises what the leg does, unless it is to be dropped."""
        if isinstance(effect, DropLeg):
            self._drop_leg(effect)
        else:
            self._far.obey(effect)

    def _perform(self, effect: Effect) -> None:
        perform(effect, self, self._house)

    def _pass_on(self, event: Event) -> None:
        if self.media_pass is not None:
            self.media_pass.overhear(event)

    def _hear_leg(self, event: LegEvent, now: float) -> None:
        self.session.leg_told(event, now)
        side = self.side
        if isinstance(event, KeyPressed) and side is not None and not self.is_muted:
            side.partner.forward(event.digit)

    # From the other end of a bridge

    def forward(self, digit: str) -> None:
        """A key that was pressed there; what is none is ignored."""
        digit = digit.upper()
        if not DIGIT.match(digit):
            return
        try:
            self.obey(PressKeys(digit, KEY_MS, KEY_GAP_MS))
        except Exception as error:
            self.fail(error)

    def joined(self, session_id: str) -> None:
        """The session hears another one, and is heard."""
        self._attend(lambda now: self.session.joined(session_id, now))

    def parted(self, session_id: str) -> None:
        self._attend(lambda now: self.session.parted(session_id, now))

    def message(self, body: str, content_type: str | None) -> None:
        """What the application at the other end of a bridge has to say."""
        self._attend(lambda now: self.session.message(body, content_type, now))

    # From the clock

    def handle_timer(self, now: float) -> None:
        if self._lost_until is not None and now >= self._lost_until:
            self._lost_until = None
            sentence = "the socket was lost, and nobody came back"
            self.end(HangupReason.FAILED, SYSTEM, sentence, REQUEST_TIMEOUT)
        else:
            self._attend(self.session.handle_timer)

    # From the speech process

    @property
    def scope(self) -> str:
        return self._view.tenant

    @property
    def rate(self) -> int:
        return self.session.rate

    def answer(self, reply: Answer) -> None:
        """With the session's own number of the job."""
        self._attend(lambda now: self.session.speech_told(reply, now))

    def speech_lost(self) -> None:
        self._attend(self.session.speech_lost)

    # From the media server

    def pass_told(self, event: PassEvent) -> None:
        self._attend(lambda now: self.session.pass_told(event, now))

    # From the recording process

    @property
    def option(self) -> CallOption | None:
        return self.session.option

    def recorder_failed(self, sentence: str, code: int) -> None:
        self._attend(lambda now: self.session.recorder_failed(sentence, code, now))

    # Within

    def _receive(self, text: bytes, now: float) -> None:
        try:
            command = parse_command(text)
        except MalformedCommand as error:
            self.session.refuse(error, now)
        else:
            self.session.receive(command, now)

    def _tell_of_haste(self) -> None:
        if not self._told_of_haste:
            self._told_of_haste = True
            sentence = "audio comes faster than it is heard: the oldest is dropped"
            self.notice(MEDIA, sentence, TOO_MANY)
