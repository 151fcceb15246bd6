"""Room for sockets, made before there is a tick that would have to wait for it.

Linux enlarges a process's table of descriptors as numbers are used, and lets the thread
that needs the larger one wait until every processor has seen it: 90 ms were measured
at the 64th descriptor.
"""

import fcntl
import os
import resource

FEWEST = 1_024


def reserve(count: int) -> int:
    """Allow as many descriptors, or as many as may be, and make the table that long.

    Returns how many there may be.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(count, FEWEST, soft)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    with open(os.devnull, "rb") as anything:
        os.close(fcntl.fcntl(anything.fileno(), fcntl.F_DUPFD, min(count, allowed) - 1))
    return allowed
