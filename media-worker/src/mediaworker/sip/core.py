"""What the calls of an endpoint share: tables, events, and what it can do."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mediaworker.sip.client_transactions import Fields
from mediaworker.sip.dialogs import Dialog, DialogKey
from mediaworker.sip.events import CallKey, Event
from mediaworker.sip.layer import Layer
from mediaworker.sip.messages import Request, Response
from mediaworker.sip.phases import WrongTime
from mediaworker.sip.routing import Transport
from mediaworker.sip.screening import SDP
from mediaworker.sip.station import Station

if TYPE_CHECKING:
    from mediaworker.sip.calls import Call

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE")
ALLOW = ", ".join(METHODS)
EXTENSIONS: frozenset[str] = frozenset()
"""Option tags of Require and Supported."""


class Full(Exception):
    """There are as many calls as the limits allow."""


class Core:
    def __init__(self, station: Station) -> None:
        self.station = station
        self.layer = Layer(station)
        self.calls: dict[CallKey, Call] = {}
        self.dialogs: dict[DialogKey, tuple[Call, Dialog]] = {}
        self.events: deque[Event] = deque()
        self.live = 0
        """Calls that are not over; those that are stay while a message may come."""

    @property
    def is_full(self) -> bool:
        return self.live >= self.station.limits.calls

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def forget(self, call: Call) -> None:
        for dialog in call.dialogs:
            self.dialogs.pop(dialog.key, None)
        del self.calls[call.key]
        call.let_go()

    def find(self, key: CallKey) -> Call:
        """Raises `WrongTime`."""
        call = self.calls.get(key)
        if call is None:
            raise WrongTime("there is no such call")
        return call

    def fields(self, transport: Transport) -> Fields:
        """What names us in requests that make or refresh a dialog (12.1, 12.2)."""
        identity = self.station.identity
        return (
            ("Contact", identity.contact(transport)),
            ("Allow", ALLOW),
            ("User-Agent", identity.user_agent),
        )

    def abilities(self) -> Fields:
        """What OPTIONS asks for (11.2)."""
        return (("Allow", ALLOW), ("Accept", SDP))

    def response_fields(self, transport: Transport) -> Fields:
        contact = self.station.identity.contact(transport)
        return (("Contact", contact), ("Allow", ALLOW))


def sdp_of(message: Request | Response) -> str | None:
    kind = message.content_type
    if not message.body or kind is None or kind.mime_type != SDP:
        return None
    return message.body.decode(errors="replace")
