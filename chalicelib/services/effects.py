"""What a command asked of a call's provider, done after it and until it is done."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.protocol.control import Doorbell
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.facts import DELETE_ROOM, REMOVE_PARTICIPANT
from chalicelib.services.ports import CallRepository, Clock, Draws, OutboxEvent
from chalicelib.services.providers import RoomControl

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rooms:
    """A provider's rooms, and what it calls the room of a call."""

    control: RoomControl
    room_name: Callable[[str, str], str]
    """(tenant, call id) -> the provider's name."""


class EffectService:
    """Has effects done on providers."""

    def __init__(
        self,
        repository: CallRepository,
        rooms: Mapping[Provider, Rooms],
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._repository = repository
        self._rooms = rooms
        self._clock = clock
        self._draws = draws

    def perform(self, effect: Doorbell) -> None:
        """Raises `ProviderUnreachable`: the same is then to be tried again."""
        rooms = self._rooms.get(Provider(effect.data["provider"]))
        if rooms is None:
            return
        name = rooms.room_name(effect.tenant, effect.call_id)
        if effect.type == DELETE_ROOM:
            rooms.control.delete_room(name)
        elif effect.type == REMOVE_PARTICIPANT:
            rooms.control.remove_participant(name, effect.data["uid"])
        else:
            log.error("unknown effect", extra={"effect": effect.type})
            return
        log.info(
            "effect done", extra={"effect": effect.type, "call_id": effect.call_id}
        )

    def request_deletion(self, tenant: str, call_id: str, provider: Provider) -> None:
        """Somebody is in the room of a call that has ended, or never was."""
        self._request(tenant, call_id, DELETE_ROOM, {"provider": provider.value})

    def request_removal(
        self, tenant: str, call_id: str, provider: Provider, uid: str
    ) -> None:
        """Somebody is in a room who may not be."""
        data = {"provider": provider.value, "uid": uid}
        self._request(tenant, call_id, REMOVE_PARTICIPANT, data)

    def _request(
        self, tenant: str, call_id: str, kind: str, data: dict[str, str]
    ) -> None:
        effect = OutboxEvent(
            tenant=tenant,
            call_id=call_id,
            seq=0,
            event_id=self._draws.token(),
            type=kind,
            at_ms=self._clock.now_ms(),
            data=data,
        )
        self._repository.request(effect)
