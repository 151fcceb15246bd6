"""The leg of a phone: the call that came to its session, or that it places."""

from collections.abc import Callable
from typing import Any

from chalicelib.protocol.lease import DialogFacts
from mediaworker.runtime.legs import Holder, LegStatistics, Source
from mediaworker.runtime.wires import Wire
from mediaworker.session.legs import (
    DeclineCall,
    Declined,
    DropLeg,
    LegEffect,
    LegEnded,
    LegEvent,
    LegLost,
    LegTrouble,
    PlaceCall,
    PressKeys,
    RingBack,
    TakeCall,
)
from mediaworker.telephony.incoming import IncomingCall
from mediaworker.telephony.media import CallMedia
from mediaworker.telephony.outgoing import OutgoingCall
from mediaworker.telephony.share import Share

NOT_ACCEPTABLE = 488
NOT_IMPLEMENTED = 501
LAST = (Declined, LegEnded, LegLost)


class PhoneLeg:
    """Of one session. Whatever goes wrong within ends this session, and no other."""

    def __init__(
        self, holder: Holder, share: Share, gone: Callable[["PhoneLeg"], None]
    ) -> None:
        """``gone`` is told once, when it is dropped."""
        self._holder = holder
        self._share = share
        self._gone = gone
        self._call: IncomingCall | OutgoingCall | None = None
        self._is_over = False
        self._is_dropped = False

    @property
    def tenant(self) -> str:
        return self._holder.tenant

    @property
    def session_id(self) -> str:
        return self._holder.session_id

    @property
    def is_attended(self) -> bool:
        """Its application is there."""
        return self._holder.is_attached()

    @property
    def wire(self) -> Wire:
        assert self._media is not None
        return self._media.wire

    @property
    def source(self) -> Source:
        assert self._media is not None and self._media.ear is not None
        return self._media.ear

    @property
    def is_open(self) -> bool:
        return self._media is not None and self._media.is_open

    @property
    def statistics(self) -> LegStatistics:
        return LegStatistics() if self._call is None else self._call.statistics

    def dialog(self) -> DialogFacts | None:
        """None when there was no INVITE."""
        return None if self._call is None else self._call.dialog

    def take_in(self, call: IncomingCall) -> None:
        """A call has come for it."""
        self._call = call
        call.begin(self)

    def obey(self, effect: LegEffect) -> None:
        if isinstance(effect, DropLeg):
            self._drop(effect)
        elif not self._is_over:
            self._obey(effect)

    def send_audio(self, frame: bytes, slot: int) -> bool:
        media = self._media
        return media is not None and media.send_audio(frame, slot)

    def send_silence(self, slot: int) -> None:
        if self._media is not None:
            self._media.send_silence(slot)

    def keep(self, now: float) -> None:
        """From time to time."""
        if self._call is None or self._is_over:
            return
        try:
            self._call.keep(now)
        except Exception as error:
            self._call.fail(error)

    # What the call tells

    def tell(self, event: LegEvent) -> None:
        if not self._is_over:
            self._is_over = isinstance(event, LAST)
            self._holder.tell(event)

    def fail(self, error: Exception) -> None:
        if not self._is_over:
            self._is_over = True
            self._holder.lost(error)

    # Within

    @property
    def _media(self) -> CallMedia | None:
        return None if self._call is None else self._call.media

    def _obey(self, effect: Any) -> None:
        call = self._call
        match effect, call:
            case PlaceCall(), None:
                self._place(effect)
            case RingBack(), IncomingCall():
                call.ring(effect)
            case TakeCall(), IncomingCall():
                call.take(effect)
            case DeclineCall(), IncomingCall():
                self._is_over = True
                call.decline(effect)
            case PressKeys(), None:
                sentence = "digits were not sent: there is no call"
                self._trouble(sentence, NOT_ACCEPTABLE)
            case PressKeys(), IncomingCall() | OutgoingCall():
                call.press(effect)
            case _:
                self._trouble("a phone's call cannot do this now", NOT_IMPLEMENTED)

    def _place(self, effect: PlaceCall) -> None:
        holder = self._holder
        call = OutgoingCall(self._share, effect, holder.session_id, holder.tenant)
        self._call = call
        call.begin(self)

    def _drop(self, effect: DropLeg) -> None:
        if self._is_dropped:
            return
        self._is_dropped = self._is_over = True
        try:
            if self._call is not None:
                self._call.hang_up(dict(effect.headers))
        finally:
            self._gone(self)

    def _trouble(self, sentence: str, code: int) -> None:
        self.tell(LegTrouble(sentence, code))
