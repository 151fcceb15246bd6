"""Jobs side by side, waited for so long and no longer."""

import threading

from chalicelib.adapters.fan_out import MOST_THREADS, ThreadFanOut

LONG_MS = 5_000


def test_answers_stand_in_the_order_of_their_jobs() -> None:
    second_ran = threading.Event()

    def first() -> str:
        assert second_ran.wait(5)
        return "first"

    def second() -> str:
        second_ran.set()
        return "second"

    assert ThreadFanOut().spread([first, second], LONG_MS) == ["first", "second"]
    assert ThreadFanOut().spread([], LONG_MS) == []


def test_job_that_fails_is_none_and_stops_no_other() -> None:
    def failing() -> str:
        raise RuntimeError("ours")

    assert ThreadFanOut().spread([failing, lambda: "other"], LONG_MS) == [None, "other"]


def test_job_that_is_late_is_not_waited_for_nor_begun_any_more() -> None:
    is_over, begun = threading.Event(), threading.Event()

    def slow() -> bool:
        return is_over.wait(5)

    def begin() -> bool:
        begun.set()
        return True

    jobs = [slow] * MOST_THREADS
    answers = ThreadFanOut().spread([*jobs, begin], 20)
    is_over.set()
    assert answers == [None] * (MOST_THREADS + 1)
    assert ThreadFanOut().spread([lambda: "next"], LONG_MS) == ["next"]
    assert not begun.is_set()
