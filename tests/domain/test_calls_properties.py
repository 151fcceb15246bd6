"""Whatever is asked of a call, in whatever order and at whatever time."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from chalicelib.domain.call import Call
from chalicelib.domain.calls import handle
from chalicelib.domain.commands import (
    Answer,
    Appear,
    Cancel,
    CloseRoom,
    Command,
    End,
    Invite,
    Join,
    Kick,
    Leave,
    OpenRoom,
    Reconcile,
    Reject,
    ReplyBusy,
    Vanish,
    Wake,
)
from chalicelib.domain.events import (
    ParticipantJoined,
    ParticipantLeft,
    RoomFinished,
    RoomStarted,
    Told,
)
from chalicelib.protocol.vocabulary import CallState, Dialect, ParticipantState
from tests.builders import MAX_CALL_SECONDS, NOW_MS, create

UIDS = ("alice", "bob", "carol", "dave", "erin")
uids = st.sampled_from(UIDS)
sids = st.sampled_from(["1", "2"])
rooms = st.sampled_from(["", "RM_1", "RM_2"])


@dataclass
class Story:
    """All that a call has told."""

    told: list[Told]

    def count(self, kind: type) -> int:
        return sum(isinstance(entry.event, kind) for entry in self.told)


class CallMachine(RuleBasedStateMachine):
    """One call under every command; time runs, stands still and goes back."""

    call: Call | None = None

    def __init__(self) -> None:
        super().__init__()
        self.story = Story([])
        self.now_ms = NOW_MS

    @initialize(
        invitees=st.lists(uids, max_size=4),
        most=st.integers(2, 5),
        is_invite_only=st.booleans(),
        busy=st.frozensets(uids, max_size=2),
        dialect=st.sampled_from(Dialect),
    )
    def begin(
        self,
        invitees: list[str],
        most: int,
        is_invite_only: bool,
        busy: frozenset[str],
        dialect: Dialect,
    ) -> None:
        command = create(
            "alice",
            *invitees[: most - 1],
            max_participants=most,
            is_invite_only=is_invite_only,
            dialect=dialect,
            busy_uids=busy & set(invitees[: most - 1]) - {"alice"},
        )
        decision = handle(None, command, self.now_ms)
        self.call = decision.call
        self.story.told += decision.events

    def ask(self, command: Command) -> None:
        assert self.call is not None
        before = self.call
        decision = handle(before, command, self.now_ms)
        assert decision.call is not None
        if not decision.has_changed:
            assert decision.call == before and not decision.events
            return
        assert decision.call.version == before.version + 1
        assert decision.call.updated_at_ms >= before.updated_at_ms
        if not before.is_live:
            raise AssertionError("an ended call has changed")
        self.call = decision.call
        self.story.told += decision.events

    @rule(uid=uids, device_type=st.sampled_from(["", "app", "web"]))
    def join(self, uid: str, device_type: str) -> None:
        self.ask(Join(uid, device_type))

    @rule(uid=uids, device_type=st.sampled_from(["", "app", "web"]))
    def answer(self, uid: str, device_type: str) -> None:
        self.ask(Answer(uid, device_type))

    @rule(uid=uids)
    def leave(self, uid: str) -> None:
        self.ask(Leave(uid))

    @rule(uid=uids)
    def end(self, uid: str) -> None:
        self.ask(End(uid))

    @rule(uids=st.lists(uids, max_size=3), by=st.none() | uids, busy=st.booleans())
    def invite(self, uids: list[str], by: str | None, busy: bool) -> None:
        busy_uids = frozenset(uids[:1]) if busy else frozenset[str]()
        self.ask(Invite(tuple(uids), by, busy_uids))

    @rule(uid=uids, kind=st.sampled_from([Reject, ReplyBusy, Cancel]))
    def decline(self, uid: str, kind: type[Reject | ReplyBusy | Cancel]) -> None:
        self.ask(kind(uid))

    @rule(uid=uids, by=st.none() | uids)
    def kick(self, uid: str, by: str | None) -> None:
        self.ask(Kick(uid, by))

    @rule(uid=uids, sid=sids, room_sid=rooms)
    def appear(self, uid: str, sid: str, room_sid: str) -> None:
        self.ask(Appear(uid, "app", f"{uid}-{sid}", room_sid))

    @rule(uid=uids, sid=sids)
    def vanish(self, uid: str, sid: str) -> None:
        self.ask(Vanish(uid, f"{uid}-{sid}"))

    @rule(room_sid=rooms, kind=st.sampled_from([OpenRoom, CloseRoom]))
    def room(self, room_sid: str, kind: type[OpenRoom | CloseRoom]) -> None:
        self.ask(kind(room_sid))

    @rule(present=st.none() | st.dictionaries(uids, sids, max_size=3))
    def reconcile(self, present: dict[str, str] | None) -> None:
        found = present and tuple(
            Appear(uid, "", f"{uid}-{sid}") for uid, sid in present.items()
        )
        self.ask(Reconcile(None if present is None else found or ()))

    @rule()
    def wake(self) -> None:
        self.ask(Wake())

    @rule(step_ms=st.integers(-5_000, 20_000))
    def pass_time(self, step_ms: int) -> None:
        self.now_ms += step_ms

    @invariant()
    def numbers_have_no_gap(self) -> None:
        seqs = [entry.seq for entry in self.story.told]
        assert seqs == list(range(1, len(seqs) + 1))

    @invariant()
    def room_finishes_once_last_and_exactly_when_ended(self) -> None:
        if self.call is None or self.call.version == 1:
            return
        ended = self.call.state is CallState.ENDED
        assert self.story.count(RoomFinished) == int(ended)
        if ended:
            assert isinstance(self.story.told[-1].event, RoomFinished)

    @invariant()
    def room_starts_at_most_once_and_before_any_join(self) -> None:
        kinds = [type(entry.event) for entry in self.story.told]
        assert kinds.count(RoomStarted) <= 1
        if ParticipantJoined in kinds:
            assert RoomStarted in kinds
            assert kinds.index(RoomStarted) < kinds.index(ParticipantJoined)

    @invariant()
    def every_join_has_at_most_one_leave(self) -> None:
        if self.call is None:
            return
        for uid in self.call.uids:
            balance = 0
            for entry in self.story.told:
                match entry.event:
                    case ParticipantJoined(uid=joined) if joined == uid:
                        balance += 1
                    case ParticipantLeft(uid=left) if left == uid:
                        balance -= 1
                assert balance in (0, 1)
            member = self.call.participant(uid)
            assert member is not None
            assert balance == (member.state is ParticipantState.JOINED)

    @invariant()
    def locks_are_of_the_active_members_of_a_live_call(self) -> None:
        if self.call is None:
            return
        active = {m.uid for m in self.call.participants if m.is_active}
        assert self.call.locked_uids == (active if self.call.is_live else set())
        assert self.call.is_live or not active
        assert len(active) <= self.call.max_participants

    @invariant()
    def duration_is_never_negative(self) -> None:
        assert self.call is None or self.call.duration_seconds >= 0

    def teardown(self) -> None:
        """Time alone ends every call."""
        if self.call is None:
            return
        end_ms = NOW_MS + MAX_CALL_SECONDS * 1000
        last = handle(self.call, Wake(), max(end_ms, self.now_ms)).call
        assert last is not None and not last.is_live


TestCallMachine = CallMachine.TestCase
TestCallMachine.settings = settings(max_examples=400)
