"""What users do with calls."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chalicelib.domain import calls, errors
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Command, Create, Invite, Wake
from chalicelib.services import ports
from chalicelib.services.facts import effect_event, outbox_events
from chalicelib.services.ports import CallRepository, Clock, Commit, Draws
from chalicelib.services.retries import Retries

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class CommandReused(Exception):
    """The command's id was used before, for another request."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request as its sender can repeat it."""

    command_id: str
    """The sender's Idempotency-Key in its own scope, or drawn at the edge."""
    fingerprint: str
    """Hash of the request."""
    is_keyed: bool = False
    """Whether its sender chose the id, and so may send it again."""


class CallService:
    """Carries out commands on calls, each as one read and one transaction."""

    def __init__(
        self,
        calls: CallRepository,
        clock: Clock,
        draws: Draws,
        listener: ports.CommitListener | None = None,
    ) -> None:
        """``listener`` hears of each commit before its command is answered."""
        self._calls = calls
        self._clock = clock
        self._draws = draws
        self._listener = listener

    def create(self, command: Create, attempt: Attempt) -> Call:
        """Raises `CallError`, `CommandReused` or `Unavailable`."""
        return self._execute(command.tenant, command.call_id, command, attempt)

    def execute(
        self, tenant: str, call_id: str, command: Command, attempt: Attempt
    ) -> Call:
        """Raises `CallError`, `CommandReused` or `Unavailable`."""
        return self._execute(tenant, call_id, command, attempt)

    def execute_by_trace(
        self, tenant: str, trace_id: int, command: Command, attempt: Attempt
    ) -> Call:
        """`execute` on the call that has the number."""
        call = self._load_by_trace(tenant, trace_id)
        if call is None:
            raise errors.CallNotFound(str(trace_id))
        return self._execute(tenant, call.id, command, attempt, call)

    def find_by_trace(self, tenant: str, trace_id: int) -> Call | None:
        """`view` of the call that has the number."""
        call = self._load_by_trace(tenant, trace_id)
        return call and self._projected(call)

    def view(self, tenant: str, call_id: str) -> Call | None:
        """The call as it is now: a deadline that has passed has passed."""
        call = self._read(lambda: self._calls.load(tenant, call_id))
        return call and self._projected(call)

    def active_call_of(self, tenant: str, uid: str) -> Call | None:
        """The live call of which the user is an active member."""
        call_id = self._read(lambda: self._calls.call_id_of(tenant, uid))
        call = self.view(tenant, call_id) if call_id else None
        return call if call and uid in call.locked_uids else None

    def _load_by_trace(self, tenant: str, trace_id: int) -> Call | None:
        """One read for a call that is named by the number, else two more."""
        call = self._read(lambda: self._calls.load(tenant, str(trace_id)))
        if call is not None and call.trace_id == trace_id:
            return call
        call_id = self._read(lambda: self._calls.call_id_of_trace(tenant, trace_id))
        if call_id is None:
            return None
        return self._read(lambda: self._calls.load(tenant, call_id))

    def _read(self, read: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(read)

    def _projected(self, call: Call) -> Call:
        projected = calls.handle(call, Wake(), self._clock.now_ms()).call
        assert projected is not None
        return projected

    def act(self, tenant: str, call_id: str, command: Command) -> Call:
        """A command of the system's own, which nobody repeats by its id."""
        token = self._draws.token()
        return self._execute(tenant, call_id, command, Attempt(token, token))

    def _execute(
        self,
        tenant: str,
        call_id: str,
        command: Command,
        attempt: Attempt,
        known: Call | None = None,
    ) -> Call:
        """``known`` is the call as it has just been read."""
        retries = Retries(self._clock, self._draws)
        while True:
            try:
                before = known or self._before(tenant, call_id, command)
                known = None
                decision = calls.handle(before, command, self._clock.now_ms())
                if not decision.has_changed:
                    return self._unchanged(tenant, call_id, decision, attempt)
                commit = self._commit(before, decision, attempt)
                self._store(commit, retries)
            except ports.AlreadyDone as done:
                return _replay(done.record, attempt)
            except ports.CallIdTaken:
                command = self._renamed(command, call_id)
            except (ports.NumberTaken, ports.LocksHeld) as taken:
                command = self._amended(tenant, command, taken)
            except (ports.Conflict, ports.Throttled) as lost:
                retries.wait(lost)
            else:
                _log_transition(before, decision.call)
                if self._listener is not None:
                    self._listener.committed(commit.after, commit.events)
                return _answer(decision, call_id)

    def _unchanged(
        self, tenant: str, call_id: str, decision: calls.Decision, attempt: Attempt
    ) -> Call:
        """Nothing is to be done, it may be because this attempt has done it."""
        if attempt.is_keyed:
            record = self._read(lambda: self._calls.record(tenant, attempt.command_id))
            if record is not None:
                return _replay(record, attempt)
        return _answer(decision, call_id)

    def _before(self, tenant: str, call_id: str, command: Command) -> Call | None:
        """A call to be created is not looked for: the transaction does it."""
        if isinstance(command, Create):
            return None
        return self._calls.load(tenant, call_id)

    def _commit(
        self, before: Call | None, decision: calls.Decision, attempt: Attempt
    ) -> Commit:
        after, refusal = decision.call, decision.refusal
        assert after is not None
        return Commit(
            before=before,
            after=after,
            events=outbox_events(after, decision.events),
            effects=tuple(
                effect_event(after, effect, place)
                for place, effect in enumerate(decision.effects)
            ),
            record=ports.CommandRecord(
                tenant=after.tenant,
                command_id=attempt.command_id,
                fingerprint=attempt.fingerprint,
                call=after,
                refusal=type(refusal).__name__ if refusal else "",
                refusal_subject=refusal.subject if refusal else "",
            ),
            token=self._draws.token(),
        )

    def _store(self, commit: Commit, retries: "Retries") -> None:
        """While the outcome is unknown, the same again: never decide again first."""
        while True:
            try:
                return self._calls.commit(commit)
            except ports.UnknownOutcome as unknown:
                retries.wait(unknown)

    def _amended(
        self, tenant: str, command: Command, taken: ports.NumberTaken | ports.LocksHeld
    ) -> Command:
        """The command as it can be decided again, now that this is known."""
        if isinstance(taken, ports.LocksHeld):
            return self._resolve_locks(tenant, command, taken.holders)
        assert isinstance(command, Create)
        return self._redrawn(command)

    def _renamed(self, command: Command, call_id: str) -> Command:
        """Raises `CallExists` unless the taken id was drawn."""
        assert isinstance(command, Create)
        if not command.is_named_by_trace:
            raise errors.CallExists(call_id) from None
        return self._redrawn(command)

    def _redrawn(self, command: Create) -> Create:
        return command.redrawn(
            self._draws.trace_id(self._clock.now_ms()), self._draws.room_number()
        )

    def _resolve_locks(
        self, tenant: str, command: Command, holders: Mapping[str, str]
    ) -> Command:
        """Free the locks of calls that are over; who is left is busy."""
        busy = {
            uid
            for uid, call_id in sorted(holders.items())
            if not self._is_freed(tenant, uid, call_id)
        }
        if not busy:
            return command
        if isinstance(command, Create) and command.creator in busy:
            raise errors.CreatorBusy(command.creator)
        if isinstance(command, Create | Invite):
            return replace(command, busy_uids=command.busy_uids | busy)
        raise errors.ParticipantBusy(min(busy))

    def _is_freed(self, tenant: str, uid: str, call_id: str) -> bool:
        holder = self._read(lambda: self._calls.load(tenant, call_id))
        if holder is not None and uid in self._projected(holder).locked_uids:
            return False
        if holder is not None and uid in holder.locked_uids:
            self.act(tenant, call_id, Wake())
        else:
            self._read(lambda: self._calls.drop_lock(tenant, uid, call_id))
        return True


def _replay(record: ports.CommandRecord, attempt: Attempt) -> Call:
    if record.fingerprint != attempt.fingerprint:
        raise CommandReused(attempt.command_id)
    if record.refusal:
        refusal: Any = getattr(errors, record.refusal)
        raise refusal(record.refusal_subject)
    return record.call


def _answer(decision: calls.Decision, call_id: str) -> Call:
    if decision.refusal is not None:
        refusal = decision.refusal
        raise refusal if refusal.subject else type(refusal)(call_id)
    assert decision.call is not None
    return decision.call


def _log_transition(before: Call | None, after: Call | None) -> None:
    assert after is not None
    old = before.state.value if before else "none"
    if old != after.state.value:
        log.info(
            "call - %s -> %s",
            old,
            after.state.value,
            extra={"tenant": after.tenant, "call_id": after.id},
        )
