"""A call's story is for its parties and for administrators, and for nobody else."""

from collections.abc import Mapping

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_delivery import MemoryLanes
from chalicelib.domain.commands import Join, Leave
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from chalicelib.services import ports
from chalicelib.services.calls import Attempt, CallService
from chalicelib.services.timeline import NoSuchCall, TimelineService
from chalicelib.services.webhooks import lanes
from tests.builders import NOW_MS, FakeClock, FakeDraws, create

POST = lanes.Attempt("101-1", "participant.invited", 1, 1, NOW_MS, 40, 200)


class NotedLanes(MemoryLanes):
    """Has one attempt to tell of, but is throttled at first."""

    is_throttled = True

    def attempts_of(
        self, tenant: str, call_id: str
    ) -> Mapping[str, tuple[lanes.Attempt, ...]]:
        if self.is_throttled:
            self.is_throttled = False
            raise ports.Throttled()
        return {"ep_1": (POST,)}


@pytest.fixture
def service() -> TimelineService:
    store, clock, draws = Store(), FakeClock(), FakeDraws()
    repository = MemoryCalls(store)
    calls = CallService(repository, clock, draws)
    calls.create(create("alice", "bob"), Attempt("create", "f"))
    calls.execute("default", "call-1", Join("bob"), Attempt("join", "f"))
    calls.execute("default", "call-1", Leave("bob"), Attempt("leave", "f"))
    return TimelineService(calls, repository, NotedLanes(store), clock, draws)


@pytest.mark.parametrize("uid", ["alice", "bob"])
def test_party_sees_what_happened_but_not_where_it_was_posted(
    service: TimelineService, uid: str
) -> None:
    timeline = service.timeline(Principal("default", uid), "call-1")
    assert timeline.call.id == "call-1"
    numbers = [event.seq for event in timeline.events]
    assert numbers == list(range(1, len(numbers) + 1))
    assert timeline.events[-1].type == "room.finished"
    assert timeline.attempts == {}


def test_administrator_sees_posts_too(service: TimelineService) -> None:
    admin = Principal("default", "root", Role.ADMIN)
    assert service.timeline(admin, "call-1").attempts == {"ep_1": (POST,)}


@pytest.mark.parametrize(
    "principal",
    [
        Principal("default", "mallory"),
        Principal("default", "server", Role.SERVER),
        Principal("other", "alice"),
        Principal("other", "root", Role.ADMIN),
    ],
)
def test_call_is_not_there_for_others(
    service: TimelineService, principal: Principal
) -> None:
    with pytest.raises(NoSuchCall):
        service.timeline(principal, "call-1")
    with pytest.raises(NoSuchCall):
        service.call(principal, "call-1")


def test_call_that_never_was_is_not_there(service: TimelineService) -> None:
    with pytest.raises(NoSuchCall):
        service.call(Principal("default", "root", Role.ADMIN), "call-2")
