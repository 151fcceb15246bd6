"""Threads for what is done side by side, and not waited for longer than it may take."""

import functools
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

log = logging.getLogger(__name__)

_T = TypeVar("_T")

MOST_THREADS = 16


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="fan-out")


class ThreadFanOut:
    """A `FanOut`, over the threads that all of them in a process share."""

    def spread(
        self, jobs: Sequence[Callable[[], _T]], within_ms: int
    ) -> list[_T | None]:
        futures = [_threads().submit(job) for job in jobs]
        done, late = wait(futures, within_ms / 1000)
        for future in late:
            future.cancel()
        if late:
            log.info("not in time", extra={"jobs": len(jobs), "late": len(late)})
        return [_result(future) if future in done else None for future in futures]


def _result(future: "Future[_T]") -> _T | None:
    error = future.exception()
    if error is None:
        return future.result()
    log.warning("a job failed", extra={"error": type(error).__name__})
    return None
