"""What every `Erasure` must do, beside all the repositories that keep users' names."""

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.call import Call
from chalicelib.domain.commands import Command, Join, Leave
from chalicelib.domain.sessions import Session
from chalicelib.protocol.vocabulary import EndReason
from chalicelib.services.devices.devices import DeviceRepository
from chalicelib.services.devices.push_tokens import PushTokenRepository
from chalicelib.services.devices.tickets import TicketRepository
from chalicelib.services.erasure import Erasure
from chalicelib.services.history import HistoryRepository
from chalicelib.services.identity.keys import KeyRepository
from chalicelib.services.identity.limits import WindowRepository
from chalicelib.services.ports import CallRepository, OutboxEvent
from chalicelib.services.pseudonyms import Subject
from chalicelib.services.relay import ConnectionRepository
from chalicelib.services.roster import SessionRepository
from chalicelib.services.sessions import event_of
from tests.adapters.device_contract import ADMISSION, PHONE
from tests.adapters.fleet_contract import ended, started
from tests.adapters.history_contract import ENTRY, TOKEN
from tests.adapters.identity_contract import KEY, WINDOW
from tests.adapters.relay_contract import CONNECTION
from tests.builders import NOW_MS, commit, create

ZOE = 'zoé "1"#'
"""A name with all that JSON and keys may stumble over."""
SUBJECT = Subject.of("default", ZOE, "a secret")
THEIRS = Subject.of("acme", ZOE, "a secret")
NAMES = {"default": "alice", "acme": "ann"}


@dataclass
class Everything:
    """The repositories of one world."""

    calls: CallRepository
    history: HistoryRepository
    sessions: SessionRepository
    devices: DeviceRepository
    tickets: TicketRepository
    tokens: PushTokenRepository
    keys: KeyRepository
    windows: WindowRepository
    connections: ConnectionRepository
    erasure: Erasure

    def live(self, tenant: str) -> None:
        """A user's life: calls, devices, sessions, keys, and all the rest."""
        other = NAMES[tenant]
        gone = (Leave(ZOE), Leave(other))
        self._call(tenant, f"{tenant}-1", (ZOE, other), Join(other), *gone)
        members = (other, ZOE, "carol")
        self._call(tenant, f"{tenant}-2", members, Join(ZOE), Leave("carol"), *gone)
        self._history(tenant, f"{tenant}-1", (ZOE, other))
        self._history(tenant, f"{tenant}-3", (other, "carol"))
        self._session(tenant, "s1", ZOE, "sip:+1555@trunk.example")
        self._session(tenant, "s2", "agent", f"sip:{ZOE}@phones.example")
        self._belongings(tenant)
        key = replace(KEY, tenant=tenant, created_by=ZOE)
        self.keys.add(key)
        self.keys.add(replace(key, id="key_00000000000000b1", created_by="root"))
        for uid in (ZOE, other):
            self.windows.take(tenant, uid, WINDOW, 10, 30)

    def _call(
        self, tenant: str, call_id: str, members: tuple[str, ...], *steps: Command
    ) -> Call:
        number = int(call_id[-1]) + (100 if tenant == "default" else 200)
        command = create(
            *members,
            tenant=tenant,
            call_id=call_id,
            trace_id=number,
            room_number=number,
            max_participants=8,
            device=f"laptop of {members[0][:3]}",
            details={"name": ZOE, "channelId": "general"},
        )
        step = commit(None, command, command_id=f"{SUBJECT.key_prefix}{call_id}")
        self.calls.commit(step)
        for place, one in enumerate(steps):
            if not step.after.is_live:
                break
            command_id = f"{tenant}-{call_id}-{place}"
            step = commit(step.after, one, command_id=command_id)
            record = replace(step.record, refusal_subject=ZOE)
            step = replace(step, record=record)
            self.calls.commit(step)
        return step.after

    def _history(self, tenant: str, call_id: str, uids: tuple[str, ...]) -> None:
        self.history.keep(
            replace(ENTRY, tenant=tenant, call_id=call_id, caller=uids[0], uids=uids)
        )

    def _session(self, tenant: str, name: str, uid: str, caller: str) -> None:
        session_id = f"{tenant}-{name}"
        changes: dict[str, Any] = {"tenant": tenant, "uid": uid, "caller": caller}
        begun = Session(started(session_id, **changes))
        over = Session(begun.started, ended(session_id, **changes))
        assert over.ended is not None
        self.sessions.store(None, begun, (event_of(begun.started, True),), None)
        self.sessions.store(begun, over, (event_of(over.ended, True),), None)

    def _belongings(self, tenant: str) -> None:
        for uid in (ZOE, NAMES[tenant]):
            name = f"{tenant}-{'zoe' if uid == ZOE else uid}"
            mine: dict[str, Any] = {"tenant": tenant, "uid": uid}
            self.devices.connect(replace(PHONE, **mine, connection_id=f"c-{name}="))
            self.tickets.keep(f"{name}-digest", replace(ADMISSION, **mine))
            self.tokens.keep(replace(TOKEN, **mine, token=f"token of {name}"))
            self.connections.keep(
                replace(CONNECTION, **mine, connection_id=f"r-{name}=")
            )

    def erase(self, subject: Subject) -> Counter[str]:
        """All of it, piece by piece."""
        counts, after = Counter[str](), ""
        while True:
            piece = self.erasure.erase(subject, after)
            counts.update(piece.counts)
            if not piece.following:
                return counts
            after = piece.following


class ErasureContract(ABC):
    """Subclasses give a fixture ``everything``, empty, and ``texts``."""

    @abstractmethod
    def texts(self, everything: Everything) -> list[str]:
        """All that is stored, item by item."""

    def test_nothing_names_the_user_any_more(self, everything: Everything) -> None:
        everything.live("default")
        assert any("zoé" in text for text in self.texts(everything))
        counts = everything.erase(SUBJECT)
        left = [text for text in self.texts(everything) if "zoé" in text]
        assert left == [], left
        assert {kind for kind, count in counts.items() if count} == {
            "calls",
            "connections",
            "devices",
            "events",
            "history",
            "keys",
            "limits",
            "push_tokens",
            "records",
            "sessions",
            "tickets",
        }

    def test_what_others_look_back_at_is_whole(self, everything: Everything) -> None:
        everything.live("default")
        before = everything.calls.load("default", "default-1")
        told = everything.calls.outbox("default", "default-1", 1)
        everything.erase(SUBJECT)
        after = everything.calls.load("default", "default-1")
        assert before is not None and after is not None
        assert after.uids == (SUBJECT.pseudonym, "alice")
        assert after.creator == SUBJECT.pseudonym
        assert after.details == {"name": SUBJECT.pseudonym, "channelId": "general"}
        assert after.end_reason is before.end_reason is EndReason.HANGUP
        assert after.version == before.version + 1
        assert _outline(everything.calls.outbox("default", "default-1", 1)) == (
            _outline(told)
        )
        (entry, other) = everything.history.of_user("default", "alice", 0, 9)
        assert (entry.call_id, other.call_id) == ("default-3", "default-1")
        assert other.uids == (SUBJECT.pseudonym, "alice")
        assert everything.history.of_user("default", ZOE, 0, 9) == ()
        assert other in everything.history.of_tenant("default", 0, NOW_MS * 2, "", 9)

    def test_others_keep_what_is_theirs(self, everything: Everything) -> None:
        everything.live("default")
        everything.erase(SUBJECT)
        assert everything.devices.of_user("default", "alice")
        assert everything.tokens.of_user("default", "alice")
        assert everything.connections.find("r-default-alice=")
        assert everything.tickets.spend("default-alice-digest")
        assert everything.windows.take("default", "alice", WINDOW, 10, 15) == 5
        assert everything.keys.find("default", KEY.id) == replace(
            KEY, created_by=SUBJECT.pseudonym
        )

    def test_other_tenants_keep_their_user_of_the_same_name(
        self, everything: Everything
    ) -> None:
        everything.live("acme")
        before = sorted(self.texts(everything))
        assert not everything.erase(SUBJECT).total()
        assert sorted(self.texts(everything)) == before
        assert everything.erase(THEIRS).total()

    def test_again_changes_nothing(self, everything: Everything) -> None:
        everything.live("default")
        everything.erase(SUBJECT)
        before = sorted(self.texts(everything))
        assert not everything.erase(SUBJECT).total()
        assert sorted(self.texts(everything)) == before

    def test_whose_name_is_part_of_others_names_is_not_mistaken(
        self, everything: Everything
    ) -> None:
        everything.live("default")
        before = sorted(self.texts(everything))
        for uid in ("zo", "ali", "a", "default", "web", "sip", "1"):
            subject = Subject.of("default", uid, "a secret")
            assert not everything.erase(subject).total(), uid
        assert sorted(self.texts(everything)) == before

    def test_who_is_in_a_live_call_stays_in_it(self, everything: Everything) -> None:
        created = commit(None, create(ZOE, "bob"))
        everything.calls.commit(created)
        everything.erase(SUBJECT)
        assert everything.calls.load("default", "call-1") == created.after
        assert everything.calls.call_id_of("default", ZOE) == "call-1"

    def test_who_has_left_a_live_call_is_erased_and_it_goes_on(
        self, everything: Everything
    ) -> None:
        created = commit(None, create("alice", ZOE, "bob", max_participants=8))
        everything.calls.commit(created)
        left = commit(created.after, Leave(ZOE), command_id="left")
        everything.calls.commit(left)
        everything.erase(SUBJECT)
        call = everything.calls.load("default", "call-1")
        assert call is not None and call.is_live
        assert call.uids == ("alice", SUBJECT.pseudonym, "bob")
        everything.calls.commit(commit(call, Join("bob"), command_id="joined"))
        assert everything.calls.call_id_of("default", "bob") == "call-1"

    def test_live_session_stays_as_it_is(self, everything: Everything) -> None:
        session = Session(started("live", uid=ZOE))
        everything.sessions.store(None, session, (), None)
        everything.erase(SUBJECT)
        assert everything.sessions.load(session.key) == session


def _outline(events: tuple[OutboxEvent, ...]) -> list[tuple[Any, ...]]:
    """What says nothing of who."""
    return [(one.seq, one.event_id, one.type, one.at_ms) for one in events]
