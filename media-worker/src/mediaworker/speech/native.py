"""Shared libraries, and what they hand to our functions."""

from typing import Any

import cffi
import numpy as np

from mediaworker.speech.ports import NotInstalled, Samples


def load(ffi: cffi.FFI, name: str) -> Any:
    """The library of that name or path; raises `NotInstalled`."""
    try:
        return ffi.dlopen(name)
    except OSError as error:
        raise NotInstalled(name) from error


def samples_at(ffi: cffi.FFI, pointer: Any, count: int) -> Samples:
    """A copy, for the library keeps what it shows."""
    return np.frombuffer(ffi.buffer(pointer, count * 2), np.int16).copy()
