"""What is told of a call as a whole: who, when, and how it ended."""

from collections.abc import Mapping

from chalicelib.protocol.lease import SessionEnded, SessionStarted
from chalicelib.protocol.session import instants
from chalicelib.protocol.session.events import (
    Answered,
    HungUp,
    TrackEnded,
    TrackStarted,
)
from mediaworker.session.effects import Report
from mediaworker.session.ending import attendee
from mediaworker.session.identity import Identity
from mediaworker.session.outbox import Outbox
from mediaworker.session.texts import prose

NO_SSRC = 0
"""The caller's track is not told by the source that carries it."""


class Story:
    """The parties of one session's call, and when what happened to them."""

    def __init__(self, identity: Identity, outbox: Outbox, now: float) -> None:
        self.caller: str | None = None
        self.callee: str | None = None
        self.headers: Mapping[str, str] = {}
        """Of the far end's, those that the application asked for."""
        self._identity = identity
        self._outbox = outbox
        self._created_at_ms = outbox.at_ms(now)
        self._started_at_ms: int | None = None
        self._ringing_at_ms: int | None = None
        self._answered_at_ms: int | None = None
        self._track_at_ms: int | None = None

    @property
    def started_at_ms(self) -> int:
        """When there was a call; until then, when the session opened."""
        return self._started_at_ms or self._created_at_ms

    def begin(self, caller: str | None, callee: str | None, now: float) -> None:
        """There is a call, whatever will become of it."""
        self.caller, self.callee = caller, callee
        self._started_at_ms = self._outbox.at_ms(now)
        self._outbox.ask(Report(self._started(self._started_at_ms)))

    def begin_track(self, now: float) -> None:
        """The caller's, once."""
        if self._track_at_ms is None:
            at_ms = self._track_at_ms = self._outbox.at_ms(now)
            self._outbox.tell(TrackStarted(self._identity.session_id, at_ms))

    def ring(self, now: float) -> None:
        """As often as it does; the first counts."""
        if self._ringing_at_ms is None:
            self._ringing_at_ms = self._outbox.at_ms(now)

    def answer(self, sdp: str, now: float) -> None:
        self.begin_track(now)
        at_ms = self._answered_at_ms = self._outbox.at_ms(now)
        self._outbox.tell(Answered(self._identity.session_id, at_ms, prose(sdp)))

    def end(
        self, reason: str, initiator: str, headers: Mapping[str, str], now: float
    ) -> None:
        """The headers are the far end's."""
        outbox, at_ms = self._outbox, self._outbox.at_ms(now)
        if self._track_at_ms is not None:
            lasted_ms, session_id = at_ms - self._track_at_ms, outbox.session_id
            outbox.tell(TrackEnded(session_id, at_ms, lasted_ms, NO_SSRC))
        outbox.tell(self._hung_up(reason, initiator, headers, at_ms))
        if self._started_at_ms is not None:
            fact = self._ended(reason, initiator, self._started_at_ms, at_ms)
            outbox.ask(Report(fact))

    def _hung_up(
        self, reason: str, initiator: str, headers: Mapping[str, str], at_ms: int
    ) -> HungUp:
        started_at_ms = self.started_at_ms
        extra = {
            **self.headers,
            **headers,
            "session_id": self._identity.session_id,
            "call_type": str(self._identity.call_type),
            "start_time": instants.render(started_at_ms),
        }
        return HungUp(
            self._identity.session_id,
            at_ms,
            started_at_ms,
            at_ms,
            reason,
            initiator,
            answered_at_ms=self._answered_at_ms,
            ringing_at_ms=self._ringing_at_ms,
            from_=attendee(self.caller),
            to=attendee(self.callee),
            extra=extra,
        )

    def _started(self, at_ms: int) -> SessionStarted:
        identity = self._identity
        return SessionStarted(
            identity.tenant,
            identity.session_id,
            identity.worker_id,
            identity.epoch,
            identity.uid,
            identity.call_type,
            at_ms,
            self.caller,
            self.callee,
        )

    def _ended(
        self, reason: str, initiator: str, started_at_ms: int, at_ms: int
    ) -> SessionEnded:
        identity = self._identity
        return SessionEnded(
            identity.tenant,
            identity.session_id,
            identity.worker_id,
            identity.epoch,
            identity.uid,
            identity.call_type,
            started_at_ms,
            at_ms,
            reason,
            initiator,
            self.caller,
            self.callee,
            ringing_at_ms=self._ringing_at_ms,
            answered_at_ms=self._answered_at_ms,
            counts=self._outbox.counts(),
        )
