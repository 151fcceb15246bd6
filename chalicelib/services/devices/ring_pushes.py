"""Who is rung, and whose ring is over: told to phones in pockets."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain.call import Call, Participant
from chalicelib.protocol import mobile_push
from chalicelib.protocol.mobile_push import (
    Platform,
    Push,
    PushToken,
    Ring,
    RingEnd,
    RingEnded,
)
from chalicelib.protocol.vocabulary import EndReason, EventType
from chalicelib.services.devices.push_tokens import (
    PushSender,
    PushTokenRepository,
    Sent,
)
from chalicelib.services.ports import CallRepository, Clock, Draws, OutboxEvent
from chalicelib.services.retries import Retries
from chalicelib.services.stories import Story

log = logging.getLogger(__name__)

_T = TypeVar("_T")

MOST_THREADS = 16
"""How many pushes are sent at the same time."""
ATTEMPTS = 2
BUDGET_MS = 8_000
"""How long pushes are begun for one story: a carrier that hangs stops nobody else."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one user's phones are to be told."""

    uid: str
    told: Ring | RingEnded
    heard_by: str = ""
    """The device by which it happened, which knows; empty if that is not known."""


class RingPushes:
    """A `Hearer` that has the phones of who is rung ring, and stop ringing."""

    def __init__(
        self,
        calls: CallRepository,
        tokens: PushTokenRepository,
        sender: PushSender,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._calls = calls
        self._tokens = tokens
        self._sender = sender
        self._clock = clock
        self._draws = draws

    def hear(self, story: Story) -> None:
        """Pushes that are not taken are not told again. Raises `Unavailable`."""
        if not self._sender.is_set_up:
            return
        tenant, call_id = story[-1].tenant, story[-1].call_id
        call = self._repeat(lambda: self._calls.load(tenant, call_id))
        if call is None:
            return
        now_ms = self._clock.now_ms()
        notices = notices_of(story, call, now_ms)
        posts = [
            (token, notice.told)
            for notice in notices
            for token in self._tokens_for(tenant, notice)
        ]
        if posts:
            with ThreadPoolExecutor(min(len(posts), MOST_THREADS)) as threads:
                sent = [
                    threads.submit(self._tell, *post, now_ms + BUDGET_MS)
                    for post in posts
                ]
            for each in sent:
                each.result()

    def _tokens_for(self, tenant: str, notice: Notice) -> Iterator[PushToken]:
        held = self._repeat(lambda: self._tokens.of_user(tenant, notice.uid))
        return _hearing(held, notice)

    def _tell(self, token: PushToken, told: Ring | RingEnded, until_ms: int) -> None:
        sent = None
        for _ in range(ATTEMPTS):
            push = self._push(token, told)
            if push is None or self._clock.now_ms() >= until_ms:
                break
            push_id = mobile_push.push_id(token, told.call_id, told.seq)
            sent = self._sender.send(token, push, push_id)
            if sent is not Sent.FAILED:
                break
        if sent is None:
            return
        log.info(
            "mobile push",
            extra={
                "call_id": told.call_id,
                "seq": told.seq,
                "platform": token.platform.value,
                "outcome": sent.value,
            },
        )
        if sent is Sent.GONE:
            self._repeat(lambda: self._tokens.forget(token))

    def _push(self, token: PushToken, told: Ring | RingEnded) -> Push | None:
        """None for what is not to be told, by now or to such a token."""
        now_ms = self._clock.now_ms()
        if isinstance(told, RingEnded):
            return mobile_push.ring_ended_push(token, told, now_ms)
        if now_ms >= told.deadline_at_ms:
            return None
        return mobile_push.ring_push(token, told, now_ms)

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)


def notices_of(story: Story, call: Call, now_ms: int) -> tuple[Notice, ...]:
    """One at most for each user who was rung; ``call`` is as it is by now.

    A story may be late: who does not ring any more is not rung, and who rings again is
    not told that it is over.
    """
    found: dict[str, Notice] = {}
    for event in story:
        for notice in _notices(event, call, now_ms):
            found.setdefault(notice.uid, notice)
    return tuple(found.values())


ENDINGS: Mapping[str, RingEnd] = {
    EventType.PARTICIPANT_JOINED: RingEnd.ANSWERED_ELSEWHERE,
    EventType.PARTICIPANT_REJECTED: RingEnd.REJECTED,
    EventType.PARTICIPANT_MISSED: RingEnd.MISSED,
    EventType.PARTICIPANT_CANCELLED: RingEnd.CANCELLED,
}
"""What ends the ring of the user whom the event names."""
ENDINGS_OF_ALL: Mapping[EndReason | None, RingEnd] = {
    EndReason.CANCELLED: RingEnd.CANCELLED,
    EndReason.REJECTED: RingEnd.REJECTED,
    EndReason.MISSED: RingEnd.MISSED,
}
"""What the end of the call is to who was still being rung, if not just that."""


def _notices(event: OutboxEvent, call: Call, now_ms: int) -> Iterator[Notice]:
    if event.type == EventType.PARTICIPANT_INVITED:
        members = map(call.participant, event.data["invited_uids"])
        return (
            Notice(member.uid, _ring(event, call, member.deadline_at_ms))
            for member in members
            if member is not None
            and member.deadline_at_ms is not None
            and member.invited_at_ms == event.at_ms
            and now_ms < member.deadline_at_ms
        )
    if event.type == EventType.ROOM_FINISHED:
        return (
            Notice(
                member.uid,
                _ring_ended(
                    event,
                    call,
                    ENDINGS_OF_ALL.get(member.end_reason, RingEnd.ENDED),
                ),
            )
            for member in call.others(call.creator)
            if _was_rung_until(member, event.at_ms)
        )
    return _own_notice(event, call)


def _own_notice(event: OutboxEvent, call: Call) -> Iterator[Notice]:
    """Of the event's own user; the creator is never rung."""
    reason = ENDINGS.get(event.type)
    uid = event.data.get("uid", "")
    member = call.participant(uid)
    if reason is None or uid == call.creator or member is None or member.is_ringing:
        return
    told = _ring_ended(event, call, reason)
    yield Notice(uid, told, event.data.get("device", ""))


def _was_rung_until(member: Participant, at_ms: int) -> bool:
    """Nobody who was busy when the others began to ring has rung."""
    is_busy = member.end_reason is EndReason.BUSY
    return not (member.has_joined or is_busy) and member.left_at_ms == at_ms


def _ring(event: OutboxEvent, call: Call, deadline_at_ms: int) -> Ring:
    return Ring(call.id, event.seq, call.creator, call.media_type, deadline_at_ms)


def _ring_ended(event: OutboxEvent, call: Call, reason: RingEnd) -> RingEnded:
    return RingEnded(call.id, event.seq, call.creator, call.media_type, reason)


def _hearing(tokens: Iterable[PushToken], notice: Notice) -> Iterator[PushToken]:
    """A device that PushKit wakes does not ring a second time by an alert."""
    held = tuple(tokens)
    woken = {one.device for one in held if one.platform is Platform.APNS_VOIP}
    for token in held:
        is_doubled = token.platform is Platform.APNS and token.device in woken
        if isinstance(notice.told, Ring) and is_doubled:
            continue
        if notice.heard_by != token.device:
            yield token
