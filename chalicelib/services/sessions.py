"""What workers tell of their sessions, kept and told on."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from chalicelib.domain import sessions
from chalicelib.domain.sessions import Session, SessionKey
from chalicelib.protocol.lease import Change, Fact, RecordingReady, SessionEnded
from chalicelib.protocol.session import records
from chalicelib.protocol.session.instants import render as instant
from chalicelib.protocol.vocabulary import RECORDING_EVENTS, SESSION_EVENTS
from chalicelib.services.ports import Clock, Draws, OutboxEvent
from chalicelib.services.retries import Retries
from chalicelib.services.roster import SessionRepository

log = logging.getLogger(__name__)

_T = TypeVar("_T")

MOST_THREADS = 16
"""How many sessions are told of, or ended, at the same time."""


class SessionService:
    """Believes each fact once, from a worker that may still speak."""

    def __init__(
        self, repository: SessionRepository, clock: Clock, draws: Draws
    ) -> None:
        self._repository = repository
        self._clock = clock
        self._draws = draws

    def hear(self, facts: Iterable[Fact]) -> None:
        """Those of one session in their order; those of others beside it.

        Raises `Fenced` or `Unavailable`: some may have been kept, and all may come
        again.
        """
        stories: dict[SessionKey, list[Fact]] = {}
        for fact in facts:
            stories.setdefault(sessions.key_of(fact), []).append(fact)
        _each(self._hear_story, list(stories.values()))

    def _hear_story(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._hear(fact, fact.epoch)

    def fail_before(self, worker_id: str, epoch: int) -> None:
        """End what a worker's earlier lives have left behind; again ends nothing twice.

        One that cannot be ended is not in the way of those beside it: its failure is
        raised when they have been ended.
        """
        while keys := self._live_before(worker_id, epoch):
            _each(self._fail, keys)

    def of_tenant(self, tenant: str) -> tuple[Session, ...]:
        """The live sessions, the oldest first."""
        return _sorted(self._repeat(lambda: self._repository.live_of_tenant(tenant)))

    def of_user(self, tenant: str, uid: str) -> tuple[Session, ...]:
        """The user's own live sessions, the oldest first."""
        found = self._repeat(lambda: self._repository.live_of_user(tenant, uid))
        return _sorted(found)

    def of_id(self, tenant: str, session_id: str) -> tuple[Session, ...]:
        """Those of the id that live."""
        return self._repeat(lambda: self._repository.live_of_id(tenant, session_id))

    def _live_before(self, worker_id: str, epoch: int) -> tuple[SessionKey, ...]:
        return self._repeat(lambda: self._repository.live_of_worker(worker_id, epoch))

    def _fail(self, key: SessionKey) -> None:
        session = self._repeat(lambda: self._repository.load(key))
        if session is not None and session.is_live:
            self._hear(sessions.failure(session, self._clock.now_ms()), None)

    def _hear(self, fact: Fact, epoch: int | None) -> None:
        """Decided anew after each failure: a fact that was stored is then ignored."""
        if isinstance(fact, RecordingReady):
            event, key = event_of(fact, is_last=True), sessions.key_of(fact)
            self._repeat(lambda: self._repository.tell(key, event, fact.epoch))
        else:
            self._repeat(lambda: self._try(fact, epoch))

    def _try(self, fact: Change, epoch: int | None) -> None:
        before = self._repository.load(sessions.key_of(fact))
        decision = sessions.hear(before, fact)
        if not decision.told:
            return
        after = decision.session
        events = tuple(event_of(one, one is decision.told[-1]) for one in decision.told)
        self._repository.store(before, after, events, epoch)
        log.info(
            "session - %s -> %s",
            _state(before),
            _state(after),
            extra={"tenant": fact.tenant, "session_id": fact.session_id},
        )

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)


def _each(act: Callable[[_T], None], subjects: Sequence[_T]) -> None:
    """All at the same time; what failed first is raised when all have ended."""
    if len(subjects) <= 1:
        for subject in subjects:
            act(subject)
        return
    with ThreadPoolExecutor(min(len(subjects), MOST_THREADS)) as threads:
        acts = [threads.submit(act, subject) for subject in subjects]
    for each in acts:
        each.result()


def event_of(fact: Fact, is_last: bool) -> OutboxEvent:
    """A fact as a business is told of it, with the same id however often."""
    return OutboxEvent(
        tenant=fact.tenant,
        call_id=_address_of(fact),
        seq=_seq_of(fact),
        event_id=_digest(fact.type, sessions.key_of(fact)),
        type=fact.type,
        at_ms=_at_ms(fact),
        data=_facts(fact),
        is_last=is_last,
    )


def _address_of(fact: Fact) -> str:
    """A recording has a story of its own, told whenever it is whole."""
    address = address_of(sessions.key_of(fact))
    return f"recording/{address}" if isinstance(fact, RecordingReady) else address


def _seq_of(fact: Fact) -> int:
    is_recording = isinstance(fact, RecordingReady)
    story = RECORDING_EVENTS if is_recording else SESSION_EVENTS
    return story.index(fact.type) + 1


def address_of(key: SessionKey) -> str:
    """Where its outbox is, among those of calls, no id of which has a slash."""
    return f"session/{key.session_id}/{key.started_at_ms}/{key.worker_id}"


def order_id(key: SessionKey) -> str:
    """Of the order to end it: one, however often that is asked for."""
    return _digest("session.end", key)


def _digest(purpose: str, key: SessionKey) -> str:
    text = "/".join((purpose, key.tenant, address_of(key)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _facts(fact: Fact) -> dict[str, Any]:
    data: dict[str, Any] = {
        "session_id": fact.session_id,
        "call_type": fact.call_type.value,
        "uid": fact.uid,
        "started_at": instant(fact.started_at_ms),
    }
    if isinstance(fact, RecordingReady):
        return data | {
            "ready_at": instant(fact.ready_at_ms),
            "key": fact.key,
            "url": fact.url,
            "format": fact.format,
            "size_bytes": fact.size_bytes,
            "duration_ms": fact.duration_ms,
        }
    data |= {"caller": fact.caller, "callee": fact.callee}
    if isinstance(fact, SessionEnded):
        data |= {
            "answered_at": _instant(fact.answered_at_ms),
            "ended_at": instant(fact.ended_at_ms),
            "duration_ms": fact.duration_ms,
            "reason": fact.reason,
            "initiator": fact.initiator,
            "dialog": fact.dialog and records.write(fact.dialog),
            "counts": records.write(fact.counts),
        }
    return data


def _at_ms(fact: Fact) -> int:
    match fact:
        case RecordingReady():
            return fact.ready_at_ms
        case SessionEnded():
            return fact.ended_at_ms
    return fact.started_at_ms


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else instant(at_ms)


def _sorted(found: Iterable[Session]) -> tuple[Session, ...]:
    return tuple(
        sorted(found, key=lambda one: (one.key.started_at_ms, one.key.session_id))
    )


def _state(session: Session | None) -> str:
    if session is None:
        return "none"
    return "live" if session.is_live else "ended"
