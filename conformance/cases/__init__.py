"""The cases, one module a group; each says what has to be so and where that stands."""

from conformance.case import Case
from conformance.cases import (
    commanding,
    connecting,
    ending,
    hearing,
    media_pass,
    options,
    playing,
    returning,
    speaking,
    telephone,
    tracks,
    web,
)

GROUPS = (
    connecting.CASES,
    commanding.CASES,
    speaking.CASES,
    playing.CASES,
    tracks.CASES,
    hearing.CASES,
    options.CASES,
    media_pass.CASES,
    ending.CASES,
    returning.CASES,
    web.CASES,
    telephone.CASES,
)


def every() -> list[Case]:
    """In the order of the groups."""
    return [case for group in GROUPS for case in group.all]
