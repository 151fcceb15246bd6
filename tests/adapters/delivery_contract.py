"""What every keeper of lanes, of endpoints' health and of failures must do."""

from dataclasses import replace

from chalicelib.domain.endpoints import Disabled, Health
from chalicelib.services.webhooks.lanes import (
    MOST_LOGGED,
    Attempt,
    Lane,
    LaneKey,
    LaneRepository,
    Progress,
)
from chalicelib.services.webhooks.ports import (
    EndpointRepository,
    Failure,
    FailureLog,
    HealthRepository,
)
from tests.builders import NOW_MS

KEY = LaneKey("default", "call-1", "endpoint-1")
TAKEN = Attempt("101-1", "room.started", 1, 1, NOW_MS, 12, 200)
REFUSED = Attempt("101-2", "participant.joined", 2, 1, NOW_MS + 1, 30, 500)
UNHEARD = Attempt("101-2", "participant.joined", 2, 2, NOW_MS + 2, 9, None, "Timeout")


class LaneRepositoryContract:
    """Subclasses give a fixture ``lanes`` with an empty repository."""

    def test_lease_begins_at_the_first_event(self, lanes: LaneRepository) -> None:
        lane = lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, "mine")
        assert lane is not None
        assert (lane.key, lane.next_seq, lane.lease) == (KEY, 1, "mine")

    def test_progress_is_how_far_the_lane_has_come(self, lanes: LaneRepository) -> None:
        assert lanes.progress(KEY) == Progress(1, 0)
        lane = lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, "mine")
        assert lane is not None
        assert lanes.progress(KEY) == Progress(1, NOW_MS + 1000)
        lanes.settle(lane, 4, ())
        assert lanes.progress(KEY) == Progress(4, 0)

    def test_lease_of_a_held_lane_is_refused(self, lanes: LaneRepository) -> None:
        assert lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, "mine")
        assert lanes.lease(KEY, 2, NOW_MS + 999, NOW_MS + 2000, "yours") is None

    def test_lease_that_ran_out_goes_to_another(self, lanes: LaneRepository) -> None:
        mine = lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, "mine")
        yours = lanes.lease(KEY, 1, NOW_MS + 1000, NOW_MS + 2000, "yours")
        assert mine is not None and yours is not None
        assert lanes.settle(mine, 5, ()) is None
        assert lanes.settle(yours, 2, ()) is None
        again = lanes.lease(KEY, 2, NOW_MS + 1001, NOW_MS + 3000, "again")
        assert again is not None and again.next_seq == 2

    def test_lease_for_an_event_behind_the_lane_is_needless(
        self, lanes: LaneRepository
    ) -> None:
        lane = lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, "mine")
        assert lane is not None
        assert lanes.settle(lane, 3, ()) is None
        assert lanes.lease(KEY, 2, NOW_MS, NOW_MS + 1000, "late") is None
        assert lanes.lease(KEY, 3, NOW_MS, NOW_MS + 1000, "next") is not None

    def test_settle_of_a_lane_that_was_rung_keeps_it(
        self, lanes: LaneRepository
    ) -> None:
        lane = lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, "mine")
        assert lane is not None
        assert lanes.lease(KEY, 2, NOW_MS, NOW_MS + 1000, "yours") is None
        kept = lanes.settle(lane, 2, ())
        assert kept is not None and kept.next_seq == 2 and kept.lease == "mine"
        assert lanes.settle(kept, 3, ()) is None
        assert lanes.lease(KEY, 3, NOW_MS, NOW_MS + 1000, "next") is not None

    def test_lanes_of_endpoints_and_calls_are_apart(
        self, lanes: LaneRepository
    ) -> None:
        assert lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, "a")
        for other in (
            replace(KEY, endpoint_id="endpoint-2"),
            replace(KEY, call_id="call-2"),
            replace(KEY, tenant="other"),
        ):
            assert lanes.lease(other, 1, NOW_MS, NOW_MS + 1000, "b")

    def lane(self, lanes: LaneRepository, lease: str = "mine") -> Lane:
        lane = lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, lease)
        assert lane is not None
        return lane

    def test_settle_keeps_what_is_uncounted(self, lanes: LaneRepository) -> None:
        lane = self.lane(lanes)
        assert lane.uncounted == 0
        lanes.settle(replace(lane, uncounted=3), 2, ())
        again = lanes.lease(KEY, 2, NOW_MS, NOW_MS + 1000, "again")
        assert again is not None and again.uncounted == 3

    def test_attempts_are_kept_with_the_lane_in_their_order(
        self, lanes: LaneRepository
    ) -> None:
        lane = self.lane(lanes)
        assert lanes.attempts_of("default", "call-1") == {"endpoint-1": ()}
        assert lanes.lease(KEY, 2, NOW_MS, NOW_MS + 1000, "yours") is None
        kept = lanes.settle(lane, 2, (TAKEN,))
        assert kept is not None and kept.logged == 1
        assert lanes.park(kept, 2, NOW_MS + 5000, (REFUSED,))
        lanes.note(KEY, (UNHEARD,))
        other = replace(KEY, endpoint_id="endpoint-2")
        lanes.note(other, (TAKEN,))
        lanes.note(replace(KEY, call_id="call-2"), (TAKEN,))
        assert lanes.attempts_of("default", "call-1") == {
            "endpoint-1": (TAKEN, REFUSED, UNHEARD),
            "endpoint-2": (TAKEN,),
        }
        assert lanes.attempts_of("acme", "call-1") == {}
        resumed = lanes.resume(KEY, "mine", NOW_MS + 9000)
        assert resumed is not None and resumed.logged == 3

    def test_attempts_do_not_grow_without_end(self, lanes: LaneRepository) -> None:
        lane = self.lane(lanes)
        lanes.note(KEY, (TAKEN,) * MOST_LOGGED)
        lanes.note(KEY, (REFUSED,))
        assert lanes.settle(replace(lane, logged=MOST_LOGGED), 3, (REFUSED,)) is None
        made = lanes.attempts_of("default", "call-1")["endpoint-1"]
        assert len(made) == MOST_LOGGED and REFUSED not in made
        assert lanes.progress(KEY).next_seq == 3

    def test_parked_lane_is_held_until_its_time(self, lanes: LaneRepository) -> None:
        lane = self.lane(lanes)
        assert lanes.park(lane, 2, NOW_MS + 60_000, ())
        assert lanes.progress(KEY) == Progress(2, NOW_MS + 60_000)
        assert lanes.lease(KEY, 3, NOW_MS + 59_999, NOW_MS + 90_000, "ring") is None
        taken = lanes.lease(KEY, 3, NOW_MS + 60_000, NOW_MS + 90_000, "ring")
        assert taken is not None and taken.next_seq == 2
        assert lanes.resume(KEY, "mine", NOW_MS + 90_000) is None

    def test_parked_lane_is_resumed_by_its_lease_as_often_as_asked(
        self, lanes: LaneRepository
    ) -> None:
        assert lanes.park(self.lane(lanes), 2, NOW_MS + 60_000, ())
        assert lanes.lease(KEY, 3, NOW_MS, NOW_MS + 1000, "ring") is None
        assert lanes.resume(KEY, "yours", NOW_MS + 90_000) is None
        assert lanes.resume(KEY, "mine", NOW_MS + 90_000) is not None
        lane = lanes.resume(KEY, "mine", NOW_MS + 95_000)
        assert lane is not None and (lane.next_seq, lane.lease) == (2, "mine")
        assert lanes.progress(KEY).held_until_ms == NOW_MS + 95_000
        # It has heard the ring: it looks after it was resumed.
        assert lanes.settle(lane, 4, ()) is None
        assert lanes.resume(KEY, "mine", NOW_MS + 99_000) is None

    def test_park_of_a_lane_that_was_let_go_of_does_nothing(
        self, lanes: LaneRepository
    ) -> None:
        lane = self.lane(lanes)
        lanes.settle(lane, 5, ())
        assert not lanes.park(lane, 2, NOW_MS + 60_000, (TAKEN,))
        assert lanes.progress(KEY) == Progress(5, 0)
        assert lanes.lease(KEY, 5, NOW_MS, NOW_MS + 1000, "yours")
        assert not lanes.park(lane, 2, NOW_MS + 60_000, ())
        assert lanes.resume(replace(KEY, call_id="none"), "mine", NOW_MS) is None


class HealthRepositoryContract:
    """Subclasses give fixtures ``health`` and ``endpoints`` that are one store's; the
    tenant ``default`` has an endpoint ``shop`` there."""

    FAILING = Health(3, NOW_MS, NOW_MS + 1, NOW_MS + 2)
    GONE = Health(disabled=Disabled.GONE, disabled_at_ms=NOW_MS)

    def now(self, endpoints: EndpointRepository) -> Health:
        (standing,) = endpoints.of_tenant("default")
        assert endpoints.find("default", "shop") == standing
        return standing.health

    def test_keep_is_seen_with_the_endpoint(
        self, health: HealthRepository, endpoints: EndpointRepository
    ) -> None:
        assert self.now(endpoints) == Health()
        assert health.keep("default", "shop", Health(), self.FAILING)
        kept = replace(self.FAILING, version=1)
        assert self.now(endpoints) == kept
        assert health.keep("default", "shop", kept, self.GONE)
        assert self.now(endpoints) == replace(self.GONE, version=2)

    def test_keep_of_who_comes_second_is_refused(
        self, health: HealthRepository, endpoints: EndpointRepository
    ) -> None:
        assert health.keep("default", "shop", Health(), self.FAILING)
        assert not health.keep("default", "shop", Health(), self.GONE)
        first = replace(self.FAILING, version=1)
        assert health.keep("default", "shop", first, Health())
        assert not health.keep("default", "shop", first, self.GONE)
        assert self.now(endpoints) == Health(version=2)

    def test_slot_is_one_holders_until_it_is_freed_or_runs_out(
        self, health: HealthRepository
    ) -> None:
        def takes(slot: int, holder: str, now_ms: int) -> bool:
            until_ms = now_ms + 1000
            return health.take_slot("default", "shop", slot, holder, now_ms, until_ms)

        assert takes(0, "a", NOW_MS)
        assert not takes(0, "b", NOW_MS + 999)
        assert takes(1, "b", NOW_MS)
        health.free_slot("default", "shop", 0, "b")
        assert not takes(0, "c", NOW_MS + 1)
        health.free_slot("default", "shop", 0, "a")
        assert takes(0, "c", NOW_MS + 1)
        assert takes(1, "d", NOW_MS + 1000)
        health.free_slot("default", "shop", 1, "b")
        assert not takes(1, "e", NOW_MS + 1001)
        health.free_slot("default", "shop", 9, "nobody")


class FailureLogContract:
    """Subclasses give a fixture ``failures`` with an empty log."""

    def marks(
        self, failures: FailureLog, before: str = "", limit: int = 9
    ) -> list[str]:
        page = failures.page("default", "shop", before, limit)
        return [failure.mark for failure in page]

    def test_page_begins_with_the_newest(self, failures: FailureLog) -> None:
        failures.add("default", "shop", "call-1", (REFUSED, UNHEARD), True)
        failures.add("default", "bank", "call-1", (REFUSED,), False)
        assert failures.page("default", "shop", "", 9) == (
            Failure("call-1", UNHEARD, True),
            Failure("call-1", REFUSED, False),
        )
        assert failures.page("acme", "shop", "", 9) == ()

    def test_page_goes_on_before_the_mark(self, failures: FailureLog) -> None:
        attempts = tuple(
            replace(REFUSED, number=number, at_ms=NOW_MS + number)
            for number in range(1, 6)
        )
        failures.add("default", "shop", "call-1", attempts, False)
        failures.add("default", "shop", "call-1", attempts, False)
        first = self.marks(failures, limit=2)
        rest = self.marks(failures, before=first[-1])
        assert len(first) == 2 and len(rest) == 3
        assert sorted((*first, *rest), reverse=True) == [*first, *rest]

    def test_forget_drops_what_is_older(self, failures: FailureLog) -> None:
        failures.add("default", "shop", "call-1", (REFUSED, UNHEARD), False)
        failures.add("default", "bank", "call-1", (REFUSED,), False)
        failures.forget_before("default", "shop", UNHEARD.at_ms)
        assert len(self.marks(failures)) == 1
        assert len(failures.page("default", "bank", "", 9)) == 1
