"""Why a command is not obeyed.

Refusal
├── Unfitting       what was asked makes no sense                        400
├── NotThere        what it names is not there                           404
├── WrongTime       it cannot be obeyed as the session is now            409
├── TooMuch         more waits already than may                          429
└── Unsupported     it is part of the protocol, and not built            501

All are the application's to read, as an ``error`` event; the session goes on.
"""

from dataclasses import dataclass

COMMAND = "command"


class Refusal(Exception):
    """The sentence is for the application; ``sender`` names the part concerned."""

    code: int

    def __init__(self, sentence: str, sender: str = COMMAND) -> None:
        self.sentence = sentence
        self.sender = sender
        super().__init__(sentence)


class Unfitting(Refusal):
    """What was asked makes no sense."""

    code = 400


class NotThere(Refusal):
    """What the command names is not there."""

    code = 404


class WrongTime(Refusal):
    """The command cannot be obeyed as the session is now."""

    code = 409


class TooMuch(Refusal):
    """More waits already than may."""

    code = 429


class Unsupported(Refusal):
    """Part of the protocol, and not built."""

    code = 501


@dataclass(frozen=True, slots=True)
class Complaint:
    """What of an option could not be had; the call goes on without it."""

    sender: str
    sentence: str
    code: int = Unsupported.code
