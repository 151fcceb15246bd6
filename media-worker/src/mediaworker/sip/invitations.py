"""An INVITE of ours, the first or a later one: cancelled, limited, acknowledged."""

from collections.abc import Callable

from mediaworker.sip.attempts import Attempt
from mediaworker.sip.client_transactions import Draft, Outcome, Tell
from mediaworker.sip.dialogs import Dialog
from mediaworker.sip.layer import Layer
from mediaworker.sip.routing import Hop, Transmission
from mediaworker.sip.screening import SDP
from mediaworker.sip.station import Station
from mediaworker.sip.statuses import OK
from mediaworker.sip.transactions import State


def _ignore(outcome: Outcome, now: float) -> None:
    """Of a CANCEL: the INVITE's own response says more (9.1)."""


class Invitation:
    def __init__(
        self,
        station: Station,
        layer: Layer,
        attempt: Callable[[Tell], Attempt],
        tell: Tell,
    ) -> None:
        """`tell` gets provisional responses, one 2xx of each callee that a fork has
        reached, or one of another class."""
        self.is_cancelled = False
        self._station = station
        self._layer = layer
        self._tell = tell
        self._attempt = attempt(self._told)
        self._acks: dict[str, Transmission | None] = {}
        """By callee; None as long as it is owed."""
        self._has_sent_cancel = False

    @property
    def draft(self) -> Draft:
        """The request as it was sent last."""
        return self._attempt.transaction.draft

    @property
    def hop(self) -> Hop:
        return self._attempt.transaction.hop

    def start(self, draft: Draft, hop: Hop, now: float) -> None:
        """Raises ValueError for what no request can carry."""
        self._attempt.start(draft, hop, now)
        at = now + self._station.limits.ringing_seconds
        self._limit = self._station.agenda.set(at, self.cancel)

    def let_go(self) -> None:
        """Its call is forgotten, and so is it."""
        vars(self).clear()

    def cancel(self, now: float) -> None:
        """CANCEL waits for a provisional response (9.1)."""
        self.is_cancelled = self._attempt.is_given_up = True
        transaction = self._attempt.transaction
        if transaction.state is not State.PROCEEDING or self._has_sent_cancel:
            return
        self._has_sent_cancel = True
        invite = transaction.draft
        cancel = invite.companion("CANCEL", invite.to_value)
        self._layer.request(
            cancel, transaction.hop, _ignore, now, branch=transaction.branch
        )
        self.leave(now)

    def leave(self, now: float) -> None:
        """Nobody minds any more what comes of it; it does not last forever (9.1)."""
        self._attempt.is_given_up = True
        self._limit.cancel()
        transaction = self._attempt.transaction
        if transaction.state is State.PROCEEDING:
            transaction.end_within(self._station.timers.giving_up, now)

    def acknowledge(self, dialog: Dialog, answer: str | None = None) -> None:
        """The ACK of a 2xx (13.2.2.4); each copy of the 2xx gets a copy of it."""
        station, number = self._station, self.draft.number
        draft = dialog.draft(
            "ACK",
            self._attempt.credentials,
            body=(answer or "").encode(),
            content_type=None if answer is None else SDP,
            number=number,
        )
        hop = dialog.hop()
        data = draft.rendered(station.identity.via(hop.transport, station.branch()))
        self._acks[dialog.remote_tag] = Transmission(data, hop)
        station.transmit(data, hop)

    def _told(self, outcome: Outcome, now: float) -> None:
        if outcome.status < OK:
            if self.is_cancelled:
                self.cancel(now)
        else:
            self._limit.cancel()
        if outcome.response is None or not OK <= outcome.status < 300:
            self._tell(outcome, now)
            return
        tag = outcome.response.to_tag or ""
        if tag not in self._acks:
            if len(self._acks) < self._station.limits.forks:
                self._acks[tag] = None
                self._tell(outcome, now)
        elif (ack := self._acks[tag]) is not None:
            self._station.transmit(ack.data, ack.hop)
