"""What must become of requests that come again, wherever answers are kept."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from chalicelib.services.calls import CommandReused
from chalicelib.services.repetition import (
    KEPT_MS,
    RUNNING_MS,
    Repetitions,
    Reply,
    StillRunning,
)
from tests.builders import FakeClock


@dataclass
class Work:
    """Something that may be done once; answers how often it was."""

    status: int = 200
    is_final: bool = True
    meanwhile: Callable[[], None] = lambda: None
    """What happens while it is done."""
    done: list[int] = field(default_factory=list)

    def __call__(self) -> Reply:
        self.done.append(len(self.done) + 1)
        self.meanwhile()
        return Reply(self.status, f'{{"done": {self.done[-1]}}}', self.is_final)


class RepetitionsContract:
    """Subclasses give fixtures ``repetitions``, empty, and the ``clock`` of it."""

    def test_first_is_done_and_the_others_get_its_answer(
        self, repetitions: Repetitions
    ) -> None:
        work = Work(status=201)
        first = repetitions.once("k", "f", work)
        assert first == Reply(201, '{"done": 1}')
        for _ in range(2):
            again = repetitions.once("k", "f", work)
            assert again == Reply(201, '{"done": 1}', is_repeated=True)
        assert work.done == [1]

    def test_answer_without_a_body_is_one(self, repetitions: Repetitions) -> None:
        repetitions.once("k", "f", lambda: Reply(204, ""))
        again = repetitions.once("k", "f", Work())
        assert again == Reply(204, "", is_repeated=True)

    def test_keys_do_not_know_each_other(self, repetitions: Repetitions) -> None:
        work = Work()
        for key in ("k", "K", "k#", "ключ", "x" * 1_000):
            assert not repetitions.once(key, "f", work).is_repeated
        assert len(work.done) == 5

    def test_key_of_another_request_is_refused(self, repetitions: Repetitions) -> None:
        work = Work()
        repetitions.once("k", "f", work)
        with pytest.raises(CommandReused):
            repetitions.once("k", "g", work)
        assert work.done == [1]
        assert repetitions.once("k", "f", work).is_repeated

    def test_second_is_refused_while_the_first_runs(
        self, repetitions: Repetitions
    ) -> None:
        second = Work()

        def meanwhile() -> None:
            with pytest.raises(StillRunning):
                repetitions.once("k", "f", second)
            with pytest.raises(CommandReused):
                repetitions.once("k", "g", second)

        assert not repetitions.once("k", "f", Work(meanwhile=meanwhile)).is_repeated
        assert second.done == []

    def test_answer_that_is_not_final_is_forgotten(
        self, repetitions: Repetitions
    ) -> None:
        busy = Work(status=503, is_final=False)
        assert repetitions.once("k", "f", busy).status == 503
        work = Work()
        assert repetitions.once("k", "g", work) == Reply(200, '{"done": 1}')

    def test_exception_is_forgotten(self, repetitions: Repetitions) -> None:
        def fail() -> Reply:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            repetitions.once("k", "f", fail)
        assert not repetitions.once("k", "f", Work()).is_repeated

    def test_answer_is_kept_for_a_day(
        self, repetitions: Repetitions, clock: FakeClock
    ) -> None:
        work = Work()
        repetitions.once("k", "f", work)
        clock.pass_ms(KEPT_MS - 1)
        assert repetitions.once("k", "f", work).is_repeated
        clock.pass_ms(1)
        assert not repetitions.once("k", "g", work).is_repeated

    def test_who_takes_too_long_is_taken_for_dead(
        self, repetitions: Repetitions, clock: FakeClock
    ) -> None:
        """And has no say any more when it comes back."""
        second = Work(status=202)

        def meanwhile() -> None:
            clock.pass_ms(RUNNING_MS)
            assert repetitions.once("k", "f", second).status == 202

        for is_final in (True, False):
            second.done.clear()
            first = Work(is_final=is_final, meanwhile=meanwhile)
            assert repetitions.once("k", "f", first).status == 200
            assert repetitions.once("k", "f", first).status == 202
            assert (len(first.done), len(second.done)) == (1, 1)
            clock.pass_ms(KEPT_MS)
