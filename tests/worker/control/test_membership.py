"""What a worker makes of the control plane's answers; no network, no clock."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from chalicelib.protocol.fleet import Heartbeat
from chalicelib.protocol.lease import Drain, EndSession, Lease, Sight, Witness
from mediaworker.control import membership as module
from mediaworker.control.membership import (
    EXPIRY_SECONDS,
    CarryOut,
    Me,
    Membership,
    Probe,
    Standing,
    TellDone,
)

ME = Me("w1", 7, "10.0.0.1:8080", "ws://10.0.0.1:8080", 250, "task-1")


def end(command_id: str) -> EndSession:
    return EndSession("s1", "bySystem", "system", command_id)


def suspect(worker_id: str) -> Lease:
    return Lease(worker_id, 3, "10.0.0.2:80", "ws://10.0.0.2", 1, 250, False, 5)


def test_say_how_it_is() -> None:
    lease = Membership(ME).lease(Standing(3, True), 99)
    assert (lease.worker_id, lease.epoch, lease.task_id) == ("w1", 7, "task-1")
    assert (lease.sessions, lease.capacity, lease.is_draining) == (3, 250, True)
    assert lease.renewed_at_ms == 99
    assert Lease.parse(lease.render()) == lease


def test_take_sessions_only_while_the_lease_is_young() -> None:
    member = Membership(ME)
    assert not member.may_take_sessions(0.0)
    assert member.lease_age(0.0) is None
    member.renewed(Heartbeat(), 1.0)
    assert member.may_take_sessions(1.0 + EXPIRY_SECONDS - 0.01)
    assert not member.may_take_sessions(1.0 + EXPIRY_SECONDS)
    member.renewed(Heartbeat(), 20.0)
    member.renewed(Heartbeat(), 2.0)
    assert member.lease_age(21.0) == 1.0


def test_carry_out_an_order_once_and_say_so_each_time() -> None:
    member = Membership(ME)
    heartbeat = Heartbeat(orders=(end("c1"),))
    assert member.renewed(heartbeat, 1.0) == (CarryOut(end("c1")), TellDone("c1"))
    member.carried_out(end("c1"), False)
    assert member.renewed(heartbeat, 2.0) == (TellDone("c1"),)
    assert not member.is_new(end("c1"))
    assert not member.outcome(end("c1"))


def test_drain_whenever_it_is_told() -> None:
    member = Membership(ME)
    drain = Drain("w1", 7)
    for _ in range(2):
        assert member.renewed(Heartbeat(orders=(drain,)), 1.0) == (CarryOut(drain),)
        member.carried_out(drain, True)


def test_probe_suspects_but_not_itself() -> None:
    member = Membership(ME)
    heartbeat = Heartbeat(suspects=(suspect("w1"), suspect("w2")))
    assert member.renewed(heartbeat, 1.0) == (Probe(suspect("w2")),)
    witness = member.unreachable(suspect("w2"), 50)
    assert witness == Witness("w2", 3, Sight.UNREACHABLE, 50, "w1")


def test_do_nothing_more_once_it_is_fenced() -> None:
    member = Membership(ME)
    member.renewed(Heartbeat(), 1.0)
    assert member.fence()
    assert not member.fence()
    assert not member.may_take_sessions(1.0)
    assert member.renewed(Heartbeat(orders=(end("c1"),)), 2.0) == ()


@given(st.lists(st.text("abc", min_size=1, max_size=2), max_size=30))
def test_never_carry_out_twice(commands: list[str]) -> None:
    member = Membership(ME)
    carried: list[str] = []
    for at, command_id in enumerate(commands):
        for action in member.renewed(Heartbeat(orders=(end(command_id),)), float(at)):
            if isinstance(action, CarryOut):
                assert isinstance(action.order, EndSession)
                carried.append(action.order.command_id)
                member.carried_out(action.order, True)
    assert sorted(carried) == sorted(set(commands))


def test_forget_the_oldest_orders(monkeypatch: object) -> None:
    member = Membership(ME)
    for number in range(module.MOST_ORDERS_KNOWN + 1):
        member.carried_out(end(f"c{number}"), True)
    assert member.is_new(end("c0"))
    assert not member.is_new(end("c1"))


class Renewals(RuleBasedStateMachine):
    """However answers come, or do not, sessions are only taken on a young lease."""

    def __init__(self) -> None:
        super().__init__()
        self.member = Membership(ME)
        self.now = 0.0
        self.answered_at: float | None = None

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.member.is_fenced)
    @rule(delay=st.floats(0, 20))
    def renew(self, delay: float) -> None:
        sent_at, self.now = self.now, self.now + delay
        self.member.renewed(Heartbeat(), sent_at)
        self.answered_at = sent_at

    @rule()
    def fence(self) -> None:
        self.member.fence()

    @invariant()
    def takes_sessions_only_while_believed(self) -> None:
        if self.member.may_take_sessions(self.now):
            assert not self.member.is_fenced
            assert self.answered_at is not None
            assert self.now - self.answered_at < EXPIRY_SECONDS


TestRenewals: Callable[[], object] = Renewals.TestCase
Renewals.TestCase.settings = settings(max_examples=50, stateful_step_count=20)
