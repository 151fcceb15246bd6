"""Calls that come (RFC 3261 sections 8.2, 9.2, 13.3)."""

from mediaworker.sip.calls import Call
from mediaworker.sip.client_transactions import Fields
from mediaworker.sip.core import Core, sdp_of
from mediaworker.sip.dialogs import Dialog
from mediaworker.sip.events import Cancelled, Ended, Event, InviteReceived
from mediaworker.sip.headers import extra_headers
from mediaworker.sip.messages import Request
from mediaworker.sip.phases import Phase, Step, Verb, check
from mediaworker.sip.routing import Hop
from mediaworker.sip.screening import SDP
from mediaworker.sip.server_transactions import ServerTransaction
from mediaworker.sip.statuses import OK, PROGRESS, RINGING, TERMINATED, TRYING
from mediaworker.sip.timers import Alarm

REFRESH_SECONDS = 60.0
"""Proxies give up a call that tells no progress for long (13.3.1.1)."""


class ServerCall(Call):
    owns_call_id = False

    def __init__(
        self, core: Core, transaction: ServerTransaction, source: Hop, now: float
    ) -> None:
        super().__init__(core, Phase.INCOMING)
        self._transaction = transaction
        self._refresh: Alarm | None = None
        self._keep(Dialog.of_callee(transaction.request, transaction.tag, source))
        self._open()
        self.take(transaction)
        transaction.on_cancel = self._cancelled
        transaction.reply(TRYING, now)
        core.tell(self._received(source.sender))

    def ring(self, sdp: str | None, now: float) -> None:
        """It may be told again, with SDP or without."""
        check(Verb.RING, self.phase)
        self._stop_refreshing()
        self._reply(RINGING if sdp is None else PROGRESS, sdp, now)
        agenda = self._core.station.agenda
        self._refresh = agenda.set(
            now + REFRESH_SECONDS, lambda later: self.ring(sdp, later)
        )

    def accept(self, sdp: str, now: float) -> None:
        check(Verb.ACCEPT, self.phase)
        self._stop_refreshing()
        self._reply(OK, sdp, now)
        self.await_ack(self._transaction, now)
        self._move(Step.ANSWER)

    def reject(
        self, status: int, reason: str | None, headers: Fields, now: float
    ) -> None:
        """Raises ValueError for what is no final status above 299, and for a reason
        or a header that cannot be sent."""
        check(Verb.REJECT, self.phase)
        if status < 300:
            raise ValueError("a call is rejected with a status from 300 on")
        self._transaction.reply(status, now, phrase=reason, headers=headers)
        self._end(Ended(self.key, is_by_remote=False, status=status), Step.END, now)

    def _received(self, source: Hop) -> InviteReceived:
        request = self._transaction.request
        return InviteReceived(
            self.key,
            request.call_id,
            self._transaction.tag,
            request.from_tag or "",
            str(request.from_address.uri),
            request.from_address.name,
            str(request.uri),
            source,
            sdp_of(request),
            extra_headers(request.headers),
            tuple(request.headers),
        )

    def _reply(self, status: int, sdp: str | None, now: float) -> None:
        self._transaction.reply(
            status,
            now,
            headers=self._core.response_fields(self._transaction.hop.transport),
            body=(sdp or "").encode(),
            content_type=None if sdp is None else SDP,
        )

    def _cancelled(self, request: Request, now: float) -> None:
        """By CANCEL, or by BYE (9.2, 15.1.2)."""
        self._transaction.reply(TERMINATED, now)
        headers = extra_headers(request.headers)
        self._end(Cancelled(self.key, headers), Step.END, now)

    def _bye_came(
        self, transaction: ServerTransaction, dialog: Dialog, now: float
    ) -> None:
        if self.phase is Phase.INCOMING:
            transaction.reply(OK, now)
            self._cancelled(transaction.request, now)
        else:
            super()._bye_came(transaction, dialog, now)

    def _end(self, event: Event, step: Step, now: float) -> None:
        self._stop_refreshing()
        super()._end(event, step, now)

    def _stop_refreshing(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
