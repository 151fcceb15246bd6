"""Who a session is."""

from dataclasses import dataclass

from chalicelib.protocol.session.vocabulary import CallType


@dataclass(frozen=True, slots=True)
class Identity:
    """What is fixed when a session opens."""

    session_id: str
    tenant: str
    uid: str
    """Whose session it is."""
    call_type: CallType
    worker_id: str
    epoch: int
    ssrc: int
    """Of what the application plays; drawn at random."""
    server_side_track: str
    """The track of what the application plays; the caller's is the session's id."""
