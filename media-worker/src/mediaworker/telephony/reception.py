"""What becomes of each call that comes: refused, given to who waits, or told."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any

from chalicelib.protocol.session.ids import owned_id
from mediaworker.rtp.negotiation import NotAcceptable, OurMedia, answer
from mediaworker.rtp.sdp import MalformedSdp, SessionDescription, parse
from mediaworker.sip.addresses import Uri
from mediaworker.sip.events import InviteReceived
from mediaworker.sip.headers import PROOFS
from mediaworker.telephony.defences import Network, is_within
from mediaworker.telephony.incoming import IncomingCall
from mediaworker.telephony.leg import PhoneLeg
from mediaworker.telephony.lobby import Lobby
from mediaworker.telephony.share import Share

logger = logging.getLogger(__name__)

BAD_REQUEST = 400
FORBIDDEN = 403
REQUEST_TIMEOUT = 408
TEMPORARILY_UNAVAILABLE = 480
NOT_ACCEPTABLE = 488
UNAVAILABLE = 503
MOST_WAITING = 500
"""Calls that wait for an application."""

Notify = Callable[[str, dict[str, Any]], Awaitable[bool]]
"""An id and a body; whether an application has taken note of it."""


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in, and whom they come to."""

    worker_id: str
    ws_url: str
    tenant: str
    """That all calls that come belong to."""
    peers: Sequence[Network]
    is_development: bool
    """Whoever calls is let in."""
    notify: Notify | None
    """None: nobody is told of calls, but who waits for them."""
    has_room: Callable[[], bool]


class CallReception:
    """Pure but for the tasks that tell of calls."""

    def __init__(self, door: Door, lobby: Lobby, share: Share) -> None:
        self._door = door
        self._lobby = lobby
        self._share = share
        self.is_closed = False
        """No more calls."""
        self.came = 0
        self.refused = 0

    def receive(self, invite: InviteReceived) -> None:
        self.came += 1
        status = self._refusal(invite)
        if status is not None:
            self._refuse(invite, status)
            return
        try:
            offered = self._read(invite.offer)
        except (MalformedSdp, NotAcceptable) as error:
            is_malformed = isinstance(error, MalformedSdp)
            self._refuse(invite, BAD_REQUEST if is_malformed else NOT_ACCEPTABLE)
            return
        self._hand_over(invite, offered)

    def close(self) -> None:
        """No more calls; for those that wait another worker may be found at once."""
        self.is_closed = True
        for call in self._lobby.overdue(inf):
            call.reject(UNAVAILABLE)

    def keep(self, now: float) -> None:
        """Nobody waits longer than is fair."""
        seconds = self._share.rules.ring_seconds
        for call in self._lobby.overdue(now - seconds):
            call.reject(REQUEST_TIMEOUT)

    def _refusal(self, invite: InviteReceived) -> int | None:
        """Before anything is asked of anybody; None when it may come in."""
        door = self._door
        if self.is_closed or len(self._lobby) >= MOST_WAITING:
            return UNAVAILABLE
        if not door.is_development and not is_within(invite.source.host, door.peers):
            return FORBIDDEN
        can_tell = door.notify is not None and door.has_room()
        return None if self._lobby.has_listeners or can_tell else UNAVAILABLE

    def _read(self, offer: str | None) -> SessionDescription | None:
        """Raises `MalformedSdp`, and `NotAcceptable` for what can never be met."""
        if offer is None:
            return None
        offered = parse(offer)
        answer(offered, OurMedia(self._share.codecs, session_id=0))
        return offered

    def _hand_over(
        self, invite: InviteReceived, offered: SessionDescription | None
    ) -> None:
        door, share = self._door, self._share
        leg = self._lobby.match(_user_of(invite.callee), lambda leg: leg.is_attended)
        if leg is not None:
            self._give(self._call(invite, offered, leg.session_id), leg)
        elif door.notify is None:
            self._refuse(invite, TEMPORARILY_UNAVAILABLE)
        elif not door.has_room():
            self._refuse(invite, UNAVAILABLE)
        else:
            call = self._call(invite, offered, owned_id(door.worker_id, share.unique()))
            self._lobby.admit(call)
            self._start_telling(call)

    def _call(
        self,
        invite: InviteReceived,
        offered: SessionDescription | None,
        session_id: str,
    ) -> IncomingCall:
        call = IncomingCall(self._share, invite, offered, session_id, self._door.tenant)
        self._share.exchange.assign(invite.call, call)
        return call

    def _give(self, call: IncomingCall, leg: PhoneLeg) -> None:
        leg.take_in(call)

    def _start_telling(self, call: IncomingCall) -> None:
        running = self._tell(call)
        try:
            self._share.spawn(running)
        except RuntimeError:
            running.close()
            call.reject(UNAVAILABLE)

    async def _tell(self, call: IncomingCall) -> None:
        door, session_id = self._door, call.record.session_id
        assert door.notify is not None
        is_told = await door.notify(session_id, body_of(call, door.ws_url))
        if not is_told and self._lobby.holds(session_id):
            self._lobby.take(session_id)
            call.reject(UNAVAILABLE)

    def _refuse(self, invite: InviteReceived, status: int) -> None:
        self.refused += 1
        headers = {"Retry-After": "10"} if status == UNAVAILABLE else {}
        self._share.exchange.do(
            lambda sip, now: sip.reject(invite.call, status, now, headers=headers)
        )


def body_of(call: IncomingCall, ws_url: str) -> dict[str, Any]:
    """What an application is told of a call."""
    invite, session_id = call.invite, call.record.session_id
    at = datetime.fromtimestamp(call.record.started_at_ms / 1_000, UTC)
    return {
        "dialogId": session_id,
        "createdAt": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "caller": invite.caller,
        "callee": invite.callee,
        "event": "invite",
        "headers": [
            f"{name}: {value}"
            for name, value in invite.fields
            if name.lower() not in PROOFS
        ],
        "offer": invite.offer or "",
        "wsUrl": f"{ws_url}/call/sip?id={session_id}",
    }


def _user_of(uri: str) -> str:
    try:
        return Uri.parse(uri).user_text
    except ValueError:
        return ""
