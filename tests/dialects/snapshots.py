"""All that a control plane in memory holds, so that two moments can be compared."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from chalicelib.bootstrap import ControlPlane

HIDDEN = re.compile(
    r"\.(_?clock|_?draws|_?lock|settings|providers|trust|limits|_read)\Z"
)
"""Time and chance move on; who asks is counted and remembered, whatever comes of it."""


Snapshot = dict[str, str]
"""Leaf by leaf, by the way to it."""


def snapshot(plane: ControlPlane) -> Snapshot:
    return dict(_leaves(plane, "plane", set()))


def without(tenant: str, found: Snapshot) -> Snapshot:
    """What does not mention the tenant; nor the marks by which a store knows again
    what was sent to it twice."""
    return {
        path: leaf
        for path, leaf in found.items()
        if tenant not in path and tenant not in leaf and ".committed" not in path
    }


def _leaves(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    if HIDDEN.search(path) or id(value) in seen:
        return
    inner = _inside(value)
    if inner is None:
        yield path, repr(value)
        return
    if _is_value(value):
        yield path, repr(dict(_all(inner, "", set())))
        return
    if _is_ours(value):
        seen.add(id(value))
    yield from _all(inner, path, seen)


def _all(
    inner: list[tuple[str, Any]], path: str, seen: set[int]
) -> Iterator[tuple[str, str]]:
    for step, item in inner:
        yield from _leaves(item, path + step, seen)


def _inside(value: Any) -> list[tuple[str, Any]] | None:
    """What a value is made of, with the step to each; None for a leaf."""
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", item) for key, item in value.items()]
    if isinstance(value, list | tuple) and not all(map(_is_plain, value)):
        return [(f"[{place}]", item) for place, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [(f"{{{item!r}}}", "") for item in value]
    if _is_ours(value):
        return [(f".{name}", getattr(value, name)) for name in _names(value)]
    return None


def _is_value(value: Any) -> bool:
    """What never changes is told whole: so it is another tenant's, or it is not."""
    parameters = getattr(value, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        return False
    inner = [item for _, item in _inside(value) or ()]
    return all(_is_value(item) for item in inner if _is_ours(item))


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | None)


def _is_ours(value: Any) -> bool:
    is_made_here = type(value).__module__.startswith("chalicelib")
    return is_made_here and not isinstance(value, Enum)


def _names(value: Any) -> list[str]:
    slots = {
        name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())
    }
    there = {name for name in slots if hasattr(value, name)}
    return sorted(there | set(getattr(value, "__dict__", {})))
