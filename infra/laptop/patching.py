"""Replacing what belongs to somebody else for as long as it is needed."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_ABSENT = object()


@contextmanager
def replaced(owner: object, name: str, value: Any) -> Iterator[None]:
    """Within the block ``owner.name`` is ``value``; after it, what it was."""
    before = vars(owner).get(name, _ABSENT)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


@contextmanager
def environment_replaced(environment: Mapping[str, str]) -> Iterator[None]:
    """Within the block the process's environment is ``environment`` and no more."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
