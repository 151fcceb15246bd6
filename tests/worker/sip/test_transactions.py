"""The four machines, state by state (RFC 3261 section 17, RFC 6026 section 8)."""

import pytest

from mediaworker.sip.timers import Agenda, Timers
from mediaworker.sip.transactions import (
    CLIENT_INVITE,
    CLIENT_OTHER,
    SERVER_INVITE,
    SERVER_OTHER,
    Action,
    Input,
    Machine,
    State,
    Transaction,
    input_of,
)

START = 100.0


class Recorded(Transaction):
    def __init__(self, machine: Machine, *, is_reliable: bool = False) -> None:
        self.agenda = Agenda()
        super().__init__(machine, self.agenda, Timers(), is_reliable=is_reliable)
        self.done: list[tuple[Action, float]] = []
        self.ended_at: list[float] = []
        self.start(START)

    def do(self, action: Action, now: float) -> None:
        self.done.append((action, now - START))

    def ended(self, now: float) -> None:
        self.ended_at.append(now - START)

    def run(self, seconds: float = 1000.0) -> None:
        while (at := self.agenda.next_at) is not None and at <= START + seconds:
            self.agenda.ring_due(at)

    def times(self, action: Action) -> list[float]:
        return [at for done, at in self.done if done is action]


def reached(machine: Machine, *inputs: Input, is_reliable: bool = False) -> Recorded:
    transaction = Recorded(machine, is_reliable=is_reliable)
    for what in inputs:
        transaction.feed(what, START)
    transaction.done.clear()
    return transaction


def test_repeat_an_invite_at_doubled_intervals_until_timer_b() -> None:
    """17.1.1.2: A doubles without bound, B is 64*T1."""
    transaction = Recorded(CLIENT_INVITE)
    transaction.run()
    assert transaction.times(Action.SEND) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert transaction.times(Action.TIME_OUT) == [32.0]
    assert transaction.ended_at == [32.0]


def test_send_an_invite_once_over_a_reliable_transport() -> None:
    """17.1.1.2: no timer A; B all the same."""
    transaction = Recorded(CLIENT_INVITE, is_reliable=True)
    transaction.run()
    assert transaction.done == [(Action.TIME_OUT, 32.0)]


def test_wait_as_long_as_it_takes_once_an_invite_proceeds() -> None:
    """17.1.1.2: neither A nor B in Proceeding."""
    transaction = reached(CLIENT_INVITE, Input.PROVISIONAL)
    transaction.run()
    assert transaction.done == []
    assert transaction.state is State.PROCEEDING


def test_acknowledge_each_copy_of_a_refusal_until_timer_d() -> None:
    """17.1.1.2: told once; D is 32 s."""
    transaction = Recorded(CLIENT_INVITE)
    transaction.feed(Input.FAILURE, START)
    transaction.feed(Input.FAILURE, START)
    assert [done for done, _ in transaction.done] == [
        Action.ACK,
        Action.TELL,
        Action.ACK,
    ]
    transaction.run()
    assert transaction.ended_at == [32.0]


def test_end_at_once_after_a_refusal_over_a_reliable_transport() -> None:
    """17.1.1.2: D is zero."""
    transaction = Recorded(CLIENT_INVITE, is_reliable=True)
    transaction.feed(Input.FAILURE, START)
    assert [done for done, _ in transaction.done] == [Action.ACK, Action.TELL]
    assert transaction.ended_at == [0.0]


@pytest.mark.parametrize("is_reliable", [False, True])
def test_tell_each_2xx_until_timer_m(is_reliable: bool) -> None:
    """RFC 6026 7.2: the Accepted state, over every transport."""
    transaction = Recorded(CLIENT_INVITE, is_reliable=is_reliable)
    for _ in range(3):
        transaction.feed(Input.SUCCESS, START)
    assert [done for done, _ in transaction.done] == [Action.TELL] * 3
    transaction.run()
    assert transaction.ended_at == [32.0]


def test_fail_an_invite_that_cannot_be_sent() -> None:
    """17.1.4."""
    transaction = Recorded(CLIENT_INVITE)
    transaction.feed(Input.UNSENT, START)
    assert transaction.done == [(Action.FAIL, 0.0)]
    assert transaction.state is State.TERMINATED
    assert len(transaction.agenda) == 0


def test_end_when_the_ack_of_a_refusal_cannot_be_sent() -> None:
    """17.1.1.2."""
    transaction = reached(CLIENT_INVITE, Input.FAILURE)
    transaction.feed(Input.UNSENT, START)
    assert transaction.ended_at == [0.0]


def test_let_a_proceeding_invite_expire_once_it_is_cancelled() -> None:
    """9.1: 64*T1 after the CANCEL."""
    transaction = reached(CLIENT_INVITE, Input.PROVISIONAL)
    transaction.end_within(40.0, START)
    transaction.end_within(32.0, START)
    transaction.feed(Input.PROVISIONAL, START + 1)
    transaction.run()
    assert transaction.times(Action.TIME_OUT) == [32.0]


def test_repeat_a_request_up_to_t2_until_timer_f() -> None:
    """17.1.2.2: E doubles up to T2, F is 64*T1."""
    transaction = Recorded(CLIENT_OTHER)
    transaction.run()
    sent = transaction.times(Action.SEND)
    assert sent == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert transaction.times(Action.TIME_OUT) == [32.0]


def test_repeat_a_proceeding_request_every_t2_and_keep_timer_f() -> None:
    """17.1.2.2: E is T2 in Proceeding; F goes on."""
    transaction = reached(CLIENT_OTHER, Input.PROVISIONAL)
    transaction.run()
    assert transaction.times(Action.SEND)[:3] == [4.0, 8.0, 12.0]
    assert transaction.times(Action.TIME_OUT) == [32.0]


@pytest.mark.parametrize("response", [Input.SUCCESS, Input.FAILURE])
@pytest.mark.parametrize("is_reliable, lasting", [(False, 5.0), (True, 0.0)])
@pytest.mark.parametrize("before", [[], [Input.PROVISIONAL]])
def test_absorb_copies_of_a_final_response_until_timer_k(
    response: Input, is_reliable: bool, lasting: float, before: list[Input]
) -> None:
    """17.1.2.2: K is T4, or zero."""
    transaction = reached(CLIENT_OTHER, *before, is_reliable=is_reliable)
    transaction.feed(response, START)
    transaction.feed(response, START)
    assert transaction.times(Action.TELL) == [0.0]
    transaction.run()
    assert transaction.ended_at == [lasting]


@pytest.mark.parametrize("before", [[], [Input.PROVISIONAL]])
def test_fail_a_request_that_cannot_be_sent(before: list[Input]) -> None:
    """17.1.4."""
    transaction = reached(CLIENT_OTHER, *before)
    transaction.feed(Input.UNSENT, START)
    assert transaction.done == [(Action.FAIL, 0.0)]


def test_answer_copies_of_an_invite_with_the_last_provisional_response() -> None:
    """17.2.1, Proceeding."""
    transaction = reached(SERVER_INVITE, Input.PROVISIONAL)
    transaction.feed(Input.REQUEST, START)
    transaction.feed(Input.UNSENT, START)
    assert transaction.done == [(Action.SEND, 0.0)]
    assert transaction.state is State.PROCEEDING


def test_repeat_a_refusal_up_to_t2_until_timer_h() -> None:
    """17.2.1: G doubles up to T2, H is 64*T1."""
    transaction = reached(SERVER_INVITE, Input.FAILURE)
    transaction.feed(Input.REQUEST, START)
    transaction.run()
    assert transaction.times(Action.SEND)[:6] == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5]
    assert transaction.ended_at == [32.0]


def test_repeat_no_refusal_over_a_reliable_transport() -> None:
    """17.2.1: no G; H all the same."""
    transaction = reached(SERVER_INVITE, Input.FAILURE, is_reliable=True)
    transaction.run()
    assert transaction.done == []
    assert transaction.ended_at == [32.0]


@pytest.mark.parametrize("is_reliable, lasting", [(False, 5.0), (True, 0.0)])
def test_absorb_copies_of_an_ack_until_timer_i(
    is_reliable: bool, lasting: float
) -> None:
    """17.2.1: I is T4, or zero."""
    transaction = reached(SERVER_INVITE, Input.FAILURE, is_reliable=is_reliable)
    for what in (Input.ACK, Input.ACK, Input.REQUEST):
        transaction.feed(what, START)
    transaction.run()
    assert transaction.done == []
    assert transaction.ended_at == [lasting]


def test_end_when_a_refusal_cannot_be_sent() -> None:
    """17.2.4."""
    transaction = reached(SERVER_INVITE, Input.FAILURE)
    transaction.feed(Input.UNSENT, START)
    assert transaction.ended_at == [0.0]


def test_absorb_copies_of_an_accepted_invite_until_timer_l() -> None:
    """RFC 6026 7.1: copies are absorbed, the user repeats the 2xx himself."""
    transaction = reached(SERVER_INVITE, Input.SUCCESS)
    transaction.feed(Input.REQUEST, START)
    assert transaction.done == []
    transaction.feed(Input.SUCCESS, START)
    assert transaction.done == [(Action.SEND, 0.0)]
    transaction.run()
    assert transaction.ended_at == [32.0]


@pytest.mark.parametrize("response", [Input.SUCCESS, Input.FAILURE])
@pytest.mark.parametrize("is_reliable, lasting", [(False, 32.0), (True, 0.0)])
def test_answer_copies_of_a_request_until_timer_j(
    response: Input, is_reliable: bool, lasting: float
) -> None:
    """17.2.2: J is 64*T1, or zero; copies are ignored until there is a response."""
    transaction = reached(SERVER_OTHER, Input.REQUEST, is_reliable=is_reliable)
    transaction.feed(Input.PROVISIONAL, START)
    transaction.feed(Input.REQUEST, START)
    transaction.feed(Input.PROVISIONAL, START)
    transaction.feed(response, START)
    assert transaction.times(Action.SEND) == [0.0] * 4
    transaction.feed(Input.REQUEST, START)
    assert len(transaction.done) == (4 if is_reliable else 5)
    transaction.run()
    assert transaction.ended_at == [lasting]


def test_end_when_a_response_cannot_be_sent() -> None:
    """17.2.4."""
    transaction = reached(SERVER_OTHER, Input.SUCCESS)
    transaction.feed(Input.UNSENT, START)
    assert transaction.ended_at == [0.0]


@pytest.mark.parametrize(
    "machine", [CLIENT_INVITE, CLIENT_OTHER, SERVER_INVITE, SERVER_OTHER]
)
def test_stay_ended_whatever_comes(machine: Machine) -> None:
    transaction = Recorded(machine)
    transaction.state = State.TERMINATED
    for what in Input:
        transaction.feed(what, START)
    assert not transaction.done
    assert not transaction.ended_at


@pytest.mark.parametrize(
    "machine", [CLIENT_INVITE, CLIENT_OTHER, SERVER_INVITE, SERVER_OTHER]
)
def test_leave_no_state_of_a_table_without_its_timers(machine: Machine) -> None:
    reachable = {machine.first} | {state for state, _ in machine.rules.values()}
    assert reachable - {State.TERMINATED} == set(machine.stays)
    assert {state for state, _ in machine.rules} <= reachable


def test_class_a_response_by_its_status() -> None:
    statuses = (100, 199, 200, 299, 300, 699)
    assert [input_of(status) for status in statuses] == [
        Input.PROVISIONAL,
        Input.PROVISIONAL,
        Input.SUCCESS,
        Input.SUCCESS,
        Input.FAILURE,
        Input.FAILURE,
    ]


def test_ring_alarms_in_the_order_of_their_time() -> None:
    agenda, rung = Agenda(), []
    agenda.set(2.0, lambda now: rung.append(("b", now)))
    agenda.set(1.0, lambda now: rung.append(("a", now)))
    agenda.set(2.0, lambda now: rung.append(("c", now)))
    dropped = agenda.set(1.5, lambda now: rung.append(("never", now)))
    dropped.cancel()
    dropped.cancel()
    assert not dropped.is_set
    assert (len(agenda), agenda.next_at) == (3, 1.0)
    agenda.ring_due(2.0)
    assert rung == [("a", 2.0), ("b", 2.0), ("c", 2.0)]
    assert agenda.next_at is None


def test_keep_no_more_cancelled_alarms_than_a_few() -> None:
    agenda = Agenda()
    kept = agenda.set(5000.0, lambda now: None)
    for number in range(10_000):
        agenda.set(6000.0 + number, lambda now: None).cancel()
    assert len(agenda._heap) <= 2 * Agenda.SLACK
    assert len(agenda) == 1
    assert agenda.next_at == 5000.0
    kept.cancel()
    assert agenda.next_at is None
