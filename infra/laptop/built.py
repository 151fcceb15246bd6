"""What the functions have built in this process, for the environment of then."""

import functools
import sys

from chalicelib import bootstrap


def forget_built() -> None:
    """Have everything built anew, by whoever needs it next."""
    of_bootstrap = (bootstrap.__name__, f"{bootstrap.__name__}.")
    for name, module in list(sys.modules.items()):
        if name == of_bootstrap[0] or name.startswith(of_bootstrap[1]):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()
