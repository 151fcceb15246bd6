"""What a device is told when it comes: how its user's call is, and what it missed."""

from collections.abc import Callable
from typing import TypeVar

from chalicelib.domain.call import Call
from chalicelib.protocol.client_events import Member, Pushes, Snapshot, Welcome
from chalicelib.protocol.client_fields import Direction
from chalicelib.protocol.clients import Hello
from chalicelib.protocol.vocabulary import ParticipantState
from chalicelib.services.calls import CallService
from chalicelib.services.devices.devices import Device, DeviceRepository
from chalicelib.services.devices.pushes import TYPES, entered, pushes_of, select
from chalicelib.services.history import HistoryRepository
from chalicelib.services.media import Entrances
from chalicelib.services.ports import CallRepository, Clock, Draws, OutboxEvent
from chalicelib.services.retries import Retries

_T = TypeVar("_T")

CLOCKS_MS = 2_000
"""How far the clocks of those who told a client of instants may be apart."""
RECENT_MS = 600_000
"""A last call that ended longer ago than this is no news to who says not since when."""
MOST_ENDED = 20
"""Ended calls that are told again, the latest of them; older ones are history."""
MOST_MISSED = 500


class ResumeService:
    """Answers hellos. It reads, and nothing else."""

    def __init__(
        self,
        calls: CallService,
        repository: CallRepository,
        devices: DeviceRepository,
        history: HistoryRepository,
        entrances: Entrances,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._calls = calls
        self._repository = repository
        self._devices = devices
        self._history = history
        self._entrances = entrances
        self._clock = clock
        self._draws = draws

    def resume(
        self, device: Device, hello: Hello
    ) -> tuple[Welcome, tuple[Pushes, ...]]:
        """What was missed is in the order of its happening. Raises `Unavailable`."""
        call = self._calls.active_call_of(device.tenant, device.uid)
        welcome = Welcome(
            self._clock.now_ms(),
            device.connection_id,
            device.device,
            call=self._snapshot(call, device) if call else None,
            id=hello.id,
        )
        return welcome, self._missed(device, hello, call)

    def _snapshot(self, call: Call, device: Device) -> Snapshot:
        own = call.participant(device.uid)
        assert own is not None
        is_in = own.state is ParticipantState.JOINED
        is_callers = device.uid == call.creator
        media = None
        if is_in or is_callers:
            media = self._entrances.media(call, device.uid, device.device_type)
        return Snapshot(
            call_id=call.id,
            seq=call.next_seq - 1,
            state=call.state,
            dialect=call.dialect,
            provider=call.provider,
            media_type=TYPES[call.media_type],
            caller=call.creator,
            uids=call.uids,
            direction=Direction.OUTGOING if is_callers else Direction.INCOMING,
            own_state=own.state,
            members=_members(call),
            created_at_ms=call.created_at_ms,
            deadline_at_ms=own.deadline_at_ms or _first_deadline(call),
            answered_at_ms=call.talk_started_at_ms,
            media=media,
        )

    def _missed(
        self, device: Device, hello: Hello, live: Call | None
    ) -> tuple[Pushes, ...]:
        read = Retries(self._clock, self._draws).repeat
        tenant, uid = device.tenant, device.uid
        events = [
            event
            for call_id, seq in self._wanted(device, hello, live).items()
            for event in self._events(tenant, call_id, seq)
        ]
        events.sort(key=lambda event: (event.at_ms, event.call_id, event.seq))
        connected = read(lambda: self._devices.of_user(tenant, uid, True))
        present = [one for one in connected if one.device != device.device]
        pushes: list[Pushes] = []
        for event in events:
            for own in (one for one in pushes_of(event) if one.uid == uid):
                told = dict(select(own, [device, *present]))[device]
                call = live if live and live.id == event.call_id else None
                pushes.append(entered(told, call, self._entrances, device.device_type))
        return tuple(pushes[-MOST_MISSED:])

    def _wanted(
        self, device: Device, hello: Hello, live: Call | None
    ) -> dict[str, int]:
        """Call id -> the number of the last event that the client knows of."""
        known = hello.last_seq or 0
        wanted = {} if hello.call_id is None else {hello.call_id: known}
        if live is not None:
            wanted.setdefault(live.id, known if hello.call_id is None else 0)
        for call_id in self._ended(device, hello):
            wanted.setdefault(call_id, 0 if hello.call_id else known)
        return wanted

    def _ended(self, device: Device, hello: Hello) -> list[str]:
        since = device.since_ms if hello.since is None else hello.since
        if since is None and hello.call_id is not None:
            return []
        if since is None:
            from_ms, most = self._clock.now_ms() - RECENT_MS, 1
        else:
            from_ms, most = max(0, since - CLOCKS_MS), MOST_ENDED
        entries = self._read(
            lambda: self._history.of_user(device.tenant, device.uid, from_ms, most)
        )
        return [entry.call_id for entry in entries]

    def _events(self, tenant: str, call_id: str, seq: int) -> tuple[OutboxEvent, ...]:
        return self._read(lambda: self._repository.outbox(tenant, call_id, seq + 1))

    def _read(self, read: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(read)


def _members(call: Call) -> tuple[Member, ...]:
    return tuple(
        Member(
            one.uid,
            one.state,
            one.device_type,
            one.deadline_at_ms,
            one.joined_at_ms,
            one.end_reason,
        )
        for one in call.participants
    )


def _first_deadline(call: Call) -> int | None:
    rings = (one.deadline_at_ms for one in call.participants)
    return min((at_ms for at_ms in rings if at_ms is not None), default=None)
