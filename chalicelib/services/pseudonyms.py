"""A user's name taken out of what stays when the user is erased.

What other parties look back at stays whole: where the name stood, a pseudonym stands,
the same everywhere. What clients put into free texts (ids of calls, names of rooms) is
theirs to keep free of names.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from chalicelib.domain.call import Call, Participant
from chalicelib.domain.history import Entry
from chalicelib.domain.sessions import Session
from chalicelib.services.identity.keys import ApiKey
from chalicelib.services.ports import CommandRecord, OutboxEvent

PREFIX = "erased-"
DIGITS = 20
NAMES = ("creator", "uid")
"""Facts of an event that are a user's name; the next are lists of such."""
LISTS = ("uids", "invited_uids", "missed_uids", "gone_uids")
PARTIES = ("caller", "callee")
"""A user's name, or an address that has one: ``sip:alice@example.com``."""
OWN_FACTS = ("device", "device_type")
"""What an event says of its user beside the name."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A user who is to be erased."""

    tenant: str
    uid: str
    pseudonym: str

    @classmethod
    def of(cls, tenant: str, uid: str, secret: str) -> Self:
        """By ``secret``, so that nobody else finds the name by trying names."""
        text = f"erased user\n{tenant}\n{uid}".encode()
        digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        return cls(tenant, uid, PREFIX + digest[:DIGITS])

    def named(self, uid: str) -> str:
        """What the user of this name is called from now on."""
        return self.pseudonym if uid == self.uid else uid

    def party(self, text: str | None) -> str | None:
        """A party whose address has the user's name is nobody else."""
        if text is None:
            return None
        names_it = re.search(rf"(?:^|[:<]){re.escape(self.uid)}(?:$|[@;>])", text)
        return self.pseudonym if names_it else text

    @property
    def key_prefix(self) -> str:
        """What the ids of commands begin with that the user chose itself."""
        return f"{len(self.uid)}#{self.uid}#"


def call(subject: Subject, value: Call) -> Call:
    """The call without the name; the same if the user is in it now."""
    return value if subject.uid in value.locked_uids else _call(subject, value)


def _call(subject: Subject, value: Call) -> Call:
    return replace(
        value,
        creator=subject.named(value.creator),
        participants=tuple(_member(subject, one) for one in value.participants),
        details={name: subject.named(text) for name, text in value.details.items()},
    )


def _member(subject: Subject, member: Participant) -> Participant:
    if member.uid != subject.uid:
        return member
    return replace(member, uid=subject.pseudonym, device="", device_type="")


def event(subject: Subject, value: OutboxEvent) -> OutboxEvent:
    return replace(value, data=_facts(subject, value.data))


def _facts(subject: Subject, data: Mapping[str, Any]) -> dict[str, Any]:
    is_own = data.get("uid") == subject.uid
    facts = dict(data)
    for names, changed in _changes(subject):
        facts |= {name: changed(facts[name]) for name in names if facts.get(name)}
    if is_own:
        facts |= {name: "" for name in OWN_FACTS if name in facts}
    return facts


def _changes(
    subject: Subject,
) -> tuple[tuple[tuple[str, ...], Callable[[Any], Any]], ...]:
    return (
        (NAMES, subject.named),
        (LISTS, lambda uids: [subject.named(uid) for uid in uids]),
        (PARTIES, subject.party),
    )


def entry(subject: Subject, value: Entry) -> Entry:
    return replace(
        value,
        caller=subject.named(value.caller),
        uids=tuple(map(subject.named, value.uids)),
    )


def record(subject: Subject, value: CommandRecord) -> CommandRecord:
    """Of a command that another user's key may ask for again; the call in it is a
    copy, which holds nobody."""
    return replace(
        value,
        call=_call(subject, value.call),
        refusal_subject=subject.named(value.refusal_subject),
    )


def session(subject: Subject, value: Session) -> Session:
    """The session without the name; the same while it lives."""
    started, ended = value.started, value.ended
    if ended is None:
        return value
    named = subject.named(started.uid)
    caller, callee = subject.party(started.caller), subject.party(started.callee)
    return Session(
        replace(started, uid=named, caller=caller, callee=callee),
        replace(
            ended,
            uid=named,
            caller=subject.party(ended.caller),
            callee=subject.party(ended.callee),
        ),
    )


def key(subject: Subject, value: ApiKey) -> ApiKey:
    """Keys are a tenant's: who made one goes, the key stays."""
    return replace(value, created_by=subject.named(value.created_by))
