"""Why a command on a call is refused.

CallError
├── CallExists         the id was used before, by a live or an ended call
├── CallNotFound       no such call in the tenant
├── CallEnded          nothing can be joined any more
├── CallFull           more members than the call has room for
├── CreatorBusy        the creator is a member of another live call
├── ParticipantBusy    an invited user is a member of another live call
├── NotParticipant     the user is not a member of the call
├── AnsweredElsewhere  the user is in the call already, on another device
├── NotInvited         the call takes invited users only
└── NotPermitted       only the creator or an administrator may do this

Each is the caller's fault, and becomes a wire code in one table per dialect.
"""


class CallError(Exception):
    """A command was understood and refused; ``subject`` is the id it is about."""

    def __init__(self, subject: str = "") -> None:
        super().__init__(subject)
        self.subject = subject


class CallExists(CallError):
    """The id was used before."""


class CallNotFound(CallError):
    """No such call in the tenant."""


class CallEnded(CallError):
    """The call has ended."""


class CallFull(CallError):
    """More members than the call has room for."""


class CreatorBusy(CallError):
    """The creator is a member of another live call."""


class ParticipantBusy(CallError):
    """The invited user named as subject is a member of another live call."""


class NotParticipant(CallError):
    """The user named as subject is not a member of the call."""


class AnsweredElsewhere(CallError):
    """The user is in the call already, on another device."""


class NotInvited(CallError):
    """The call takes invited users only."""


class NotPermitted(CallError):
    """Only the creator or an administrator may do this."""
