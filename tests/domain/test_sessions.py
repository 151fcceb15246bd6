"""A session begins once and ends once, however it is told."""

from itertools import permutations

import pytest

from chalicelib.domain.sessions import Session, failure, hear
from chalicelib.protocol.lease import SessionEnded, SessionStarted
from tests.adapters.fleet_contract import ended, started
from tests.builders import NOW_MS


def test_start_then_end_are_told_each_once() -> None:
    begun = hear(None, started())
    assert begun.told == (started(),)
    assert begun.session.is_live
    over = hear(begun.session, ended())
    assert over.told == (ended(),)
    assert over.session == Session(started(), ended())


def test_end_alone_tells_of_the_start_too() -> None:
    decision = hear(None, ended())
    assert decision.told == (started(), ended())
    assert not decision.session.is_live


@pytest.mark.parametrize(
    "facts", list(permutations([started(), started(), ended(), ended()]))
)
def test_every_order_tells_the_same(
    facts: tuple[SessionStarted | SessionEnded, ...],
) -> None:
    session: Session | None = None
    told: list[SessionStarted | SessionEnded] = []
    for fact in facts:
        decision = hear(session, fact)
        session = decision.session
        told += decision.told
    assert told == [started(), ended()]
    assert session == Session(started(), ended())


def test_failure_is_the_system_s_and_never_before_the_start() -> None:
    session = Session(started())
    told = failure(session, NOW_MS - 5)
    assert (told.reason, told.initiator) == ("failed", "system")
    assert told.ended_at_ms == NOW_MS
    assert failure(session, NOW_MS + 5).ended_at_ms == NOW_MS + 5
    over = hear(session, told).session
    assert hear(over, ended()).told == ()
