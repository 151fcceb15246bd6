"""What is asked of a server: cases, what came of them, and why a case is left out."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.bench import Bench

Play = Callable[[Bench], Awaitable[None]]

SECONDS = 20.0
"""The longest that any case may take."""


class Level(StrEnum):
    """Who asks it."""

    CONTRACT = "contract"
    """The contract: any server must."""
    EXTRAS = "extras"
    """Parley beyond it."""


class Outcome(StrEnum):
    """What came of a case."""

    OK = "ok"
    NOT_OK = "not ok"
    SKIPPED = "skipped"
    BEYOND = "beyond the contract"
    """Not done by this server, which need not."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is asked."""

    name: str
    group: str
    sentence: str
    """What has to be so."""
    lines: tuple[str, ...]
    """Of the contract, as tests/protocol/session/contract.json names them."""
    level: Level
    play: Play


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case that was played."""

    case: Case
    outcome: Outcome
    why: str = ""
    seconds: float = 0.0


class Cases:
    """The cases of a group, in the order in which they stand in its module."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.all: list[Case] = []

    def case(
        self, *lines: str, level: Level = Level.CONTRACT
    ) -> Callable[[Play], Play]:
        """A case is a coroutine; its docstring is its sentence."""

        def keep(play: Play) -> Play:
            name = getattr(play, "__name__", "").replace("_", "-")
            sentence = " ".join((play.__doc__ or "").split())
            self.all.append(Case(name, self.group, sentence, lines, level, play))
            return play

        return keep


def chosen(cases: Sequence[Case], wanted: Sequence[str]) -> list[Case]:
    """Those of these groups or names; all, when nothing is named."""
    return [one for one in cases if not wanted or {one.name, one.group} & {*wanted}]
