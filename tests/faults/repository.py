"""The fault repository: commits that fail before, after, twice, or with the client."""

from collections.abc import Callable
from enum import Enum

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain.call import Call
from chalicelib.services import ports
from chalicelib.services.ports import Commit
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
READ_FAULTS = (Fault.NONE, Fault.THROTTLED, Fault.CRASH_BEFORE)


class FaultyCalls(MemoryCalls):
    """A `CallRepository` that keeps the contract but for what a test draws.

    Every request is a point at which another client may run.
    """

    def __init__(
        self, store: Store, turns: Interleaving, draw: Callable[[], Fault]
    ) -> None:
        super().__init__(store)
        self._turns = turns
        self._draw = draw
        self.history: list[Commit] = []
        """What was stored, in its order."""

    def load(self, tenant: str, call_id: str) -> Call | None:
        self._before_read()
        return super().load(tenant, call_id)

    def call_id_of(self, tenant: str, uid: str) -> str | None:
        self._before_read()
        return super().call_id_of(tenant, uid)

    def commit(self, commit: Commit) -> None:
        self._turns.pause()
        fault = self._draw()
        if fault is Fault.CRASH_BEFORE:
            raise Crashed
        if fault in REFUSALS:
            raise REFUSALS[fault]
        self._store_once(commit)
        if fault is Fault.DUPLICATED:
            self._turns.pause()
            self._store_once(commit)
        if fault is Fault.CRASH_AFTER:
            raise Crashed
        if fault is Fault.LOST_ANSWER:
            raise ports.UnknownOutcome

    def _store_once(self, commit: Commit) -> None:
        is_known = commit.token in self._store.committed
        super().commit(commit)
        if not is_known:
            self.history.append(commit)

    def _before_read(self) -> None:
        self._turns.pause()
        fault = self._draw()
        if fault is Fault.THROTTLED:
            raise ports.Throttled
        if fault is Fault.CRASH_BEFORE:
            raise Crashed
