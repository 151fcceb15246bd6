"""The version that every stored or sent value carries, and how it is read.

A writer stamps `CURRENT`; a reader takes `CURRENT` and the one before it, so
that two releases can run side by side while one replaces the other.
"""

from collections.abc import Mapping
from typing import Any

CURRENT = 1
OLDEST_READ = max(1, CURRENT - 1)


class UnknownVersion(ValueError):
    """The value was written by a release too old or too new to be understood."""


def stamped(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with ``v``, ready to be written."""
    return {"v": CURRENT, **fields}


def version_of(value: Mapping[str, Any]) -> int:
    """The version of a value that was read; raises `UnknownVersion`."""
    version = value.get("v") if isinstance(value, Mapping) else None
    if isinstance(version, bool) or not isinstance(version, int):
        raise UnknownVersion("a versioned value lacks its number v")
    if not OLDEST_READ <= version <= CURRENT:
        raise UnknownVersion(
            f"version {version} is not between {OLDEST_READ} and {CURRENT}"
        )
    return version
