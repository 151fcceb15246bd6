"""Whether a table holds together: each live call has its locks, its wake, its place.

Everything is read, once: this is for a table that nobody uses yet.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from chalicelib.adapters.dynamodb import bodies, rows
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.domain.call import Call

CallKey = tuple[str, str]
"""(tenant, call id)"""


@dataclass(slots=True)
class Findings:
    """What stands in a table."""

    items: Counter[str] = field(default_factory=Counter)
    """By the word that keys begin with."""
    live: int = 0
    overdue: int = 0
    """Live calls whose time has passed: the next sweep looks at them."""
    sessions: int = 0
    """Live sessions; their workers end them, or are taken over."""
    broken: list[str] = field(default_factory=list)
    """What does not hold, a sentence each, without users' names."""

    def render(self) -> str:
        lines = [
            f"  {kind:<10}{count:>10,}" for kind, count in sorted(self.items.items())
        ]
        lines.append(f"  in all    {self.items.total():>10,}")
        lines.append(
            f"{self.live:,} live calls, {self.overdue:,} of them overdue: the next "
            f"sweep wakes them. {self.sessions:,} live sessions."
        )
        lines += self.broken or ["Every live call has its locks, its wake, its place."]
        return "\n".join(lines)


@dataclass(slots=True)
class _Seen:
    """What calls and locks say of each other."""

    live: dict[CallKey, Call] = field(default_factory=dict)
    locks: dict[CallKey, str] = field(default_factory=dict)
    """(tenant, uid) -> the call that it names."""
    wakes: set[CallKey] = field(default_factory=set)
    indexed: set[CallKey] = field(default_factory=set)


def look(items: Iterable[Row], now_ms: int) -> Findings:
    """At all items of a table, in any order."""
    findings, seen = Findings(), _Seen()
    for row in items:
        findings.items[row.pk.partition("#")[0]] += 1
        _note(row, seen, findings)
    findings.live = len(seen.live)
    deadlines = [call.wake_at_ms for call in seen.live.values()]
    findings.overdue = sum(at_ms is not None and at_ms <= now_ms for at_ms in deadlines)
    findings.broken = [*_calls(seen), *_locks(seen)]
    return findings


def _note(row: Row, seen: _Seen, findings: Findings) -> None:
    if row.pk.startswith("CALL#"):
        key = rows.parse_call_key(row.pk)
        if row.sk == rows.WAKE_SORT_KEY:
            seen.wakes.add(key)
        elif row.sk == rows.CALL_SORT_KEY and row.body:
            call = bodies.parse_call(row.body)
            if call.is_live:
                seen.live[key] = call
            if row.wake_shard is not None:
                seen.indexed.add(key)
    elif row.sk == "LOCK":
        _, tenant, uid = row.pk.split("#", 2)
        seen.locks[tenant, uid] = row.holder or ""
    elif row.pk.startswith("SESSION#") and row.is_live:
        findings.sessions += 1


def _calls(seen: _Seen) -> Iterator[str]:
    for (tenant, call_id), call in seen.live.items():
        where = f"BROKEN: call {call_id} of {tenant}"
        held = [seen.locks.get((tenant, uid)) for uid in sorted(call.locked_uids)]
        lost = sum(holder != call_id for holder in held)
        if lost:
            yield f"{where} has lost {lost} of its members' locks"
        if (tenant, call_id) not in seen.wakes:
            yield f"{where} has no wake beside it: only the sweep ends it"
        if (tenant, call_id) not in seen.indexed:
            yield f"{where} is in no place of the wake index: no sweep finds it"


def _locks(seen: _Seen) -> Iterator[str]:
    """A lock that no call holds is taken over by whoever meets it; many are a sign."""
    lost = Counter(
        tenant
        for (tenant, uid), call_id in seen.locks.items()
        if uid not in _members(seen.live, (tenant, call_id))
    )
    for tenant, count in sorted(lost.items()):
        yield f"BROKEN: {count} locks of {tenant} name calls that do not hold them"


def _members(live: Mapping[CallKey, Call], key: CallKey) -> frozenset[str]:
    call = live.get(key)
    return call.locked_uids if call else frozenset()
