"""Facts of made-up sessions."""

from chalicelib.protocol.lease import SessionEnded, SessionStarted
from chalicelib.protocol.session.vocabulary import CallType


def started(number: int) -> SessionStarted:
    return SessionStarted(
        "default", f"s{number}", "w1", 7, "alice", CallType.WEBSOCKET, 1_000
    )


def ended(number: int) -> SessionEnded:
    return SessionEnded(
        tenant="default",
        session_id=f"s{number}",
        worker_id="w1",
        epoch=7,
        uid="alice",
        call_type=CallType.WEBSOCKET,
        started_at_ms=1_000,
        ended_at_ms=2_000,
        reason="bySystem",
        initiator="system",
    )
