"""Threads that take turns: one runs at a time, and a test chooses which."""

import threading
from collections.abc import Callable, Sequence


class Crashed(BaseException):
    """The process of a client ended here; not an Exception, for nobody catches it."""


class Interleaving:
    """Runs tasks until all have ended, switching wherever one says `pause`."""

    def __init__(self, choose: Callable[[int], int]) -> None:
        """``choose(n)`` returns which of ``n`` tasks that can run goes next."""
        self._choose = choose
        self._turn = threading.local()
        self._back = threading.Semaphore(0)
        self._failures: list[BaseException] = []

    def pause(self) -> None:
        """Let another task run, if the test wants it so; free outside of `run`."""
        mine: threading.Semaphore | None = getattr(self._turn, "mine", None)
        if mine is not None:
            self._back.release()
            mine.acquire()

    def run(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Raises the first failure of a task; one that crashed has just ended."""
        turns = [threading.Semaphore(0) for _ in tasks]
        threads = [
            threading.Thread(target=self._begin, args=(task, turn))
            for task, turn in zip(tasks, turns, strict=True)
        ]
        for thread in threads:
            thread.start()
        waiting = list(zip(threads, turns, strict=True))
        while waiting:
            place = self._pick([thread for thread, _ in waiting])
            thread, turn = waiting[place]
            turn.release()
            self._back.acquire()
            if getattr(thread, "has_ended", False):
                thread.join()
                waiting.pop(place)
        if self._failures:
            raise self._failures[0]

    def _pick(self, threads: Sequence[threading.Thread]) -> int:
        return self._choose(len(threads)) if len(threads) > 1 else 0

    def _begin(self, task: Callable[[], None], turn: threading.Semaphore) -> None:
        self._turn.mine = turn
        turn.acquire()
        try:
            task()
        except Crashed:
            pass
        except BaseException as failure:
            self._failures.append(failure)
        finally:
            threading.current_thread().has_ended = True  # type: ignore[attr-defined]
            self._back.release()
