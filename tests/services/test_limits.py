"""Limits: what is free, what is counted, what is refused."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.memory_identity import MemoryWindows
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity.limits import (
    BLOCK,
    FREE,
    WINDOW_MS,
    Allowance,
    Ledger,
    LimitReached,
    LimitService,
)
from chalicelib.services.ports import Throttled
from tests.builders import NOW_MS, FakeClock

ALICE = Principal("default", "alice")
SHOP = Principal("default", "shop", Role.SERVER)
LIMIT = 50


@dataclass
class CountedWindows(MemoryWindows):
    """Counts what is asked of it, and fails when it is told to."""

    asked: int = 0
    failure: Exception | None = None

    def __post_init__(self) -> None:
        MemoryWindows.__init__(self)

    def take(self, tenant: str, uid: str, window: int, block: int, limit: int) -> int:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return super().take(tenant, uid, window, block, limit)


@dataclass
class World:
    """Processes that share a count and a clock."""

    windows: CountedWindows = field(default_factory=CountedWindows)
    # At the beginning of a window.
    clock: FakeClock = field(
        default_factory=lambda: FakeClock(NOW_MS - NOW_MS % WINDOW_MS)
    )

    def process(
        self, limit: int = LIMIT, of_server: int = 0, most: int = 100
    ) -> LimitService:
        ledger = Ledger(most=most)
        return LimitService(self.windows, self.clock, limit, of_server, ledger)


def passes(process: LimitService, who: Principal = ALICE) -> bool:
    try:
        process.spend(who)
    except LimitReached:
        return False
    return True


def spent(process: LimitService, tries: int, who: Principal = ALICE) -> int:
    return sum(passes(process, who) for _ in range(tries))


def test_who_changes_little_is_never_counted() -> None:
    world = World()
    assert spent(world.process(), FREE) == FREE
    assert world.windows.asked == 0


def test_who_changes_more_is_counted_by_blocks() -> None:
    world = World()
    process = world.process()
    assert spent(process, FREE + 2 * BLOCK) == FREE + 2 * BLOCK
    assert world.windows.asked == 2


def test_who_changes_too_much_is_refused_until_the_next_window() -> None:
    world = World()
    process = world.process()
    assert spent(process, 500) == FREE + LIMIT
    # Once it is known that nothing is left, nobody is asked again.
    assert world.windows.asked == LIMIT // BLOCK + 1
    world.clock.pass_ms(WINDOW_MS)
    assert spent(process, 500) == FREE + LIMIT


@pytest.mark.parametrize(
    ("passed_ms", "seconds"), [(0, 60), (1, 60), (1_000, 59), (59_001, 1), (59_999, 1)]
)
def test_refusal_says_when_to_come_back(passed_ms: int, seconds: int) -> None:
    world = World()
    process = world.process()
    spent(process, 500)
    world.clock.pass_ms(passed_ms)
    with pytest.raises(LimitReached) as caught:
        process.spend(ALICE)
    assert caught.value.retry_after_seconds == seconds
    world.clock.pass_ms(seconds * 1_000)
    process.spend(ALICE)


def test_others_are_not_held_up() -> None:
    process = World().process()
    spent(process, 500)
    assert not passes(process)
    assert passes(process, Principal("default", "bob"))
    assert passes(process, Principal("acme", "alice"))


@pytest.mark.parametrize("role", [Role.SERVER, Role.ADMIN])
def test_servers_have_a_limit_of_their_own(role: Role) -> None:
    process = World().process(LIMIT, of_server=200)
    assert spent(process, 500, Principal("default", "shop", role)) == FREE + 200


def test_no_limit_is_no_limit() -> None:
    world = World()
    assert spent(world.process(0), 5_000) == 5_000
    assert spent(world.process(LIMIT, of_server=0), 5_000, SHOP) == 5_000
    assert world.windows.asked == 0


def test_limit_that_is_small_is_kept() -> None:
    world = World()
    assert spent(world.process(5), 100) == 10
    assert spent(world.process(5), 100) == 5


def test_limit_that_is_no_whole_number_of_blocks_is_used_up() -> None:
    assert spent(World().process(25), 100) == FREE + 25


def test_request_passes_when_nothing_can_be_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.windows.failure = Throttled("")
    assert spent(world.process(), 200, Principal("default", "u-1")) == 200
    # Not every request waits for what does not answer.
    assert world.windows.asked == (200 - FREE) // BLOCK
    assert "a limit is not kept" in caplog.text
    assert "u-1" not in caplog.text


def test_who_is_forgotten_has_no_free_requests_again() -> None:
    world = World()
    process = world.process(most=2)
    everybody = [Principal("default", f"u{n}") for n in range(3)]
    passed = [0, 0, 0]
    for _ in range(300):
        for place, who in enumerate(everybody):
            passed[place] += passes(process, who)
    assert max(passed) <= FREE + LIMIT
    world.clock.pass_ms(WINDOW_MS)
    assert spent(process, FREE, everybody[0]) == FREE


def test_principals_that_are_told_apart_are_bounded() -> None:
    ledger = Ledger(most=10)
    for number in range(100):
        ledger.spend(("default", str(number)), 1, LIMIT)
        ledger.grant(("default", str(number)), 1, LIMIT, 10)
    assert len(ledger._allowances) == 10


def test_block_of_a_window_that_has_passed_is_lost() -> None:
    ledger = Ledger()
    ledger.spend(("default", "alice"), 2, LIMIT)
    ledger.grant(("default", "alice"), 1, LIMIT, BLOCK)
    assert ledger._allowances["default", "alice"] == Allowance(FREE - 1)


Step = tuple[int, int, int]
"""Which process is asked, how often, and how much time passes after."""


@given(
    limit=st.integers(1, 60),
    processes=st.integers(1, 4),
    most=st.integers(1, 4),
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 40), st.integers(0, 20_000)),
        max_size=40,
    ),
    strangers=st.integers(0, 3),
)
def test_window_never_lets_more_through(
    limit: int, processes: int, most: int, steps: list[Step], strangers: int
) -> None:
    """Than the limit and each process's free ones, however little it remembers."""
    world = World()
    fleet = [world.process(limit, most=most) for _ in range(processes)]
    passed: dict[int, int] = {}
    for place, tries, pause_ms in steps:
        process = fleet[place % processes]
        for number in range(tries):
            window = world.clock.now_ms() // WINDOW_MS
            passed[window] = passed.get(window, 0) + passes(process)
            if strangers:
                passes(process, Principal("default", f"s{number % strangers}"))
        world.clock.pass_ms(pause_ms)
    free = min(FREE, limit)
    assert all(count <= limit + free * processes for count in passed.values())


@given(limit=st.integers(1, 80), processes=st.integers(1, 4))
def test_window_lets_the_whole_limit_through(limit: int, processes: int) -> None:
    world = World()
    fleet = [world.process(limit) for _ in range(processes)]
    passed = sum(spent(process, 200) for process in fleet)
    assert passed == limit + min(FREE, limit) * processes
