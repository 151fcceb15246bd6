"""A user erased from the table: every item that has the name in it, by its kind.

`KINDS` is the list of what names users; docs/operations.md tells it. A kind of item
that is new needs a row there, or a place in `NAMELESS`.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pynamodb.connection import Connection
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import bodies, history, keys, rows, sessions
from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services import ports, pseudonyms
from chalicelib.services.erasure import Piece
from chalicelib.services.pseudonyms import Subject

PIECE = 250
"""Items that one piece reads, and so the most that it writes."""
ATTEMPTS = 3
"""At an item that others write too, before the piece is repeated."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The item names nobody, or not this user."""


@dataclass(frozen=True, slots=True)
class Delete:
    """The item is about the user alone."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The item stays, with another body."""

    body: str
    version: int | None = None
    """Of a call: whoever read it before must read it again."""


Verdict = Keep | Delete | Rewrite
Judge = Callable[[Row, Subject], Verdict]
KEEP, DELETE = Keep(), Delete()


class DynamoDBErasure:
    """An `Erasure`. The one reader of the whole table, with a filter for the name."""

    def __init__(self, table: type[Row], connection: Connection) -> None:
        self._table = table
        self._connection = connection

    def erase(self, subject: Subject, after: str) -> Piece:
        with failures_typed():
            found = self._connection.scan(
                self._table.Meta.table_name,
                filter_condition=self._is_named(subject),
                limit=PIECE,
                exclusive_start_key=json.loads(after) if after else None,
                consistent_read=True,
            )
        counts = Counter[str]()
        for item in found["Items"]:
            row = self._table.from_raw_data(item)
            if self._treat(row, subject):
                counts[_kind_of(row)[0]] += 1
        last = found.get("LastEvaluatedKey")
        return Piece(counts, json.dumps(last, ensure_ascii=False) if last else "")

    def _is_named(self, subject: Subject) -> Condition:
        """Some that are not meant are read as well: names are parts of names."""
        table, quoted = self._table, json.dumps(subject.uid, ensure_ascii=False)[1:-1]
        condition: Condition = (
            table.pk.contains(subject.uid)
            | table.body.contains(quoted)
            | table.holder.contains(quoted)
        )
        return condition

    def _treat(self, row: Row, subject: Subject) -> bool:
        """Whether the item was changed or deleted."""
        for _ in range(ATTEMPTS):
            verdict = _kind_of(row)[1](row, subject)
            try:
                with failures_typed():
                    return self._carry_out(row, verdict)
            except ports.Conflict:
                pass
            try:
                with failures_typed():
                    row.refresh(consistent_read=True)
            except self._table.DoesNotExist:
                return False
        raise ports.Conflict("an item that others write")

    def _carry_out(self, row: Row, verdict: Verdict) -> bool:
        """Unless the item has become another since it was read."""
        table = self._table
        is_same = (
            table.body.does_not_exist()
            if row.body is None
            else (table.body == row.body)
        )
        match verdict:
            case Delete():
                row.delete(condition=is_same)
            case Rewrite(body=body, version=version):
                actions: list[Action] = [table.body.set(body)]
                if version is not None:
                    actions.append(table.version.set(version))
                row.update(actions, condition=is_same)
            case _:
                return False
        return True


def _call(row: Row, subject: Subject) -> Verdict:
    tenant, _ = rows.parse_call_key(row.pk)
    if tenant != subject.tenant or not row.body:
        return KEEP
    if row.sk == rows.CALL_SORT_KEY:
        before = bodies.parse_call(row.body)
        after = pseudonyms.call(subject, before)
        if after == before:
            return KEEP
        version = before.version + 1
        return Rewrite(bodies.dump_call(replace(after, version=version)), version)
    if row.sk.startswith((rows.EVENT_PREFIX, rows.EFFECT_PREFIX)):
        told = pseudonyms.event(subject, bodies.parse_event(row.body))
        return _rewrite(row, bodies.dump_event(told))
    return KEEP


def _user(row: Row, subject: Subject) -> Verdict:
    """A user's lock, or a line of its history, which names the others too."""
    if row.pk == rows.lock_key(subject.tenant, subject.uid):
        # The lock has been looked at before, and is let go of by its call.
        return KEEP if row.sk == "LOCK" else DELETE
    return _history(row, subject)


def _history(row: Row, subject: Subject) -> Verdict:
    if _tenant_of(row) != subject.tenant or not row.body:
        return KEEP
    entry = pseudonyms.entry(subject, history.parse(row.body))
    return _rewrite(row, history.dump(entry))


def _record(row: Row, subject: Subject) -> Verdict:
    if _tenant_of(row) != subject.tenant:
        return KEEP
    command_id = row.pk.split("#", 2)[2]
    if command_id.startswith(subject.key_prefix):
        return DELETE
    record = bodies.parse_record(subject.tenant, command_id, row.body or "")
    return _rewrite(row, bodies.dump_record(pseudonyms.record(subject, record)))


def _session(row: Row, subject: Subject) -> Verdict:
    if _tenant_of(row) != subject.tenant:
        return KEEP
    session = pseudonyms.session(subject, sessions.parse(row))
    return _rewrite(row, sessions.dump(session))


def _api_key(row: Row, subject: Subject) -> Verdict:
    if row.pk != f"KEYS#{subject.tenant}":
        return KEEP
    key = pseudonyms.key(subject, keys.parse(subject.tenant, row))
    return _rewrite(row, keys.dump(key))


def _under_the_name(row: Row, subject: Subject) -> Verdict:
    tenant, _, uid = row.pk.partition("#")[2].partition("#")
    return DELETE if (tenant, uid) == (subject.tenant, subject.uid) else KEEP


def _push_token(row: Row, subject: Subject) -> Verdict:
    if row.sk != "OWNER":
        return _under_the_name(row, subject)
    tenant, uid, *_ = json.loads(row.holder or '["", ""]')
    return DELETE if (tenant, uid) == (subject.tenant, subject.uid) else KEEP


def _by_body(row: Row, subject: Subject) -> Verdict:
    """Whose body says whose it is."""
    value: dict[str, Any] = json.loads(row.body or "{}")
    owner = (value.get("tenant"), value.get("uid"))
    return DELETE if owner == (subject.tenant, subject.uid) else KEEP


def _nobody(row: Row, subject: Subject) -> Verdict:
    return KEEP


KINDS: Mapping[str, tuple[str, Judge]] = {
    "CALL": ("calls", _call),
    "USER": ("history", _user),
    "HISTORY": ("history", _history),
    "COMMAND": ("records", _record),
    "SESSION": ("sessions", _session),
    "KEYS": ("keys", _api_key),
    "DEVICE": ("devices", _under_the_name),
    "PUSH": ("push_tokens", _push_token),
    "RATE": ("limits", _under_the_name),
    "CONN": ("connections", _by_body),
    "TICKET": ("tickets", _by_body),
}
"""The word that an item's key begins with -> what it is called in counts, and what
becomes of it."""
NAMELESS = frozenset(
    {
        "ID",
        "TRACE",
        "ROOM",
        "FLEET",
        "WORKER",
        "SESSIONS",
        "WEBHOOKS",
        "FAILED",
        "TALLY",
        "REPEAT",
    }
)
"""Items that name no user who is in no live session, or only under seal."""


def _kind_of(row: Row) -> tuple[str, Judge]:
    name, judge = KINDS.get(row.pk.partition("#")[0], ("", _nobody))
    is_told = row.sk.startswith((rows.EVENT_PREFIX, rows.EFFECT_PREFIX))
    return ("events" if name == "calls" and is_told else name), judge


def _tenant_of(row: Row) -> str:
    return row.pk.split("#", 2)[1]


def _rewrite(row: Row, body: str) -> Verdict:
    return KEEP if body == row.body else Rewrite(body)
