"""Finding a function's code by its handler string, as Lambda does."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice
from chalice.local import LocalChalice

Handler = Callable[[Any, Any], Any]


class HandlerMissing(Exception):
    """The handler string names nothing that can be imported and called."""


def load(handler: str) -> Handler:
    """The callable that ``module.attribute`` names."""
    module_name, _, attribute = handler.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:
        raise HandlerMissing(f"{handler}: {error}") from error
    if not callable(found):
        raise HandlerMissing(f"{handler} cannot be called")
    _separate_requests()
    return found  # type: ignore[no-any-return]


def _separate_requests() -> None:
    """Give every thread its own ``current_request``.

    Chalice keeps it on the application, which is right in Lambda, where one
    process serves one request at a time, and wrong here.
    """
    module = sys.modules.get("app")
    for value in list(vars(module).values()) if module else []:
        if isinstance(value, Chalice) and not isinstance(value, LocalChalice):
            vars(value).pop("current_request", None)
            value.__class__ = LocalChalice
