"""Sessions as their workers tell of them: each begins once and ends once.

A fact that comes late, again or before the one that it follows changes nothing
wrongly: what has ended stays ended.
"""

from dataclasses import dataclass

from chalicelib.protocol.lease import Change, Fact, SessionEnded, SessionStarted
from chalicelib.protocol.session.vocabulary import HangupReason
from chalicelib.protocol.vocabulary import Initiator


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Tells a session from every other, of the same id too: an id may be used again."""

    tenant: str
    session_id: str
    worker_id: str
    started_at_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """The media of one call leg, as the control plane knows it."""

    started: SessionStarted
    ended: SessionEnded | None = None

    @property
    def key(self) -> SessionKey:
        return key_of(self.started)

    @property
    def is_live(self) -> bool:
        return self.ended is None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a session, and what is told of it: nothing if nothing changed."""

    session: Session
    told: tuple[Change, ...] = ()


def key_of(fact: Fact) -> SessionKey:
    return SessionKey(fact.tenant, fact.session_id, fact.worker_id, fact.started_at_ms)


def hear(session: Session | None, fact: Change) -> Decision:
    """The session after the fact.

    ================ ================ ============
    session          session.started  session.ended
    ================ ================ ============
    none             transition       transition, both are told
    live             ignored          transition
    ended            ignored          ignored
    ================ ================ ============
    """
    match session, fact:
        case None, SessionStarted():
            return Decision(Session(fact), (fact,))
        case None, SessionEnded():
            started = _start_of(fact)
            return Decision(Session(started, fact), (started, fact))
        case Session(ended=None), SessionEnded():
            return Decision(Session(session.started, fact), (fact,))
    assert session is not None
    return Decision(session)


def failure(session: Session, now_ms: int) -> SessionEnded:
    """The end of a session whose worker is dead and cannot tell of it."""
    started = session.started
    return SessionEnded(
        tenant=started.tenant,
        session_id=started.session_id,
        worker_id=started.worker_id,
        epoch=started.epoch,
        uid=started.uid,
        call_type=started.call_type,
        started_at_ms=started.started_at_ms,
        ended_at_ms=max(now_ms, started.started_at_ms),
        reason=HangupReason.FAILED.value,
        initiator=Initiator.SYSTEM.value,
        caller=started.caller,
        callee=started.callee,
    )


def _start_of(ended: SessionEnded) -> SessionStarted:
    return SessionStarted(
        tenant=ended.tenant,
        session_id=ended.session_id,
        worker_id=ended.worker_id,
        epoch=ended.epoch,
        uid=ended.uid,
        call_type=ended.call_type,
        started_at_ms=ended.started_at_ms,
        caller=ended.caller,
        callee=ended.callee,
    )
