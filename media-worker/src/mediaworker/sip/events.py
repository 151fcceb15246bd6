"""What an endpoint tells: each event of one call.

A call has exactly one event that ends it: `Cancelled`, `Rejected`, `NotAcknowledged`
or `Ended`. After it nothing more is told of the call, and its verbs are out of place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType

from mediaworker.sip.routing import Hop

CallKey = NewType("CallKey", str)
"""The endpoint's own name for a call, one side of it."""

Headers = Mapping[str, str]
"""Those that SIP itself does not know; repeated ones are joined."""
Fields = tuple[tuple[str, str], ...]
"""All of a message, in order, by their usual names."""


@dataclass(frozen=True, slots=True)
class InviteReceived:
    """Fired when somebody calls. 100 is sent; `ring`, `accept` or `reject` follow."""

    call: CallKey
    call_id: str
    local_tag: str
    remote_tag: str
    caller: str = field(repr=False)
    """The URI of From."""
    caller_name: str = field(repr=False)
    callee: str = field(repr=False)
    """The URI that was asked for, which To does not always name."""
    source: Hop
    offer: str | None = field(default=None, repr=False)
    """None when the caller leaves the offer to us: `accept` gives it, and the answer
    comes with `Confirmed`."""
    headers: Headers = field(default_factory=dict, repr=False)
    fields: Fields = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Fired when the caller takes a call back that was not answered; 487 is sent."""

    call: CallKey
    headers: Headers = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Progressed:
    """Fired when a provisional response above 100 comes, as often as one does."""

    call: CallKey
    status: int
    remote_tag: str
    """Who answers: a call that was forked has several."""
    sdp: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Fired when the call is answered. ACK is sent, unless it needs an answer."""

    call: CallKey
    remote_tag: str
    sdp: str | None = field(default=None, repr=False)
    needs_answer: bool = False
    """The SDP is an offer, or should be: `acknowledge` sends the answer."""
    fields: Fields = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Fired when a call that we placed does not come about.

    408 when nobody answers at all, 503 when nobody can be reached, 487 when we
    cancelled it, whatever else crossed the CANCEL.
    """

    call: CallKey
    status: int
    """300 or above."""
    reason: str
    headers: Headers = field(default_factory=dict, repr=False)
    retry_after: int | None = None
    """Seconds."""
    contacts: tuple[str, ...] = field(default=(), repr=False)
    """URIs, where a redirection leads."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Fired when ACK comes for our answer to an INVITE, the first or a later one."""

    call: CallKey
    sdp: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotAcknowledged:
    """Fired when ACK does not come in time (RFC 3261 section 13.3.1.4); BYE is sent."""

    call: CallKey


@dataclass(frozen=True, slots=True)
class Reinvited:
    """Fired when the far end asks for another session, by INVITE or UPDATE.

    `answer_reinvite` or `refuse_reinvite` follow.
    """

    call: CallKey
    sdp: str | None = field(default=None, repr=False)
    """None when it wants our offer; the answer then comes with `Confirmed`."""


@dataclass(frozen=True, slots=True)
class ReinviteCancelled:
    """Fired when the far end takes that back before it is answered."""

    call: CallKey


@dataclass(frozen=True, slots=True)
class ReinviteAnswered:
    """Fired when the far end agrees to our `reinvite`."""

    call: CallKey
    sdp: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ReinviteRefused:
    """Fired when it does not; the session stays as it was."""

    call: CallKey
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class InfoReceived:
    """Fired when INFO comes within a call; 200 is sent."""

    call: CallKey
    content_type: str
    """Without parameters, in lower case."""
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """Fired when a call is over, that was answered or that we declined.

    By a BYE of either side, by our final response, or by the far end's telling a
    request of ours that it knows nothing of the call, or by telling nothing.
    """

    call: CallKey
    is_by_remote: bool
    status: int = 200
    """408 or 481 where the far end, or its silence, told so."""
    headers: Headers = field(default_factory=dict, repr=False)
    """Of its BYE."""


Event = (
    InviteReceived
    | Cancelled
    | Progressed
    | Accepted
    | Rejected
    | Confirmed
    | NotAcknowledged
    | Reinvited
    | ReinviteCancelled
    | ReinviteAnswered
    | ReinviteRefused
    | InfoReceived
    | Ended
)
