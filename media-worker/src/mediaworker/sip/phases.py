"""How far a call is, and what may be done then: the whole of it."""

from collections.abc import Mapping
from enum import Enum, auto


class Phase(Enum):
    CALLING = auto()
    """Ours, and no final response yet."""
    INCOMING = auto()
    """Theirs, and no final response yet."""
    OWING = auto()
    """2xx came; the ACK waits for our answer."""
    ANSWERED = auto()
    """2xx went; its ACK has not come."""
    CONFIRMED = auto()
    LEAVING = auto()
    """As ANSWERED, and BYE follows the ACK (15); it is told that the call is over."""
    OVER = auto()


class Step(Enum):
    ANSWER = auto()
    """2xx."""
    OFFER = auto()
    """2xx that needs an answer."""
    ACK = auto()
    LEAVE = auto()
    END = auto()


MOVES: Mapping[tuple[Phase, Step], Phase] = {
    (Phase.CALLING, Step.ANSWER): Phase.CONFIRMED,
    (Phase.CALLING, Step.OFFER): Phase.OWING,
    (Phase.CALLING, Step.END): Phase.OVER,
    (Phase.INCOMING, Step.ANSWER): Phase.ANSWERED,
    (Phase.INCOMING, Step.END): Phase.OVER,
    (Phase.OWING, Step.ACK): Phase.CONFIRMED,
    (Phase.OWING, Step.END): Phase.OVER,
    (Phase.ANSWERED, Step.ACK): Phase.CONFIRMED,
    (Phase.ANSWERED, Step.LEAVE): Phase.LEAVING,
    (Phase.ANSWERED, Step.END): Phase.OVER,
    (Phase.CONFIRMED, Step.END): Phase.OVER,
    (Phase.LEAVING, Step.END): Phase.OVER,
}
"""Any other pair is a mistake of ours."""


class Verb(Enum):
    RING = auto()
    ACCEPT = auto()
    REJECT = auto()
    CANCEL = auto()
    ACKNOWLEDGE = auto()
    BYE = auto()
    REINVITE = auto()
    INFO = auto()


PLACES: Mapping[Verb, frozenset[Phase]] = {
    Verb.RING: frozenset({Phase.INCOMING}),
    Verb.ACCEPT: frozenset({Phase.INCOMING}),
    Verb.REJECT: frozenset({Phase.INCOMING}),
    Verb.CANCEL: frozenset({Phase.CALLING}),
    Verb.ACKNOWLEDGE: frozenset({Phase.OWING}),
    Verb.BYE: frozenset({Phase.OWING, Phase.ANSWERED, Phase.CONFIRMED}),
    Verb.REINVITE: frozenset({Phase.CONFIRMED}),
    Verb.INFO: frozenset({Phase.CONFIRMED}),
}
"""When each verb has its place."""


class WrongTime(Exception):
    """A verb that the call's phase does not allow, or of a call that is over."""


def check(verb: Verb, phase: Phase) -> None:
    """Raises `WrongTime`."""
    if phase not in PLACES[verb]:
        raise WrongTime(f"{verb.name.lower()}: the call is {phase.name.lower()}")
