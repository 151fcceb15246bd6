"""Changes of a session that is there: re-INVITE and UPDATE, either way (14, RFC 3311).

One at a time: what cannot begin now waits, ours after a glare for a while.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mediaworker.sip.client_transactions import Outcome
from mediaworker.sip.core import Core, sdp_of
from mediaworker.sip.dialogs import Dialog
from mediaworker.sip.events import (
    ReinviteAnswered,
    ReinviteCancelled,
    Reinvited,
    ReinviteRefused,
)
from mediaworker.sip.invitations import Invitation
from mediaworker.sip.messages import Request
from mediaworker.sip.phases import Phase, WrongTime
from mediaworker.sip.routing import Hop
from mediaworker.sip.screening import SDP
from mediaworker.sip.server_transactions import ServerTransaction
from mediaworker.sip.statuses import BUSY, LOST, OK, PENDING, TERMINATED, TRYING
from mediaworker.sip.timers import Alarm

if TYPE_CHECKING:
    from mediaworker.sip.calls import Call

MOST_GLARES = 5
TEN_MS = 0.01


class Reinvites:
    def __init__(self, core: Core, call: Call) -> None:
        self._core = core
        self._call = call
        self._is_closed = False
        self._wanted: str | None = None
        """What we shall offer, or have offered."""
        self._ours: Invitation | None = None
        """On its way."""
        self._theirs: ServerTransaction | None = None
        """Not answered yet."""
        self._source: Hop
        self._glares = 0
        self._retry: Alarm | None = None

    # Ours

    def ask(self, sdp: str, now: float) -> None:
        """As soon as nothing else is under way. Raises `WrongTime`."""
        if self._wanted is not None:
            raise WrongTime("reinvite: the one before is not answered")
        self._wanted = sdp
        self._glares = 0
        self.proceed(now)

    def proceed(self, now: float) -> None:
        """Begin what waits, if it can begin now (14.1)."""
        is_held_up = self._theirs or self._ours or self._call.awaits_ack
        is_glaring = self._retry is not None and self._retry.is_set
        if self._wanted is None or is_held_up or is_glaring:
            return
        call, core = self._call, self._core
        dialog = call.dialog
        hop = dialog.hop()
        attempt = partial(call.attempt, dialog.next_number)
        self._ours = Invitation(core.station, core.layer, attempt, self._told)
        fields = core.fields(hop.transport)
        body = self._wanted.encode()
        draft = dialog.draft("INVITE", fields, body=body, content_type=SDP)
        self._ours.start(draft, hop, now)

    def _told(self, outcome: Outcome, now: float) -> None:
        ours = self._ours
        if ours is None or outcome.status < OK:
            return
        self._ours = None
        if outcome.response is not None and outcome.status < 300:
            self._call.dialog.refresh(outcome.response)
            ours.acknowledge(self._call.dialog)
        if not self._is_closed:
            self._settle(outcome, now)

    def _settle(self, outcome: Outcome, now: float) -> None:
        call, status = self._call, outcome.status
        if status == PENDING and self._glares < MOST_GLARES:
            self._glares += 1
            at = now + self._glare_seconds()
            self._retry = self._core.station.agenda.set(at, self.proceed)
            return
        self._wanted = None
        if status in LOST:
            call.lose(status, now)
        elif outcome.response is not None and status < 300:
            self._core.tell(ReinviteAnswered(call.key, sdp_of(outcome.response)))
        else:
            self._core.tell(ReinviteRefused(call.key, status, outcome.phrase))

    def _glare_seconds(self) -> float:
        chance = self._core.station.chance
        if self._call.owns_call_id:
            return 2.1 + chance(191) * TEN_MS
        return chance(201) * TEN_MS

    # Theirs

    def came(
        self, transaction: ServerTransaction, dialog: Dialog, source: Hop, now: float
    ) -> None:
        request, call = transaction.request, self._call
        sdp = sdp_of(request)
        if request.method == "UPDATE" and sdp is None:
            dialog.refresh(request, source)
            self._agree(transaction, None, now)
        elif call.phase is not Phase.CONFIRMED or call.awaits_ack or self._ours:
            transaction.reply(PENDING, now)
        elif self._theirs is not None:
            wait = str(self._core.station.chance(11))
            transaction.reply(BUSY, now, headers=(("Retry-After", wait),))
        else:
            self._theirs, self._source = transaction, source
            self._hold(transaction, now)
            self._core.tell(Reinvited(call.key, sdp))

    def answer(self, sdp: str, now: float) -> None:
        """Raises `WrongTime`."""
        theirs = self._take_theirs()
        self._call.dialog.refresh(theirs.request, self._source)
        self._agree(theirs, sdp, now)
        if theirs.request.method == "INVITE":
            self._call.await_ack(theirs, now)
        self.proceed(now)

    def refuse(self, status: int, now: float) -> None:
        """Raises `WrongTime`, and ValueError for no final status above 299."""
        if not 300 <= status < 700:
            raise ValueError("a reinvite is refused with a status from 300 to 699")
        self._take_theirs().reply(status, now)
        self.proceed(now)

    def close(self, now: float) -> None:
        """The call is over: what waits for a response gets one (15.1.2)."""
        self._is_closed = True
        self._wanted = None
        if self._retry is not None:
            self._retry.cancel()
        if self._ours is not None:
            self._ours.leave(now)
        if self._theirs is not None:
            self._take_theirs().reply(TERMINATED, now)

    def _hold(self, transaction: ServerTransaction, now: float) -> None:
        if transaction.request.method == "INVITE":
            transaction.reply(TRYING, now)
            transaction.on_cancel = self._cancelled
            self._call.take(transaction)

    def _agree(
        self, transaction: ServerTransaction, sdp: str | None, now: float
    ) -> None:
        transaction.reply(
            OK,
            now,
            headers=self._core.response_fields(transaction.hop.transport),
            body=(sdp or "").encode(),
            content_type=None if sdp is None else SDP,
        )

    def _cancelled(self, cancel: Request, now: float) -> None:
        self._take_theirs().reply(TERMINATED, now)
        self._core.tell(ReinviteCancelled(self._call.key))
        self.proceed(now)

    def _take_theirs(self) -> ServerTransaction:
        theirs, self._theirs = self._theirs, None
        if theirs is None:
            raise WrongTime("there is no reinvite to be answered")
        return theirs
