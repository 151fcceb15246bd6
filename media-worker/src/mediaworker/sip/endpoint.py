"""SIP's endpoint: messages in, messages and events out, verbs in between.

Whoever calls `receive`, `transport_failed`, `handle_timer` or a verb drains
`next_event` and `transmissions` afterwards, and asks `timer` anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from mediaworker.sip.addresses import Address, Uri
from mediaworker.sip.calls import Call
from mediaworker.sip.client_calls import ClientCall, Wish
from mediaworker.sip.core import Core, Full
from mediaworker.sip.digest import Credentials
from mediaworker.sip.events import CallKey, Event
from mediaworker.sip.headers import checked_headers
from mediaworker.sip.phases import Phase, WrongTime
from mediaworker.sip.reception import Reception
from mediaworker.sip.routing import Hop, Transmission
from mediaworker.sip.server_calls import ServerCall
from mediaworker.sip.station import Identity, Limits, Station
from mediaworker.sip.statuses import DECLINED
from mediaworker.sip.timers import Timers

__all__ = ["Counts", "Endpoint", "Full", "Identity", "Limits", "Timers", "WrongTime"]

NO_HEADERS: Mapping[str, str] = {}

T = TypeVar("T", bound=Call)


@dataclass(frozen=True, slots=True)
class Counts:
    calls: int
    """Those that are over stay until no message of theirs can come any more."""
    dialogs: int
    transactions: int


class Endpoint:
    def __init__(
        self,
        identity: Identity,
        ids: Callable[[], str],
        timers: Timers | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`ids` gives another token each time that nobody can guess: tags, branches,
        Call-IDs and the little chance that there is come from it."""
        station = Station(identity, ids, timers or Timers(), limits or Limits())
        self._station = station
        self._core = Core(station)
        self._reception = Reception(self._core)

    def rename(self, host: str) -> None:
        """Others reach it there from now on; IPv6 in brackets."""
        self._station.rename(host)

    # Messages and time

    def receive(self, message: bytes, source: Hop, now: float) -> None:
        """One whole message, as the framing gives it. Raises nothing."""
        self._reception.receive(message, source, now)

    def transport_failed(self, hop: Hop, now: float) -> None:
        """What was to go there could not, or its connection is lost: requests on
        their way there fail."""
        self._core.layer.fail(hop, now)

    def transmissions(self) -> list[Transmission]:
        """What is to be sent since it was asked last."""
        return self._station.take_outgoing()

    def next_event(self) -> Event | None:
        events = self._core.events
        return events.popleft() if events else None

    def timer(self) -> float | None:
        """When `handle_timer` is due."""
        return self._station.agenda.next_at

    def handle_timer(self, now: float) -> None:
        self._station.agenda.ring_due(now)

    @property
    def counts(self) -> Counts:
        """What is remembered; all zero 64*T1 or so after the last call."""
        core = self._core
        return Counts(len(core.calls), len(core.dialogs), len(core.layer))

    # Verbs; each raises `WrongTime`, and ValueError for what cannot be sent

    def invite(
        self,
        target: str,
        caller: str,
        offer: str | None,
        now: float,
        *,
        caller_name: str = "",
        headers: Mapping[str, str] = NO_HEADERS,
        credentials: Credentials | None = None,
        destination: Hop | None = None,
        call_id: str | None = None,
    ) -> CallKey:
        """Call a SIP URI. Without an offer the callee makes it: see `acknowledge`.

        `destination` is where the INVITE goes, whatever the target says. Raises `Full`,
        and ValueError for a target that cannot be reached.
        """
        if self._core.is_full:
            raise Full("there are as many calls as there may be")
        wish = Wish(
            Uri.parse(target),
            Address(Uri.parse(caller), caller_name),
            offer,
            checked_headers(headers),
            destination,
            call_id or self._station.ids(),
        )
        return ClientCall(self._core, wish, credentials, now).key

    def acknowledge(self, call: CallKey, answer: str) -> None:
        """Send the ACK of an `Accepted` that needs an answer."""
        self._find(call, ClientCall).acknowledge(answer)

    def ring(self, call: CallKey, now: float, sdp: str | None = None) -> None:
        """180, or 183 with SDP; told again every minute."""
        self._find(call, ServerCall).ring(sdp, now)

    def accept(self, call: CallKey, sdp: str, now: float) -> None:
        """200 with the answer, or with an offer where none came."""
        self._find(call, ServerCall).accept(sdp, now)

    def reject(
        self,
        call: CallKey,
        status: int,
        now: float,
        reason: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        """`Ended` follows at once. Without a reason it is the status's own."""
        fields = checked_headers(headers)
        self._find(call, ServerCall).reject(status, reason, fields, now)

    def cancel(self, call: CallKey, now: float) -> None:
        """Take back a call of ours; `Rejected` follows when its time has come."""
        self._find(call, ClientCall).cancel(now)

    def bye(
        self, call: CallKey, now: float, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """`Ended` follows at once; BYE itself waits for the ACK of our 200."""
        self._core.find(call).bye(checked_headers(headers), now)

    def hang_up(
        self, call: CallKey, now: float, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """Cancel, reject with 603, or bye, as fits; nothing for a call that is over."""
        found = self._core.calls.get(call)
        if found is None or found.phase in (Phase.LEAVING, Phase.OVER):
            return
        if found.phase is Phase.CALLING:
            self.cancel(call, now)
        elif found.phase is Phase.INCOMING:
            self.reject(call, DECLINED, now, headers=headers)
        else:
            self.bye(call, now, headers)

    def reinvite(self, call: CallKey, sdp: str, now: float) -> None:
        """Offer another session, as soon as no other INVITE is under way; after a
        glare again. `ReinviteAnswered` or `ReinviteRefused` follow."""
        self._core.find(call).reinvite(sdp, now)

    def answer_reinvite(self, call: CallKey, sdp: str, now: float) -> None:
        self._core.find(call).answer_reinvite(sdp, now)

    def refuse_reinvite(self, call: CallKey, status: int, now: float) -> None:
        """With 488, as a rule: the session stays as it was."""
        self._core.find(call).refuse_reinvite(status, now)

    def info(self, call: CallKey, content_type: str, body: bytes, now: float) -> None:
        """Whatever the far end says of it, unless it says that there is no call."""
        self._core.find(call).info(content_type, body, now)

    def _find(self, key: CallKey, kind: type[T]) -> T:
        call = self._core.find(key)
        if not isinstance(call, kind):
            raise WrongTime("the call goes the other way")
        return call
