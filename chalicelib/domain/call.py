"""The call and its members, as frozen values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from chalicelib.protocol.vocabulary import (
    CallState,
    Dialect,
    EndReason,
    Initiator,
    MediaType,
    ParticipantState,
    Provider,
)

TWO_PERSON = 2
CHECK_MS = 45_000
"""How long a call goes on without its provider being asked who is there."""
LIVENESS_MS = 90_000
"""How long a call lives on that nobody proves to be alive."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A member of a call, from its invitation on; members are never removed."""

    uid: str
    state: ParticipantState
    invited_at_ms: int
    deadline_at_ms: int | None = None
    """When an unanswered ring is missed; None for who is not being rung."""
    device_type: str = ""
    """Of the device that joined; empty until then, or if it did not say."""
    device: str = ""
    """The device that joined, or created the call, by its own name; at most 64
    characters, empty if it did not say."""
    joined_at_ms: int | None = None
    """The latest join."""
    left_at_ms: int | None = None
    end_reason: EndReason | None = None
    ring_id: int = 1
    """Grows with each invitation."""
    sid: str = ""
    """The provider's name of the connection; empty until it has told of it."""
    gone_sid: str = ""
    """The last connection that has ended, so that a late word of it is known."""

    @property
    def is_active(self) -> bool:
        """Holds the user's one membership lock."""
        return self.state is not ParticipantState.LEFT

    @property
    def is_ringing(self) -> bool:
        return (
            self.state is ParticipantState.INVITED and self.deadline_at_ms is not None
        )

    @property
    def has_joined(self) -> bool:
        """Has ever been in the call."""
        return self.joined_at_ms is not None

    def leaving(self, reason: EndReason, now_ms: int) -> Self:
        """The member as it is once gone."""
        return replace(
            self,
            state=ParticipantState.LEFT,
            deadline_at_ms=None,
            left_at_ms=now_ms,
            end_reason=reason,
            sid="",
            gone_sid=self.sid or self.gone_sid,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """The aggregate: one version guards every race among its members."""

    tenant: str
    id: str
    trace_id: int
    """Snowflake, int64; dtalk's name of the call."""
    room_number: int
    """int32 from 1; TRTC's name of the call's room."""
    dialect: Dialect
    provider: Provider
    media_type: MediaType
    creator: str
    is_invite_only: bool
    max_participants: int
    ring_seconds: int
    participants: tuple[Participant, ...]
    """The creator first, then in the order of invitation or arrival."""
    created_at_ms: int
    updated_at_ms: int
    expires_at_ms: int
    """When the call fails however alive it looks."""
    state: CallState = CallState.WAITING
    version: int = 1
    next_seq: int = 1
    """The number of the next event that the call tells."""
    started_at_ms: int | None = None
    """The first join."""
    talk_started_at_ms: int | None = None
    """When a second member was there."""
    ended_at_ms: int | None = None
    end_reason: EndReason | None = None
    initiator: Initiator | None = None
    room_sid: str = ""
    """The provider's name of the room's present life."""
    alive_at_ms: int | None = None
    """The last proof that somebody is there."""
    checked_at_ms: int | None = None
    """When the provider was last asked."""
    details: Mapping[str, str] = field(default_factory=dict)
    """What its dialect was told beyond what calls have, to be shown again."""

    @property
    def is_two_person(self) -> bool:
        return self.max_participants == TWO_PERSON

    @property
    def is_live(self) -> bool:
        return self.state is not CallState.ENDED

    @property
    def uids(self) -> tuple[str, ...]:
        """Every member there ever was, the creator first."""
        return tuple(member.uid for member in self.participants)

    @property
    def duration_seconds(self) -> int:
        """From the second join to the end; 0 if there was no talk, or still is."""
        if self.talk_started_at_ms is None or self.ended_at_ms is None:
            return 0
        return max(0, self.ended_at_ms - self.talk_started_at_ms) // 1000

    @property
    def locked_uids(self) -> frozenset[str]:
        """Whose membership lock names this call."""
        if not self.is_live:
            return frozenset()
        return frozenset(member.uid for member in self.participants if member.is_active)

    @property
    def next_deadline_at_ms(self) -> int | None:
        """When time alone will next change the call; None once it has ended."""
        if not self.is_live:
            return None
        rings = [d for p in self.participants if (d := p.deadline_at_ms) is not None]
        return min([*rings, self.expires_at_ms])

    @property
    def check_at_ms(self) -> int | None:
        """When the provider is to be asked who is there; a ring asks by itself."""
        is_ringing = any(member.is_ringing for member in self.participants)
        if not self.is_live or (self.state is CallState.WAITING and is_ringing):
            return None
        return max(self.alive_at_ms or self.created_at_ms, self.checked_at_ms or 0) + (
            CHECK_MS
        )

    @property
    def wake_at_ms(self) -> int | None:
        """When the call is to be looked at; None once it has ended."""
        deadline, check = self.next_deadline_at_ms, self.check_at_ms
        return deadline if check is None or deadline is None else min(deadline, check)

    def participant(self, uid: str) -> Participant | None:
        return next((member for member in self.participants if member.uid == uid), None)

    def others(self, uid: str) -> Iterator[Participant]:
        return (member for member in self.participants if member.uid != uid)

    def with_participant(self, member: Participant) -> Self:
        """The call with a member added, or put in place of the one of its uid."""
        if self.participant(member.uid) is None:
            return replace(self, participants=(*self.participants, member))
        return replace(
            self,
            participants=tuple(
                member if old.uid == member.uid else old for old in self.participants
            ),
        )
