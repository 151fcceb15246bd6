"""How a session ends, in words."""

from chalicelib.protocol.session.call_events import Attendee
from chalicelib.protocol.session.commands import Hangup
from chalicelib.protocol.session.vocabulary import HangupReason

SYSTEM = "system"
REASONS = {
    "caller": HangupReason.BY_CALLER,
    "callee": HangupReason.BY_CALLEE,
}
"""Where only the initiator was given."""
SCHEMES = ("sip:", "sips:", "tel:")


def words_of(command: Hangup) -> tuple[str, str]:
    """The reason and the initiator: as they were given, else of our vocabulary."""
    initiator = command.initiator or SYSTEM
    known = REASONS.get(initiator.lower(), HangupReason.BY_SYSTEM)
    return command.reason or str(known), initiator


def attendee(party: str | None) -> Attendee | None:
    """A SIP URI, or a phone number, taken apart."""
    if party is None:
        return None
    address = party.strip().removeprefix("<").removesuffix(">")
    for scheme in SCHEMES:
        if address.lower().startswith(scheme):
            address = address[len(scheme) :]
            break
    address = address.partition(";")[0].partition("?")[0]
    user, at, host = address.rpartition("@")
    if not at and party.lower().strip("<").startswith(("sip:", "sips:")):
        return Attendee("", _without_port(host), party)
    return Attendee(user or host, _without_port(host) if at else "", party)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
