"""A call that a phone has placed."""

from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.rtp.negotiation import NotAcceptable
from mediaworker.rtp.sdp import MalformedSdp, SessionDescription, parse
from mediaworker.session.legs import (
    CallCame,
    DeclineCall,
    Declined,
    LegEnded,
    RingBack,
    TakeCall,
)
from mediaworker.sip.events import Cancelled, Event, InviteReceived
from mediaworker.sip.headers import is_clean, named_headers
from mediaworker.sip.reasons import Reason
from mediaworker.telephony.call import (
    CALLER,
    NOT_ACCEPTABLE,
    OK,
    PhoneCall,
    Teller,
)
from mediaworker.telephony.records import CallRecord, agent_of
from mediaworker.telephony.rtp_ports import NoPorts
from mediaworker.telephony.share import Share

TERMINATED = 487
UNAVAILABLE = 503
DECLINE = 603
LONGEST_PHRASE = 200


class IncomingCall(PhoneCall):
    """From its INVITE on; who has it is found later."""

    def __init__(
        self,
        share: Share,
        invite: InviteReceived,
        offered: SessionDescription | None,
        session_id: str,
        tenant: str,
    ) -> None:
        super().__init__(
            share,
            CallRecord(
                session_id,
                tenant,
                invite.call_id,
                True,
                share.epoch_ms(),
                user_agent=agent_of(invite.fields),
            ),
        )
        self.key = invite.call
        self.invite = invite
        self.came_at = share.clock()
        self.is_over = False
        self._offered = offered
        self._text = ""
        """Our answer, once there is one."""
        self._awaits_answer = False
        """Our 200 made the offer."""
        self._extract: tuple[str, ...] = ()

    def begin(self, teller: Teller) -> None:
        """An application has it."""
        self._teller = teller
        invite = self.invite
        self._tell(
            CallCame(invite.caller, invite.callee, invite.offer or "", invite.headers)
        )

    def ring(self, effect: RingBack) -> None:
        """Early media needs an offer: without one it rings only."""
        if self.is_answered or self._awaits_answer:
            return
        self.record = self.record.with_(ringing_at_ms=self._share.epoch_ms())
        sdp = None
        if effect.has_early_media and self._offered is not None:
            sdp = self._agreed_text(self._offered)
            if sdp is None:
                return
        key = self.invite.call
        self._share.exchange.do(lambda sip, now: sip.ring(key, now, sdp))
        if sdp is not None:
            self._agree()

    def take(self, effect: TakeCall) -> None:
        """Answer it, once."""
        if self.is_answered or self._awaits_answer:
            return
        self._extract = effect.extract
        if self._offered is None:
            self._offer()
            return
        sdp = self._agreed_text(self._offered)
        if sdp is None:
            return
        key = self.invite.call
        self._share.exchange.do(lambda sip, now: sip.accept(key, sdp, now))
        self._agree()
        self._answered(sdp, self._wanted)

    def decline(self, effect: DeclineCall) -> None:
        self.reject(effect.code, effect.reason)

    def reject(self, status: int, reason: str | None = None) -> None:
        """With the application's reason, as the phrase where it can be one, and in a
        Reason header (RFC 3326); it is over."""
        if self.is_over or self.is_answered or self._awaits_answer:
            return
        self._teller = None
        code = status if 300 <= status <= 699 else DECLINE
        said = reason[:LONGEST_PHRASE] if reason and is_clean(reason) else None
        phrase = said if said and said.isascii() else None
        headers = {"Retry-After": "10"} if code == UNAVAILABLE else {}
        if said is not None:
            headers["Reason"] = str(Reason("SIP", code, said))
        self.record = self.record.with_(status_code=code)
        key = self.invite.call
        self._share.exchange.do(
            lambda sip, now: sip.reject(key, code, now, phrase, headers)
        )

    @property
    def _far_end(self) -> tuple[HangupReason, str]:
        return HangupReason.BY_CALLER, CALLER

    @property
    def _unanswered(self) -> int:
        return OK if self._awaits_answer else DECLINE

    @property
    def _wanted(self) -> dict[str, str]:
        """Of the INVITE's headers."""
        return named_headers(self.invite.fields, self._extract)

    def _hear_own(self, event: Event) -> None:
        if isinstance(event, Cancelled):
            self._close(TERMINATED)
            self._last(LegEnded(HangupReason.CANCELED, CALLER, event.headers))

    def _close(self, status: int | None) -> None:
        self.is_over = True
        super()._close(status)

    def _agreed_text(self, offered: SessionDescription) -> str | None:
        """The answer, the same each time; None when the call is over by it."""
        if self._text:
            return self._text
        try:
            self._text = self._open_media().answer(offered)
        except NotAcceptable as error:
            self._give_up(NOT_ACCEPTABLE, f"the offer cannot be met: {error}")
            return None
        except NoPorts as error:
            self._give_up(UNAVAILABLE, str(error))
            return None
        return self._text

    def _offer(self) -> None:
        """The 200 makes it, and the ACK brings the answer."""
        try:
            sdp = self._open_media().offer()
        except NoPorts as error:
            self._give_up(UNAVAILABLE, str(error))
            return
        self._awaits_answer = True
        key = self.invite.call
        self._share.exchange.do(lambda sip, now: sip.accept(key, sdp, now))

    def _confirm(self, sdp: str | None) -> None:
        if not self._awaits_answer:
            super()._confirm(sdp)
            return
        self._awaits_answer = False
        assert self.media is not None
        try:
            self.media.accept(parse(sdp or ""))
        except (MalformedSdp, NotAcceptable):
            teller = self._teller
            self.hang_up()
            if teller is not None:
                sentence = "the phone's answer cannot be met"
                teller.tell(Declined(NOT_ACCEPTABLE, sentence))
            return
        self._agree()
        self._answered(sdp or "", self._wanted)

    def _give_up(self, status: int, sentence: str) -> None:
        teller = self._teller
        self.reject(status)
        if teller is not None:
            teller.tell(Declined(status, sentence))
