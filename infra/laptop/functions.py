"""Parley's Lambda functions, run by this process."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from infra.laptop.handlers import Handler, HandlerMissing, load
from infra.laptop.observation import RUNNING_FUNCTION, Invocation, Observer
from infra.laptop.outstanding import Outstanding
from infra.laptop.runtime import Answer, Context, failure, run
from infra.laptop.timers import Timers
from infra.parts import Function

logger = logging.getLogger(__name__)

MOST_THREADS = 16
"""Asynchronous runs of one function at a time; none can starve another function."""

ASYNCHRONOUS_RETRIES = 2
"""Lambda tries a failed asynchronous invocation this often again, and no rule or
caller can make it more."""


COLD_START_SECONDS = 2.0
"""How long other runs of a function let its first one build what all of them use."""


@dataclass(frozen=True, slots=True)
class _AsynchronousRun:
    function: str
    payload: bytes
    retries: int
    on_exhausted: Callable[[Answer], None]


class Functions:
    """Runs handlers in the caller's thread or, asynchronously, in a pool for each."""

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        handlers: Mapping[str, Handler],
        observe: Observer,
        timers: Timers,
        outstanding: Outstanding,
        retry_seconds: float,
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._handlers = dict(handlers)
        self._observe = observe
        self._timers = timers
        self._outstanding = outstanding
        self._retry_seconds = retry_seconds
        self._started: dict[str, threading.Event] = {}
        self._pools = {
            function.name: ThreadPoolExecutor(
                min(function.reserved_concurrency or MOST_THREADS, MOST_THREADS),
                thread_name_prefix=function.name,
            )
            for function in self._functions.values()
        }

    def load(self) -> None:
        """Import every handler now; a missing one is told, and fails its calls."""
        for function in self._functions.values():
            try:
                self._handler(function)
            except HandlerMissing as missing:
                logger.warning("no handler", extra={"reason": str(missing)})

    def invoke(self, name: str, payload: bytes) -> Answer:
        """Run the function to its end, in this thread."""
        function = self._functions[name]
        request_id = str(uuid.uuid4())
        self._let_one_start(name)
        began = time.perf_counter()
        answer = self._run(function, payload, request_id)
        self._started[name].set()
        self._observe(
            Invocation(
                function=name,
                request_id=request_id,
                seconds=time.perf_counter() - began,
                error=answer.error,
                payload_bytes=len(payload),
                answer_bytes=len(answer.payload),
            )
        )
        return answer

    def _let_one_start(self, name: str) -> None:
        """Lambda gives every run a process; here many would build the same at once."""
        first = threading.Event()
        started = self._started.setdefault(name, first)
        if started is not first:
            started.wait(COLD_START_SECONDS)

    def submit(
        self,
        name: str,
        payload: bytes,
        *,
        retries: int = ASYNCHRONOUS_RETRIES,
        on_exhausted: Callable[[Answer], None] = lambda answer: None,
    ) -> None:
        """Run the function soon; ``on_exhausted`` hears of the last failure."""
        retries = min(retries, ASYNCHRONOUS_RETRIES)
        self._outstanding.began()
        self._queue(_AsynchronousRun(name, payload, retries, on_exhausted))

    def stop(self, timeout_seconds: float) -> None:
        """Drop what is queued, and wait a little for what runs."""
        ends_at = time.monotonic() + timeout_seconds
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            for thread in pool._threads:
                thread.join(max(0.0, ends_at - time.monotonic()))
                if thread.is_alive():
                    logger.warning("still running", extra={"running": thread.name})

    def _run(self, function: Function, payload: bytes, request_id: str) -> Answer:
        context = Context(
            function_name=function.name,
            memory_limit_in_mb=function.memory_mb,
            aws_request_id=request_id,
            ends_at=time.monotonic() + function.timeout_seconds,
        )
        token = RUNNING_FUNCTION.set(function.name)
        try:
            answer = run(self._handler(function), payload, context)
        except HandlerMissing as missing:
            answer = failure("Runtime.ImportModuleError", str(missing))
        finally:
            RUNNING_FUNCTION.reset(token)
        if answer.error:
            _tell_failure(function.name, answer)
        return answer

    def _handler(self, function: Function) -> Handler:
        if function.name not in self._handlers:
            self._handlers[function.name] = load(function.handler)
        return self._handlers[function.name]

    def _queue(self, wanted: _AsynchronousRun) -> None:
        try:
            self._pools[wanted.function].submit(self._attempt, wanted)
        except RuntimeError:
            logger.info("dropped at the stop", extra={"function": wanted.function})
            self._outstanding.ended()

    def _attempt(self, wanted: _AsynchronousRun) -> None:
        answer = self.invoke(wanted.function, wanted.payload)
        if answer.error and wanted.retries:
            again = replace(wanted, retries=wanted.retries - 1)
            wait = self._retry_seconds * (ASYNCHRONOUS_RETRIES - again.retries)
            self._timers.after(wait, lambda: self._queue(again))
            return
        try:
            if answer.error:
                wanted.on_exhausted(answer)
        except Exception:
            logger.exception("a failure could not be kept")
        finally:
            self._outstanding.ended()


def _tell_failure(name: str, answer: Answer) -> None:
    """Why, in a line; where in the code, for who wants to know it all."""
    told = json.loads(answer.payload)
    reason = told.get("errorMessage") if isinstance(told, dict) else None
    logger.warning(
        "function failed",
        extra={"function": name, "error": answer.error, "reason": reason},
    )
    logger.debug("failure", extra={"answer": answer.payload.decode()})
