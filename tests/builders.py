"""Values that tests begin with, and the clock and chance that they hold."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain import calls
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Command, Create
from chalicelib.protocol.vocabulary import Dialect, MediaType, Provider
from chalicelib.services.facts import effect_event, outbox_events
from chalicelib.services.ports import CommandRecord, Commit

NOW_MS = 1_700_000_000_000
RING_SECONDS = 30
RING_MS = RING_SECONDS * 1000
MAX_CALL_SECONDS = 4 * 3600


def create(creator: str = "alice", *invitees: str, **changes: Any) -> Create:
    """A two-person video call unless ``changes`` say otherwise."""
    fields: dict[str, Any] = {
        "tenant": "default",
        "call_id": "call-1",
        "trace_id": 101,
        "room_number": 7,
        "dialect": Dialect.TGORTC,
        "provider": Provider.LIVEKIT,
        "media_type": MediaType.VIDEO,
        "creator": creator,
        "invitees": invitees or ("bob",),
        "is_invite_only": True,
        "max_participants": 2,
        "ring_seconds": RING_SECONDS,
        "max_call_seconds": MAX_CALL_SECONDS,
    }
    return Create(**{**fields, **changes})


def play(*steps: Command, at_ms: int = NOW_MS) -> Call:
    """The call after the commands, a second apart."""
    call: Call | None = None
    for place, step in enumerate(steps):
        decision = calls.handle(call, step, at_ms + place * 1000)
        assert decision.refusal is None, decision.refusal
        call = decision.call
    assert call is not None
    return call


def commit(before: Call | None, command: Command, **changes: Any) -> Commit:
    """What storing the command's decision takes."""
    now_ms = changes.pop("at_ms", NOW_MS)
    command_id = changes.pop("command_id", "command-1")
    decision = calls.handle(before, command, now_ms)
    after = decision.call
    assert after is not None and decision.has_changed
    return Commit(
        before=before,
        after=after,
        events=outbox_events(after, decision.events),
        effects=tuple(
            effect_event(after, effect, place)
            for place, effect in enumerate(decision.effects)
        ),
        record=CommandRecord(after.tenant, command_id, "fingerprint", after),
        # A real table remembers tokens from one test to the next.
        token=uuid.uuid4().hex,
    )


@dataclass
class FakeClock:
    """Time that passes only when it is slept, or told to."""

    at_ms: int = NOW_MS
    slept_ms: list[float] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.at_ms

    def sleep_ms(self, duration_ms: float) -> None:
        self.slept_ms.append(duration_ms)
        self.at_ms += round(duration_ms)

    def pass_ms(self, duration_ms: int) -> None:
        self.at_ms += duration_ms


@dataclass
class FakeDraws:
    """Chance that counts."""

    drawn: int = 0

    def _next(self) -> int:
        self.drawn += 1
        return self.drawn

    def call_id(self) -> str:
        return f"drawn-call-{self._next()}"

    def token(self) -> str:
        return f"{self._next():032x}"

    def trace_id(self, now_ms: int) -> int:
        return 1_000_000 + self._next()

    def room_number(self) -> int:
        return 1_000 + self._next()

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2
