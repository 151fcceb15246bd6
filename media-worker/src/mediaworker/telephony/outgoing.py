"""A call that an application places to a phone."""

import asyncio
from collections.abc import Mapping

from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.rtp.negotiation import NotAcceptable
from mediaworker.rtp.sdp import MalformedSdp, parse
from mediaworker.session.legs import Declined, LegEvent, PlaceCall, Rang
from mediaworker.sip.digest import Credentials
from mediaworker.sip.endpoint import Full
from mediaworker.sip.events import Accepted, Event, Progressed, Rejected
from mediaworker.sip.headers import named_headers
from mediaworker.sip.routing import Hop
from mediaworker.telephony.call import CALLEE, NOT_ACCEPTABLE, PhoneCall, Teller
from mediaworker.telephony.outbound import (
    BAD_REQUEST,
    NOT_IMPLEMENTED,
    Callee,
    Refused,
    callee_of,
    caller_of,
)
from mediaworker.telephony.records import CallRecord, agent_of
from mediaworker.telephony.rtp_ports import NoPorts
from mediaworker.telephony.share import Share

TRYING, RINGING, PROGRESS = 100, 180, 183
NOT_FOUND = 404
REQUEST_TIMEOUT = 408
TERMINATED = 487
UNAVAILABLE = 503


class OutgoingCall(PhoneCall):
    """From the application's wish on."""

    def __init__(
        self, share: Share, wish: PlaceCall, session_id: str, tenant: str
    ) -> None:
        super().__init__(
            share,
            CallRecord(
                session_id,
                tenant,
                share.unique(),
                False,
                share.epoch_ms(),
            ),
        )
        self._wish = wish
        self._tenant = tenant
        self._is_counted = False
        self._deadline: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._early = ""
        """The SDP that media was agreed upon by, before the answer."""

    def begin(self, teller: Teller) -> None:
        """Resolve its callee, and call."""
        self._teller = teller
        share, wish = self._share, self._wish
        try:
            callee = callee_of(wish.callee)
            caller = caller_of(wish.caller, share.place.host)
            if wish.sip is not None and wish.sip.enable_srtp:
                raise Refused(NOT_IMPLEMENTED, "SRTP is not supported")
            share.outbound.begin(self._tenant, callee, share.clock(), share.epoch_ms())
        except Refused as refused:
            self._refuse(refused.code, str(refused))
            return
        self._is_counted = True
        if wish.sip is not None and wish.sip.contact is not None:
            sentence = "sip.contact is not supported: the worker names itself"
            self._trouble(sentence, NOT_IMPLEMENTED)
        seconds = wish.timeout_seconds or share.rules.ring_seconds
        self._deadline = share.clock() + seconds
        running = self._place(callee, caller)
        try:
            self._task = share.spawn(running)
        except RuntimeError:
            running.close()
            self._refuse(UNAVAILABLE, "the worker places no calls now")

    def hang_up(self, headers: Mapping[str, str] | None = None) -> None:
        if self._task is not None and self.key is None:
            self._task.cancel()
        super().hang_up(headers)
        if self.key is None:
            self._discount()

    def keep(self, now: float) -> None:
        if not self.is_answered and self._deadline is not None:
            if now >= self._deadline:
                teller = self._teller
                self.hang_up()
                if teller is not None:
                    teller.tell(Declined(REQUEST_TIMEOUT, "nobody answered in time"))
            elif self.media is not None:
                self.media.keep(now)
            return
        super().keep(now)

    @property
    def _far_end(self) -> tuple[HangupReason, str]:
        return HangupReason.BY_CALLEE, CALLEE

    @property
    def _unanswered(self) -> int:
        return TERMINATED

    # Its task

    async def _place(self, callee: Callee, caller: str) -> None:
        try:
            await self._call(callee, caller)
        except Refused as refused:
            self._refuse(refused.code, str(refused))
        except (NoPorts, Full) as error:
            self._refuse(UNAVAILABLE, str(error))
        except Exception as error:
            self._discount()
            self.fail(error)

    async def _call(self, callee: Callee, caller: str) -> None:
        """Raises `Refused`, `NoPorts` and `Full`."""
        share = self._share
        try:
            address = await share.resolve(callee.host)
        except OSError:
            raise Refused(NOT_FOUND, "the callee's host has no address") from None
        share.outbound.check(callee, address)
        offer = self._open_media().offer()
        sip = self._wish.sip
        credentials = None
        if sip is not None and sip.username and sip.password:
            credentials = Credentials(sip.username, sip.password)
        headers = {} if sip is None or sip.headers is None else dict(sip.headers)
        hop = Hop(callee.transport, address, callee.port)
        try:
            self.key = share.exchange.do(
                lambda endpoint, now: endpoint.invite(
                    callee.uri,
                    caller,
                    offer,
                    now,
                    headers=headers,
                    credentials=credentials,
                    destination=hop,
                    call_id=self.record.call_id,
                )
            )
        except ValueError as error:
            raise Refused(BAD_REQUEST, str(error)) from None
        share.exchange.assign(self.key, self)

    # What comes of it

    def _hear_own(self, event: Event) -> None:
        match event:
            case Progressed():
                self._progress(event)
            case Accepted():
                self._accept(event)
            case Rejected():
                self._close(event.status)
                self._last(Declined(event.status, event.reason))

    def _progress(self, event: Progressed) -> None:
        has_media = event.sdp is not None and self._try(event.sdp)
        if event.status in (RINGING, PROGRESS) or has_media:
            if self.record.ringing_at_ms is None:
                at_ms = self._share.epoch_ms()
                self.record = self.record.with_(ringing_at_ms=at_ms)
            self._tell(Rang(has_media))
        if has_media:
            self._agree()

    def _accept(self, event: Accepted) -> None:
        if self._teller is None:
            self.hang_up()
            return
        self.record = self.record.with_(user_agent=agent_of(event.fields))
        sdp = event.sdp or self._early
        if not sdp or not self._try(sdp):
            self.record = self.record.with_(status_code=NOT_ACCEPTABLE)
            teller = self._teller
            self.hang_up()
            teller.tell(Declined(NOT_ACCEPTABLE, "the phone's answer cannot be met"))
            return
        self._agree()
        sip = self._wish.sip
        names = (sip and sip.extract_headers) or ()
        self._answered(sdp, named_headers(event.fields, names))

    def _try(self, sdp: str) -> bool:
        """Whether there is media by it."""
        if sdp == self._early:
            return True
        if self.media is None:
            return False
        try:
            self.media.accept(parse(sdp))
        except (MalformedSdp, NotAcceptable):
            return False
        self._early = sdp
        return True

    def _refuse(self, code: int, sentence: str) -> None:
        """There was no INVITE."""
        self._close(code)
        self._last(Declined(code, sentence))

    def _close(self, status: int | None) -> None:
        self._discount()
        super()._close(status)

    def _last(self, event: LegEvent) -> None:
        self._deadline = None
        super()._last(event)

    def _discount(self) -> None:
        if self._is_counted:
            self._is_counted = False
            self._share.outbound.end(self._tenant)
