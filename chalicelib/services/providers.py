"""What the use cases ask of a provider that carries calls' media for us.

It is elsewhere and may fail; nothing that it says or does not say stops a command.
"""

from dataclasses import dataclass
from typing import Protocol


class ProviderUnreachable(Exception):
    """It did not answer, or not sensibly: what was asked may have been done or not."""


@dataclass(frozen=True, slots=True)
class Present:
    """One party's connection to a room, as its provider sees it now."""

    identity: str
    """The uid that its token was minted for."""
    sid: str
    """The provider's name of this one connection; a new one is another."""
    device_type: str
    """Empty where the provider does not know."""
    joined_at_ms: int


class RoomControl(Protocol):
    """Rooms as an operator has them; each request may be repeated.

    Raises `ProviderUnreachable`, from every method.
    """

    def delete_room(self, room: str) -> None:
        """Disconnect everybody; a room that is not there is success."""

    def remove_participant(self, room: str, identity: str) -> None:
        """Disconnect one party; one that is not there is success."""

    def list_participants(self, room: str) -> tuple[Present, ...]:
        """The parties that are connected; nobody in a room that is not there."""
