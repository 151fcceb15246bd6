"""A batch in which one member fails must not fail the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

R = TypeVar("R")

Failed = Callable[[int, Exception], None]


def by_halves(
    members: Sequence[int], step: Callable[[Sequence[int]], R], failed: Failed
) -> list[R]:
    """``step`` over all members at once; over halves of them where that raises.

    A step that raised has changed nothing. Who raises alone is handed to ``failed``,
    and the results are those of the others.
    """
    if not members:
        return []
    try:
        return [step(members)]
    except Exception as error:
        if len(members) == 1:
            failed(members[0], error)
            return []
    middle = len(members) // 2
    return [
        *by_halves(members[:middle], step, failed),
        *by_halves(members[middle:], step, failed),
    ]
