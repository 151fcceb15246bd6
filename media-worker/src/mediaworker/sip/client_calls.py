"""Calls that we place (RFC 3261 sections 8.1, 9.1, 13.2)."""

from dataclasses import dataclass, field
from functools import partial

from mediaworker.sip.addresses import Address, Uri
from mediaworker.sip.calls import Call
from mediaworker.sip.client_transactions import Draft, Fields, Outcome
from mediaworker.sip.core import Core, sdp_of
from mediaworker.sip.dialogs import Dialog
from mediaworker.sip.digest import Credentials
from mediaworker.sip.events import Accepted, Progressed, Rejected
from mediaworker.sip.headers import extra_headers
from mediaworker.sip.invitations import Invitation
from mediaworker.sip.messages import Response
from mediaworker.sip.phases import Phase, Step, Verb, check
from mediaworker.sip.reasons import phrase_of
from mediaworker.sip.routing import TRANSPORTS, Hop, hop_of
from mediaworker.sip.screening import SDP
from mediaworker.sip.statuses import OK, TERMINATED, TRYING


@dataclass(frozen=True, slots=True)
class Wish:
    """The call that is to be placed."""

    target: Uri
    caller: Address
    offer: str | None = field(repr=False)
    headers: Fields
    destination: Hop | None
    call_id: str

    @property
    def hop(self) -> Hop:
        """Raises ValueError where nothing of ours leads."""
        if self.destination is not None:
            return self.destination
        named = self.target.parameters.get("transport") or "udp"
        if self.target.scheme != "sip" or named.lower() not in TRANSPORTS:
            raise ValueError("only sip URIs over UDP and TCP can be called")
        return hop_of(self.target)


class ClientCall(Call):
    owns_call_id = True

    def __init__(
        self, core: Core, wish: Wish, credentials: Credentials | None, now: float
    ) -> None:
        """Raises ValueError for what cannot be sent."""
        super().__init__(core, Phase.CALLING, credentials)
        self._tag = core.station.ids()
        self._number = 0
        self._has_offered = wish.offer is not None
        self._invitation = Invitation(
            core.station,
            core.layer,
            partial(self.attempt, self._next_number),
            self._told,
        )
        self._invitation.start(self._draft(wish), wish.hop, now)
        self._open()

    def let_go(self) -> None:
        self._invitation.let_go()
        super().let_go()

    def cancel(self, now: float) -> None:
        check(Verb.CANCEL, self.phase)
        self._invitation.cancel(now)

    def acknowledge(self, answer: str) -> None:
        check(Verb.ACKNOWLEDGE, self.phase)
        self._invitation.acknowledge(self.dialog, answer)
        self._move(Step.ACK)

    def bye(self, headers: Fields, now: float) -> None:
        if self.phase is Phase.OWING:
            self._invitation.acknowledge(self.dialog)
        super().bye(headers, now)

    def _draft(self, wish: Wish) -> Draft:
        offer = wish.offer
        return Draft(
            "INVITE",
            wish.target,
            str(wish.caller.with_tag(self._tag)),
            f"<{wish.target.bare()}>",
            wish.call_id,
            self._next_number(),
            (),
            (*self._core.fields(wish.hop.transport), *wish.headers),
            (offer or "").encode(),
            None if offer is None else SDP,
        )

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    # What comes of the INVITE

    def _told(self, outcome: Outcome, now: float) -> None:
        response, status = outcome.response, outcome.status
        if response is None or status >= 300:
            self._failed(outcome, now)
        elif status >= OK:
            self._succeeded(response, now)
        elif status > TRYING and not self._invitation.is_cancelled:
            self._progressed(response)

    def _progressed(self, response: Response) -> None:
        tag = response.to_tag
        if tag is not None and self._find(tag) is None:
            if len(self.dialogs) >= self._core.station.limits.forks:
                return
            self._keep(self._made(response))
        sdp = sdp_of(response)
        self._core.tell(Progressed(self.key, response.status, tag or "", sdp))

    def _succeeded(self, response: Response, now: float) -> None:
        dialog = self._find(response.to_tag or "")
        if dialog is None:
            dialog = self._made(response)
            self._keep(dialog)
        dialog.learn(response)
        if self.phase is Phase.CALLING and not self._invitation.is_cancelled:
            self._choose(dialog, response)
            return
        self._invitation.acknowledge(dialog)
        self._send_bye(dialog, (), now)
        if self.phase is Phase.CALLING:
            self._reject(Outcome(TERMINATED, phrase_of(TERMINATED)), now)

    def _choose(self, dialog: Dialog, response: Response) -> None:
        """The first callee to answer has the call."""
        for other in self.dialogs:
            if other is not dialog:
                del self._core.dialogs[other.key]
        self.dialogs = [dialog]
        if self._has_offered:
            self._invitation.acknowledge(dialog)
        self._move(Step.ANSWER if self._has_offered else Step.OFFER)
        self._core.tell(
            Accepted(
                self.key,
                dialog.remote_tag,
                sdp_of(response),
                needs_answer=not self._has_offered,
                fields=tuple(response.headers),
            )
        )

    def _failed(self, outcome: Outcome, now: float) -> None:
        if self._invitation.is_cancelled:
            outcome = Outcome(TERMINATED, phrase_of(TERMINATED), outcome.response)
        self._reject(outcome, now)

    def _reject(self, outcome: Outcome, now: float) -> None:
        status, phrase, response = outcome.status, outcome.phrase, outcome.response
        event = Rejected(self.key, status, phrase)
        if response is not None:
            is_redirection = status < 400
            event = Rejected(
                self.key,
                status,
                phrase,
                extra_headers(response.headers),
                response.retry_after,
                _uris(response) if is_redirection else (),
            )
        self._end(event, Step.END, now)

    def _find(self, tag: str) -> Dialog | None:
        found = (each for each in self.dialogs if each.remote_tag == tag)
        return next(found, None)

    def _made(self, response: Response) -> Dialog:
        invitation = self._invitation
        return Dialog.of_caller(invitation.draft, self._tag, response, invitation.hop)


def _uris(response: Response) -> tuple[str, ...]:
    return tuple(str(contact.uri) for contact in response.contacts)
