"""Letting time pass for calls: three triggers, one wake that may come at any time.

A wake too early changes nothing and says when to come back; too late or again it
changes nothing wrongly, for the call's own deadlines decide.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.call import Call
from chalicelib.domain.commands import Appear, Reconcile, Wake
from chalicelib.domain.errors import CallError
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services import agenda, ports
from chalicelib.services.calls import CallService
from chalicelib.services.devices import liveness
from chalicelib.services.devices.devices import DeviceRepository
from chalicelib.services.effects import Rooms
from chalicelib.services.providers import ProviderUnreachable
from chalicelib.services.webhooks.delivery import DeliveryService

log = logging.getLogger(__name__)

PATIENCE_MS = 2_000
"""A timer that comes this much too early waits rather than go round again."""


@dataclass(frozen=True, slots=True)
class Ring:
    """What a timer of a ring is told."""

    wake_at_ms: int
    """When to come back; meaningless once it is over."""
    is_over: bool


class WakeService:
    """Looks at calls when their time has come."""

    def __init__(
        self,
        calls: CallService,
        repository: ports.CallRepository,
        rooms: Mapping[Provider, Rooms],
        clock: ports.Clock,
        devices: DeviceRepository | None = None,
    ) -> None:
        """``devices`` tell of the parties of calls that have no rooms."""
        self._calls = calls
        self._repository = repository
        self._rooms = rooms
        self._clock = clock
        self._devices = devices

    def ring(self, tenant: str, call_id: str) -> Ring:
        """The timer of a ring has come: missed now, or not yet, or long over."""
        call = self._calls.view(tenant, call_id)
        deadline = _next_ring(call)
        if deadline is not None:
            early_ms = deadline - self._clock.now_ms()
            if 0 < early_ms <= PATIENCE_MS:
                self._clock.sleep_ms(early_ms)
        call = self._wake(tenant, call_id)
        deadline = _next_ring(call)
        return Ring(deadline or self._clock.now_ms(), deadline is None)

    def expired(self, tenant: str, call_id: str) -> None:
        """The item that lives as long as the call's quiet has been removed."""
        call = self._look(tenant, call_id)
        if call is not None and call.is_live:
            self._repository.rearm(call)

    def sweep(self, shard: int, deliveries: DeliveryService) -> int:
        """Look at every call of the shard whose time has come; how many they were."""
        due = self._repository.due(shard, self._clock.now_ms())
        for tenant, call_id in due:
            try:
                call = self._look(tenant, call_id)
                if call is not None and not call.is_live:
                    self._audit(call, deliveries)
            except Exception:
                # One call that cannot be looked at holds back no other.
                log.exception("not looked at", extra={"call_id": call_id})
        return len(due)

    def _audit(self, call: Call, deliveries: DeliveryService) -> None:
        if agenda.look_at_ms(call) > self._clock.now_ms():
            return
        again_ms = deliveries.audit(call)
        if again_ms is None:
            self._repository.disarm(call)
        else:
            self._repository.postpone(call, again_ms)

    def _look(self, tenant: str, call_id: str) -> Call | None:
        """Let time pass, and ask the provider who is there if it is time to."""
        call = self._wake(tenant, call_id)
        if call is None or not self._is_to_be_checked(call):
            return call
        return self._calls.act(tenant, call_id, self._proof(call))

    def _wake(self, tenant: str, call_id: str) -> Call | None:
        try:
            return self._calls.act(tenant, call_id, Wake())
        except CallError:
            return None

    def _is_to_be_checked(self, call: Call) -> bool:
        at_ms = call.check_at_ms
        return at_ms is not None and at_ms <= self._clock.now_ms()

    def _proof(self, call: Call) -> Reconcile:
        devices = self._devices
        if devices is None or call.provider not in liveness.UNSEEN:
            return Reconcile(self._present(call))
        try:
            return liveness.proof(
                call, lambda uid: devices.seen_of_user(call.tenant, uid)
            )
        except ports.RepositoryError as reason:
            log.warning("devices not read", extra={"reason": str(reason)})
            return Reconcile(None)

    def _present(self, call: Call) -> tuple[Appear, ...] | None:
        rooms = self._rooms.get(call.provider)
        if rooms is None:
            return None
        try:
            name = rooms.room_name(call.tenant, call.id)
            found = rooms.control.list_participants(name)
        except ProviderUnreachable as reason:
            log.warning("provider unreachable", extra={"reason": str(reason)})
            return None
        return tuple(Appear(one.identity, one.device_type, one.sid) for one in found)


def _next_ring(call: Call | None) -> int | None:
    """The earliest deadline of who is being rung."""
    if call is None or not call.is_live:
        return None
    rings = (member.deadline_at_ms for member in call.participants)
    return min((at_ms for at_ms in rings if at_ms is not None), default=None)
