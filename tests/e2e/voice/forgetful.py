"""``python -m tests.e2e.voice.forgetful``: the worker in earnest, but that it remembers
calls for less than half as long as SIP has it, so that nobody waits for that."""

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mediaworker.__main__ import main
from mediaworker.sip import endpoint
from mediaworker.sip.timers import Timers

T1_SECONDS = 0.2
"""What is forgotten is so after 64 of them; 0.5 is RFC 3261's."""


@contextmanager
def forgetful() -> Iterator[None]:
    """Endpoints that are made within the block are."""
    with pytest.MonkeyPatch.context() as patch:
        hasty = functools.partial(Timers, t1=T1_SECONDS)
        patch.setattr(endpoint, "Timers", hasty)
        yield


if __name__ == "__main__":
    with forgetful():
        sys.exit(main(sys.argv[1:]))
