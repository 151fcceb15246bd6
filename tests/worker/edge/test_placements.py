"""A memory that is small, and may be lost."""

from mediaworker.edge import placements
from mediaworker.edge.placements import MOST_INVITE_BYTES, Placement, Placements
from tests.worker.edge.stage import CALLER


def placement(worker_id: str = "w1") -> Placement:
    return Placement("base", worker_id, CALLER)


def test_forget_the_call_that_was_asked_for_longest_ago() -> None:
    memory = Placements(most=2)
    memory.keep("a", placement("w1"))
    memory.keep("b", placement("w2"))
    assert memory.find("a") is not None
    memory.keep("c", placement("w3"))
    found = {name: memory.find(name) for name in "abc"}
    assert {name for name, one in found.items() if one} == {"a", "c"}
    assert len(memory) == 2


def test_put_a_newer_placement_in_the_place_of_the_old() -> None:
    memory = Placements()
    memory.keep("a", placement("w1"))
    memory.keep("a", placement("w2"))
    found = memory.find("a")
    assert found is not None and found.worker_id == "w2"
    assert len(memory) == 1


def test_remember_an_invite_of_usual_size_alone() -> None:
    one = placement()
    one.remember(b"x" * MOST_INVITE_BYTES)
    assert one.invite is not None
    one.remember(b"x" * (MOST_INVITE_BYTES + 1))
    assert one.invite is None


def test_give_a_call_to_another_worker() -> None:
    one = placement()
    one.is_answered = True
    one.give_to("w2")
    assert (one.worker_id, one.tried, one.attempt) == ("w2", ("w1",), 1)
    assert not one.is_answered


def test_keep_the_last_names_of_workers() -> None:
    memory = Placements()
    for number in range(placements.MOST_NAMES + 1):
        memory.learn((f"h{number}", 5060), "w1")
    assert memory.named(("h0", 5060)) is None
    assert memory.named((f"h{placements.MOST_NAMES}", 5060)) == "w1"
