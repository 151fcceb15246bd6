"""A call, as either side of it has it once there is a dialog."""

from collections.abc import Callable

from mediaworker.sip.answers import Answer
from mediaworker.sip.attempts import Attempt, Holder, Keyring
from mediaworker.sip.client_transactions import Fields, Outcome, Tell
from mediaworker.sip.core import Core, sdp_of
from mediaworker.sip.dialogs import Dialog
from mediaworker.sip.digest import Credentials
from mediaworker.sip.events import (
    CallKey,
    Confirmed,
    Ended,
    Event,
    InfoReceived,
    NotAcknowledged,
)
from mediaworker.sip.headers import extra_headers
from mediaworker.sip.messages import Request
from mediaworker.sip.phases import MOVES, Phase, Step, Verb, check
from mediaworker.sip.reinvites import Reinvites
from mediaworker.sip.routing import Hop
from mediaworker.sip.server_transactions import ServerTransaction
from mediaworker.sip.statuses import LOST, OK, OUT_OF_ORDER, UNKNOWN_CALL


class Call:
    owns_call_id: bool
    """Whoever does waits longer after a glare (14.1)."""

    def __init__(
        self, core: Core, phase: Phase, credentials: Credentials | None = None
    ) -> None:
        self.key = CallKey(core.station.ids())
        self.phase = phase
        self.dialogs: list[Dialog] = []
        self._core = core
        self._holder = Holder(self._released)
        self._keyring = Keyring(credentials, core.station.ids)
        self._reinvites = Reinvites(core, self)
        self._answer: Answer | None = None
        """To the INVITE whose ACK has not come."""
        self._parting: Fields = ()
        """Headers of the BYE that follows the ACK."""

    @property
    def dialog(self) -> Dialog:
        """The one that counts, once the call is answered."""
        return self.dialogs[-1]

    @property
    def awaits_ack(self) -> bool:
        return self._answer is not None

    # Verbs

    def bye(self, headers: Fields, now: float) -> None:
        check(Verb.BYE, self.phase)
        if self.phase is Phase.ANSWERED:
            self._parting = headers
            self._end(Ended(self.key, is_by_remote=False), Step.LEAVE, now)
        else:
            self._send_bye(self.dialog, headers, now)
            self._end(Ended(self.key, is_by_remote=False), Step.END, now)

    def reinvite(self, sdp: str, now: float) -> None:
        check(Verb.REINVITE, self.phase)
        self._reinvites.ask(sdp, now)

    def answer_reinvite(self, sdp: str, now: float) -> None:
        self._reinvites.answer(sdp, now)

    def refuse_reinvite(self, status: int, now: float) -> None:
        self._reinvites.refuse(status, now)

    def info(self, content_type: str, body: bytes, now: float) -> None:
        check(Verb.INFO, self.phase)
        draft = self.dialog.draft("INFO", body=body, content_type=content_type)
        attempt = self.attempt(self.dialog.next_number, self._request_told)
        attempt.start(draft, self.dialog.hop(), now)

    def let_go(self) -> None:
        """It is forgotten, and may not be asked any more: what leads in circles is
        cut, for the collector comes seldom."""
        vars(self).clear()

    # For what belongs to the call

    def attempt(self, next_number: Callable[[], int], tell: Tell) -> Attempt:
        core = self._core
        return Attempt(core.layer, self._keyring, self._holder, next_number, tell)

    def take(self, transaction: ServerTransaction) -> None:
        """The call stays at least as long as the transaction."""
        self._holder.hold()
        transaction.on_release = self._holder.let_go

    def await_ack(self, transaction: ServerTransaction, now: float) -> None:
        """Its 2xx was sent."""
        self._answer = Answer(
            self._core.station, transaction, self._not_acknowledged, now
        )

    def lose(self, status: int, now: float) -> None:
        """The far end knows nothing of the call, or says nothing."""
        if self.phase is Phase.CONFIRMED:
            self._send_bye(self.dialog, (), now)
            self._end(Ended(self.key, is_by_remote=True, status=status), Step.END, now)

    # What comes within the dialog

    def receive(
        self, transaction: ServerTransaction, dialog: Dialog, source: Hop, now: float
    ) -> None:
        request = transaction.request
        if not dialog.is_in_order(request.cseq.number):
            transaction.reply(OUT_OF_ORDER, now, phrase="Request Out of Order")
        elif request.method == "BYE":
            self._bye_came(transaction, dialog, now)
        elif not self._is_live(dialog):
            transaction.reply(UNKNOWN_CALL, now)
        elif request.method == "INFO":
            self._info_came(transaction, now)
        elif request.method == "OPTIONS":
            transaction.reply(OK, now, headers=self._core.abilities())
        else:
            self._reinvites.came(transaction, dialog, source, now)

    def _is_live(self, dialog: Dialog) -> bool:
        """Any that may still be chosen, or the one that was."""
        if self.phase in (Phase.LEAVING, Phase.OVER):
            return False
        return self.phase is Phase.CALLING or dialog is self.dialog

    def ack_came(self, ack: Request, now: float) -> None:
        answer = self._answer
        if answer is None or ack.cseq.number != answer.number:
            return
        answer.stop()
        self._answer = None
        if self.phase is Phase.LEAVING:
            self._send_bye(self.dialog, self._parting, now)
            self._move(Step.END)
            return
        if self.phase is Phase.ANSWERED:
            self._move(Step.ACK)
        self._core.tell(Confirmed(self.key, sdp_of(ack)))
        self._reinvites.proceed(now)

    def _bye_came(
        self, transaction: ServerTransaction, dialog: Dialog, now: float
    ) -> None:
        """Also when ours is on its way, or when we wait for the ACK."""
        if self.phase is Phase.CALLING:
            # Callees do not do so (15), and others may still answer.
            transaction.reply(UNKNOWN_CALL, now)
            return
        transaction.reply(OK, now)
        if dialog is not self.dialog:
            return
        if self.phase is Phase.LEAVING:
            self._drop_answer()
            self._move(Step.END)
            self._forget_if_done()
        elif self.phase is not Phase.OVER:
            headers = extra_headers(transaction.request.headers)
            self._end(
                Ended(self.key, is_by_remote=True, headers=headers), Step.END, now
            )

    def _info_came(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        transaction.reply(OK, now)
        kind = request.content_type
        content_type = "" if kind is None else kind.mime_type
        self._core.tell(InfoReceived(self.key, content_type, request.body))

    # Within

    def _open(self) -> None:
        """From now on it is known, until `_end` and all that follows it."""
        self._core.calls[self.key] = self
        self._core.live += 1

    def _request_told(self, outcome: Outcome, now: float) -> None:
        if outcome.status in LOST:
            self.lose(outcome.status, now)

    def _not_acknowledged(self, now: float) -> None:
        self._answer = None
        if self.phase is Phase.LEAVING:
            self._send_bye(self.dialog, self._parting, now)
            self._move(Step.END)
        else:
            self._send_bye(self.dialog, (), now)
            self._end(NotAcknowledged(self.key), Step.END, now)

    def _send_bye(self, dialog: Dialog, headers: Fields, now: float) -> None:
        """Raises ValueError for a header that cannot be sent."""
        draft = dialog.draft("BYE", headers)
        self.attempt(dialog.next_number, _ignore).start(draft, dialog.hop(), now)

    def _keep(self, dialog: Dialog) -> None:
        self.dialogs.insert(0, dialog)
        self._core.dialogs[dialog.key] = (self, dialog)

    def _move(self, step: Step) -> None:
        self.phase = MOVES[self.phase, step]

    def _end(self, event: Event, step: Step, now: float) -> None:
        self._move(step)
        self._core.tell(event)
        self._core.live -= 1
        self._reinvites.close(now)
        if self.phase is Phase.OVER:
            self._drop_answer()
            self._forget_if_done()

    def _drop_answer(self) -> None:
        if self._answer is not None:
            self._answer.stop()
            self._answer = None

    def _released(self, now: float) -> None:
        self._forget_if_done()

    def _forget_if_done(self) -> None:
        if self.phase is Phase.OVER and not self._holder.count:
            self._core.forget(self)


def _ignore(outcome: Outcome, now: float) -> None:
    """Of a BYE: the call is over, whatever is said of it (15.1.1)."""
