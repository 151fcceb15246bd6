"""The fault repository: commits that fail before, after, twice, or with the client."""

from collections.abc import Callable
from enum import Enum

from chalicelib.domain.call import Call
from chalicelib.services import ports
from chalicelib.services.ports import (
    CallRepository,
    CommandRecord,
    Commit,
    OutboxEvent,
)
from tests.faults.interleaving import Crashed, Interleaving


class Fault(Enum):
    """What becomes of a request."""

    NONE = "it is carried out and answered"
    CONFLICT = "it is refused for another's sake"
    THROTTLED = "it is refused for its haste"
    LOST_REQUEST = "it never arrives, and nobody knows"
    LOST_ANSWER = "it is carried out, and nobody knows"
    DUPLICATED = "it is carried out, and comes again"
    CRASH_BEFORE = "its sender ends before it is sent"
    CRASH_AFTER = "its sender ends before it is answered"


REFUSALS: dict[Fault, type[ports.RepositoryError]] = {
    Fault.CONFLICT: ports.Conflict,
    Fault.THROTTLED: ports.Throttled,
    Fault.LOST_REQUEST: ports.UnknownOutcome,
}


class FaultyCalls:
    """Any `CallRepository`, between whose requests everything may happen.

    Every request is a point at which another client may run, or this one end.
    """

    def __init__(
        self,
        inner: CallRepository,
        turns: Interleaving,
        draw: Callable[[], Fault],
    ) -> None:
        self._inner = inner
        self._turns = turns
        self._draw = draw
        self.history: list[Commit] = []
        """What was stored, in its order."""

    def load(self, tenant: str, call_id: str) -> Call | None:
        self._before_read()
        return self._inner.load(tenant, call_id)

    def call_id_of(self, tenant: str, uid: str) -> str | None:
        self._before_read()
        return self._inner.call_id_of(tenant, uid)

    def call_id_of_trace(self, tenant: str, trace_id: int) -> str | None:
        self._before_read()
        return self._inner.call_id_of_trace(tenant, trace_id)

    def record(self, tenant: str, command_id: str) -> CommandRecord | None:
        self._before_read()
        return self._inner.record(tenant, command_id)

    def drop_lock(self, tenant: str, uid: str, call_id: str) -> None:
        self._before_read()
        self._inner.drop_lock(tenant, uid, call_id)

    def outbox(
        self, tenant: str, call_id: str, from_seq: int
    ) -> tuple[OutboxEvent, ...]:
        self._before_read()
        return self._inner.outbox(tenant, call_id, from_seq)

    def request(self, effect: OutboxEvent) -> None:
        self._before_read()
        self._inner.request(effect)

    def due(self, shard: int, now_ms: int) -> tuple[tuple[str, str], ...]:
        self._before_read()
        return self._inner.due(shard, now_ms)

    def rearm(self, call: Call) -> None:
        self._before_read()
        self._inner.rearm(call)

    def postpone(self, call: Call, at_ms: int) -> None:
        self._before_read()
        self._inner.postpone(call, at_ms)

    def disarm(self, call: Call) -> None:
        self._before_read()
        self._inner.disarm(call)

    def commit(self, commit: Commit) -> None:
        self._turns.pause()
        fault = self._draw()
        if fault is Fault.CRASH_BEFORE:
            raise Crashed
        if fault in REFUSALS:
            raise REFUSALS[fault]
        self._store(commit)
        if fault is Fault.DUPLICATED:
            self._turns.pause()
            self._store(commit)
        if fault is Fault.CRASH_AFTER:
            raise Crashed
        if fault is Fault.LOST_ANSWER:
            raise ports.UnknownOutcome

    def _store(self, commit: Commit) -> None:
        self._inner.commit(commit)
        if commit not in self.history:
            self.history.append(commit)

    def _before_read(self) -> None:
        self._turns.pause()
        fault = self._draw()
        if fault is Fault.THROTTLED:
            raise ports.Throttled
        if fault is Fault.CRASH_BEFORE:
            raise Crashed
