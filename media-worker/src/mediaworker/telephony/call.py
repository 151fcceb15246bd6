"""A phone's call, whoever placed it: its audio, its changes, its end."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

from chalicelib.protocol.lease import DialogFacts
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.rtp.negotiation import NotAcceptable
from mediaworker.rtp.sdp import MalformedSdp, parse
from mediaworker.runtime.legs import LegStatistics
from mediaworker.session.legs import (
    Answered,
    HoldChanged,
    KeyPressed,
    LegEnded,
    LegEvent,
    LegLost,
    LegTrouble,
    MediaAgreed,
    MediaArrived,
    PressKeys,
)
from mediaworker.session.texts import party
from mediaworker.sip.events import (
    CallKey,
    Confirmed,
    Ended,
    Event,
    InfoReceived,
    NotAcknowledged,
    Reinvited,
)
from mediaworker.telephony.info_keys import InfoKeys
from mediaworker.telephony.keys import key_of
from mediaworker.telephony.media import CallMedia
from mediaworker.telephony.records import CallRecord
from mediaworker.telephony.share import Share

BAD_REQUEST = 400
NOT_ACCEPTABLE = 488
OK = 200
CALLER, CALLEE = "caller", "callee"


class Teller(Protocol):
    """The leg, until the call has ended."""

    def tell(self, event: LegEvent) -> None: ...

    def fail(self, error: Exception) -> None:
        """By a mistake of ours."""


class PhoneCall(ABC):
    """Between the endpoint, which knows it by its key, and its leg."""

    def __init__(self, share: Share, record: CallRecord) -> None:
        self.key: CallKey | None = None
        """None before there is an INVITE."""
        self.media: CallMedia | None = None
        self.is_answered = False
        self.record = record
        self._share = share
        self._teller: Teller | None = None
        self._has_agreed = False
        self._is_on_hold = False
        self._is_recorded = False
        self._keys = InfoKeys(self._inform)

    @abstractmethod
    def _hear_own(self, event: Event) -> None:
        """What only this kind of call is told."""

    @property
    @abstractmethod
    def _far_end(self) -> tuple[HangupReason, str]:
        """Why it ended, and by whom, when the phone hangs up."""

    @property
    @abstractmethod
    def _unanswered(self) -> int:
        """The INVITE's final status, if the call is dropped as it is."""

    @property
    def dialog(self) -> DialogFacts | None:
        """As it is, or would be if the call ended now; None before the INVITE."""
        if self.key is None:
            return None
        record = self.record
        return DialogFacts(
            party(record.call_id),
            record.is_inbound,
            record.status_code or self._unanswered,
            record.codec,
            record.user_agent and party(record.user_agent),
        )

    @property
    def statistics(self) -> LegStatistics:
        return LegStatistics() if self.media is None else self.media.statistics

    # From the endpoint

    def hear(self, event: Event) -> None:
        match event:
            case Reinvited(sdp=sdp):
                self._change(sdp)
            case InfoReceived():
                self._press_heard(event)
            case Ended():
                self._over(event)
            case NotAcknowledged():
                self._close(OK)
                self._last(LegLost("the phone has not acknowledged the answer"))
            case Confirmed(sdp=sdp):
                self._confirm(sdp)
            case _:
                self._hear_own(event)

    def fail(self, error: Exception) -> None:
        teller, self._teller = self._teller, None
        self.hang_up()
        if teller is not None:
            teller.fail(error)

    # From the leg

    def hang_up(self, headers: Mapping[str, str] | None = None) -> None:
        """However far it has come; nothing is told of it any more."""
        self._teller = None
        self._end_media()
        key = self.key
        if key is None:
            return
        exchange, fields = self._share.exchange, headers or {}
        try:
            exchange.do(lambda sip, now: sip.hang_up(key, now, fields))
        except ValueError:
            # What cannot be said keeps nobody on the line.
            exchange.do(lambda sip, now: sip.hang_up(key, now))

    def press(self, effect: PressKeys) -> None:
        """By telephone-event, or by INFO where the phone takes none."""
        media = self.media
        if media is None or media.agreed is None or media.stream is None:
            self._trouble("digits were not sent: there is no audio", NOT_ACCEPTABLE)
        elif media.agreed.terms.keys_type is not None:
            try:
                media.stream.press(effect.digits, effect.duration_ms, effect.gap_ms)
            except ValueError as error:
                self._trouble(f"digits were not sent: {error}", BAD_REQUEST)
        elif not self.is_answered:
            self._trouble("digits were not sent: no answer yet", NOT_ACCEPTABLE)
        elif not self._keys.press(effect):
            self._trouble("digits were not sent: too many wait", BAD_REQUEST)

    def keep(self, now: float) -> None:
        """From time to time: report, and look whether the phone is still there."""
        media = self.media
        if media is None:
            return
        media.keep(now)
        seconds = self._share.rules.media_timeout_seconds
        if self.is_answered and media.silent_seconds(now) > seconds:
            teller = self._teller
            self.hang_up()
            if teller is not None:
                teller.tell(LegLost(f"the phone has sent no audio for {seconds:g} s"))

    # What the media brings

    def audio_came(self) -> None:
        self._tell(MediaArrived())

    def key_came(self, digit: str) -> None:
        self._tell(KeyPressed(digit))

    # Within

    def _open_media(self) -> CallMedia:
        """Raises `NoPorts`."""
        if self.media is None:
            self.media = CallMedia(self._share, self)
        return self.media

    def _agree(self) -> None:
        """Media is; it is told once."""
        media = self.media
        assert media is not None and media.agreed is not None
        terms = media.agreed.terms
        self.record = self.record.with_(codec=terms.codec)
        if not self._has_agreed:
            self._has_agreed = True
            self._tell(MediaAgreed(terms.codec, bool(terms.keys_receive)))

    def _answered(self, sdp: str, headers: Mapping[str, str]) -> None:
        """The headers are the phone's, those that were asked for."""
        self.is_answered = True
        assert self.media is not None
        self.media.began_at = self._share.clock()
        self.record = self.record.with_(
            answered_at_ms=self._share.epoch_ms(), status_code=OK
        )
        self._tell(Answered(sdp, headers))
        self._tell_hold()

    def _change(self, sdp: str | None) -> None:
        """The phone wants another session."""
        key, media, exchange = self.key, self.media, self._share.exchange
        assert key is not None
        if media is None or self._teller is None:
            exchange.do(lambda sip, now: sip.refuse_reinvite(key, NOT_ACCEPTABLE, now))
            return
        try:
            ours = media.offer() if sdp is None else media.answer(parse(sdp))
        except (MalformedSdp, NotAcceptable) as error:
            is_malformed = isinstance(error, MalformedSdp)
            status = BAD_REQUEST if is_malformed else NOT_ACCEPTABLE
            exchange.do(lambda sip, now: sip.refuse_reinvite(key, status, now))
            return
        exchange.do(lambda sip, now: sip.answer_reinvite(key, ours, now))
        self._tell_hold()

    def _confirm(self, sdp: str | None) -> None:
        """An ACK: of a re-INVITE that left the offer to us, it brings the answer."""
        if sdp is None or self.media is None:
            return
        try:
            self.media.accept(parse(sdp))
        except (MalformedSdp, NotAcceptable):
            return
        self._tell_hold()

    def _tell_hold(self) -> None:
        media = self.media
        if media is not None and media.is_on_hold != self._is_on_hold:
            self._is_on_hold = media.is_on_hold
            self._tell(HoldChanged(self._is_on_hold))

    def _over(self, event: Ended) -> None:
        reason, initiator = self._far_end
        if not event.is_by_remote:
            self._close(event.status)
        elif event.status != OK:
            self._close(None)
            self._last(LegLost("the phone knows nothing of the call any more"))
        else:
            self._close(None)
            self._last(LegEnded(reason, initiator, event.headers))

    def _press_heard(self, event: InfoReceived) -> None:
        digit = key_of(event.content_type, event.body)
        if digit is not None:
            self._tell(KeyPressed(digit))

    def _inform(self, content_type: str, body: bytes) -> None:
        """Raises `WrongTime`."""
        key = self.key
        assert key is not None
        self._share.exchange.do(lambda sip, now: sip.info(key, content_type, body, now))

    def _close(self, status: int | None) -> None:
        """The endpoint has told the call's end."""
        self._end_media()
        if self._is_recorded:
            return
        self._is_recorded = True
        known = self.record.status_code
        self.record = self.record.with_(
            ended_at_ms=self._share.epoch_ms(),
            status_code=status if known is None else known,
            statistics=self.statistics,
        )
        self._share.record(self.record)

    def _end_media(self) -> None:
        self._keys.close()
        if self.media is not None:
            self.media.close()
            # Whoever ends it may be at the stream.
            asyncio.get_running_loop().call_soon(self.media.release)

    def _trouble(self, sentence: str, code: int) -> None:
        self._tell(LegTrouble(sentence, code))

    def _tell(self, event: LegEvent) -> None:
        if self._teller is not None:
            self._teller.tell(event)

    def _last(self, event: LegEvent) -> None:
        teller, self._teller = self._teller, None
        if teller is not None:
            teller.tell(event)
