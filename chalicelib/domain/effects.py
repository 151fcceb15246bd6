"""What a call's provider is to be told; done later, repeated until it is done."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeleteRoom:
    """Disconnect everybody: the call has ended."""


@dataclass(frozen=True, slots=True)
class RemoveParticipant:
    """Disconnect one user, who may not be there."""

    uid: str


Effect = DeleteRoom | RemoveParticipant
