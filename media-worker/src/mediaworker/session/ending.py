"""How a session ends, in words."""

from chalicelib.protocol.session.call_events import Attendee
from chalicelib.protocol.session.commands import Hangup
from chalicelib.protocol.session.vocabulary import HangupReason

SYSTEM = "system"
SESSION = "session"
"""Who tells of what went wrong with a session as a whole."""
CALLEE = "callee"
REASONS = {
    "caller": HangupReason.BY_CALLER,
    "callee": HangupReason.BY_CALLEE,
}
"""Where only the initiator was given."""
SCHEMES = ("sip:", "sips:", "tel:")


STATUSES = {
    402: HangupReason.NO_BALANCE,
    408: HangupReason.NO_ANSWER,
    480: HangupReason.NO_ANSWER,
    486: HangupReason.REJECTED,
    487: HangupReason.CANCELED,
    500: HangupReason.SERVER_UNAVAILABLE,
    502: HangupReason.SERVER_UNAVAILABLE,
    503: HangupReason.SERVER_UNAVAILABLE,
    504: HangupReason.SERVER_UNAVAILABLE,
    600: HangupReason.REJECTED,
    603: HangupReason.REJECTED,
    607: HangupReason.REJECTED,
    608: HangupReason.REJECTED,
}
"""Why there is no call, by SIP's final answer; by all others it has failed."""


def words_of(command: Hangup, unsaid: HangupReason | None = None) -> tuple[str, str]:
    """The reason and the initiator: as they were given, else of our vocabulary.

    ``unsaid`` is the reason where it does not follow from the initiator.
    """
    initiator = command.initiator or SYSTEM
    known = unsaid or REASONS.get(initiator.lower(), HangupReason.BY_SYSTEM)
    return command.reason or str(known), initiator


def end_of(status: int) -> tuple[HangupReason, str]:
    """The reason and the initiator, where the far end has not taken the call."""
    reason = STATUSES.get(status, HangupReason.FAILED)
    return reason, CALLEE if reason is HangupReason.REJECTED else SYSTEM


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
