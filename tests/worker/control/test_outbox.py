"""Facts keep their order, and none is lost that there is room for."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chalicelib.protocol.fleet import MOST_FACTS
from chalicelib.protocol.lease import Fact
from mediaworker.control.outbox import LONGEST_WAIT_SECONDS, Outbox
from tests.worker.control.builders import ended, started


def test_send_the_oldest_first_a_batch_at_a_time() -> None:
    outbox = Outbox()
    assert outbox.wait_seconds(0.0) is None
    for number in range(MOST_FACTS + 1):
        outbox.add(started(number))
    assert outbox.wait_seconds(0.0) == 0.0
    batch = outbox.take_batch()
    assert batch == tuple(started(number) for number in range(MOST_FACTS))
    assert outbox.wait_seconds(0.0) is None
    outbox.taken()
    assert outbox.take_batch() == (started(MOST_FACTS),)
    outbox.taken()
    assert len(outbox) == 0


def test_wait_longer_after_each_failure_but_not_for_ever() -> None:
    outbox = Outbox()
    outbox.add(started(1))
    waits = []
    for _ in range(30):
        outbox.take_batch()
        outbox.failed(100.0, 1.0)
        waits.append(outbox.wait_seconds(100.0))
    assert waits[:3] == [0.25, 0.5, 1.0]
    assert waits[-1] == LONGEST_WAIT_SECONDS
    assert outbox.wait_seconds(200.0) == 0.0
    outbox.take_batch()
    outbox.failed(100.0, 0.0)
    assert outbox.wait_seconds(100.0) == LONGEST_WAIT_SECONDS / 2


def test_go_on_without_the_one_that_is_never_taken() -> None:
    outbox = Outbox()
    for number in range(8):
        outbox.add(started(number))
    taken: list[Fact] = []
    for _ in range(40):
        if outbox.wait_seconds(0.0) is None:
            break
        batch = outbox.take_batch()
        if started(5) in batch:
            outbox.refused()
        else:
            taken += batch
            outbox.taken()
    assert taken == [started(number) for number in range(8) if number != 5]
    assert outbox.dropped == 1


def test_forget_starts_sooner_than_ends() -> None:
    outbox = Outbox(most=3)
    for fact in (ended(1), started(2), ended(3), ended(4)):
        outbox.add(fact)
    assert outbox.take_batch() == (ended(1), ended(3), ended(4))
    outbox.failed(0.0, 0.0)
    outbox.add(ended(5))
    assert outbox.take_batch() == (ended(3), ended(4), ended(5))
    assert outbox.dropped == 2


def test_never_forget_what_is_on_its_way() -> None:
    outbox = Outbox(most=2)
    outbox.add(started(1))
    assert outbox.take_batch() == (started(1),)
    outbox.add(started(2))
    outbox.add(started(3))
    outbox.taken()
    assert outbox.take_batch() == (started(3),)


class Posting(RuleBasedStateMachine):
    """Against answers of every kind, each fact is taken once, and in order."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.told: list[Fact] = []
        self.taken: list[Fact] = []
        self.batch: tuple[Fact, ...] = ()
        self.now = 0.0

    @rule(is_end=st.booleans())
    def tell(self, is_end: bool) -> None:
        number = len(self.told)
        fact: Fact = ended(number) if is_end else started(number)
        self.outbox.add(fact)
        self.told.append(fact)

    @precondition(lambda self: not self.batch)
    @rule()
    def post(self) -> None:
        wait = self.outbox.wait_seconds(self.now)
        if wait is not None:
            self.now += wait
            self.batch = self.outbox.take_batch()

    @precondition(lambda self: self.batch)
    @rule(is_taken=st.booleans(), share=st.floats(0, 1))
    def answer(self, is_taken: bool, share: float) -> None:
        if is_taken:
            self.outbox.taken()
            self.taken += self.batch
        else:
            self.outbox.failed(self.now, share)
        self.batch = ()

    @invariant()
    def keeps_their_order(self) -> None:
        assert self.taken == self.told[: len(self.taken)]
        assert len(self.outbox) == len(self.told) - len(self.taken)


TestPosting = Posting.TestCase
TestPosting.settings = settings(max_examples=50, stateful_step_count=30)


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 8))
def test_stay_within_bounds(ends: list[bool], most: int) -> None:
    outbox = Outbox(most=most)
    for number, is_end in enumerate(ends):
        outbox.add(ended(number) if is_end else started(number))
        assert len(outbox) <= most
    assert outbox.dropped == max(0, len(ends) - most)
