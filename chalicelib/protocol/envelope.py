"""The version that every stored or sent value carries, and how it is read.

A writer stamps `CURRENT`, or holds it back; a reader takes `CURRENT` and the one before
it, so that two releases can run side by side while one replaces the other. What changed
between two versions stands in two tables here, by the value's kind: readers make
an old value new by `upcast`, and who knows that its reader is old writes as that
one reads. A new field with a default, or one that nobody reads any more, is no
change: readers overlook what they do not know, and leave it out of what they rewrite.
"""

from collections.abc import Callable, Mapping
from typing import Any

CURRENT = 1
OLDEST_READ = max(1, CURRENT - 1)
HELD_BACK = 0
"""How far behind `CURRENT` writers stay: 1 in the first release that knows a new
version, for the one that runs beside it meanwhile does not; 0 from the next on."""

Cast = Callable[[Mapping[str, Any]], Mapping[str, Any]]

UPCASTS: Mapping[tuple[str, int], Cast] = {}
"""Kind and version -> what makes such a value one of the next version.

``v`` is seen to; a kind that is absent looks the same in both.
"""
DOWNCASTS: Mapping[tuple[str, int], Cast] = {}
"""Kind and version -> what makes such a value one of the version before."""


class UnknownVersion(ValueError):
    """The value was written by a release too old or too new to be understood."""


def stamped(
    fields: Mapping[str, Any], kind: str = "", version: int | None = None
) -> dict[str, Any]:
    """The fields with ``v``, ready to be written.

    A reader's ``version`` that is older has them written as that one reads them;
    one that nobody could write for is passed over.
    """
    value: Mapping[str, Any] = {"v": CURRENT, **fields}
    reader = CURRENT - HELD_BACK if version is None else version
    oldest = max(reader, OLDEST_READ)
    for before in range(CURRENT, oldest, -1):
        value = {**_cast(DOWNCASTS, kind, before, value), "v": before - 1}
    return dict(value)


def version_of(value: Mapping[str, Any]) -> int:
    """The version of a value that was read; raises `UnknownVersion`."""
    version = value.get("v") if isinstance(value, Mapping) else None
    if isinstance(version, bool) or not isinstance(version, int):
        raise UnknownVersion("a versioned value lacks its number v")
    if not is_read(version):
        raise UnknownVersion(
            f"version {version} is not between {OLDEST_READ} and {CURRENT}"
        )
    return version


def is_read(version: int) -> bool:
    """Whether values of that version are understood."""
    return OLDEST_READ <= version <= CURRENT


def upcast(kind: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was read, as a writer of `CURRENT` had written it.

    ``kind`` is a word for the value's shape, as `UPCASTS` has it. Values within it
    that have a ``v`` of their own are left to their own readers. Raises
    `UnknownVersion`; a cast that finds a field missing raises KeyError.
    """
    for version in range(version_of(value), CURRENT):
        value = {**_cast(UPCASTS, kind, version, value), "v": version + 1}
    return value


def _cast(
    casts: Mapping[tuple[str, int], Cast],
    kind: str,
    version: int,
    value: Mapping[str, Any],
) -> Mapping[str, Any]:
    cast = casts.get((kind, version))
    return value if cast is None else cast(value)
