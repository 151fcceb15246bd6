"""Whole calls through an edge, to workers' own endpoints, in virtual time."""

from dataclasses import replace

import pytest

from mediaworker.edge.forwarding import Forwarder
from mediaworker.edge.roster import Roster
from mediaworker.sip.endpoint import Limits
from mediaworker.sip.events import (
    Accepted,
    Cancelled,
    Confirmed,
    Ended,
    Event,
    InviteReceived,
    Rejected,
)
from mediaworker.sip.messages import parse, render
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop, Transmission
from tests.worker.edge.stage import SECRET, lease
from tests.worker.sip.harness import (
    ANSWER,
    LONG,
    Loses,
    Network,
    Phone,
    Raw,
    Script,
    World,
    dial,
)

EDGE = "10.0.0.9"
SEAL = Seal(SECRET)
FULL = Limits(calls=0)


class EdgeNode:
    """An edge in the harness's network."""

    port = 5060

    def __init__(self, roster: Roster, host: str = EDGE) -> None:
        self.host = host
        self.roster = roster
        self._restart()

    def _restart(self) -> None:
        self.forwarder = Forwarder(self.host, self.port, SEAL)
        self._outgoing: list[Transmission] = []

    def lose_memory(self) -> None:
        self._restart()

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        # The network's names of connections are no tokens.
        known = source.flow and source.flow.replace(">", "-")
        heard = replace(source, flow=known)
        self._outgoing += self.forwarder.receive(data, heard, self.roster)

    def transmissions(self) -> list[Transmission]:
        outgoing, self._outgoing = self._outgoing, []
        return [
            replace(each, hop=replace(each.hop, flow=each.hop.flow.replace("-", ">")))
            if each.hop.flow
            else each
            for each in outgoing
        ]

    def timer(self) -> float | None:
        return None

    def handle_timer(self, now: float) -> None: ...


class Worker(Phone):
    """Knows edges by their seal, as its sockets do; answers what comes."""

    def __init__(self, host: str, limits: Limits | None = None) -> None:
        super().__init__(host, limits=limits)
        self.reacts = self._answer
        self.answers = True

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        origin = SEAL.sender_of(data)
        told = Hop(source.transport, source.host, source.port, source.flow, origin)
        super().receive(data, told, now)

    def _answer(self, event: Event, now: float) -> None:
        if isinstance(event, InviteReceived) and self.answers:
            self.endpoint.accept(event.call, ANSWER, now)


def stage(
    *workers: Worker, loses: Loses | None = None, network: Network | None = None
) -> tuple[World, Phone, EdgeNode]:
    leases = [
        lease(number, sip_address=f"{worker.host}:5060")
        for number, worker in enumerate(workers, 1)
    ]
    edge = EdgeNode(Roster.of(leases))
    alice = Phone("192.0.2.1")
    world = World([alice, edge, *workers], network or Network(), loses)
    return world, alice, edge


def call(world: World, alice: Phone, workers: list[Worker], **options: object) -> None:
    way = Hop("UDP", EDGE, 5060)
    dial(world, alice, workers[0], destination=way, **options)
    world.run()


def taker(workers: list[Worker]) -> Worker:
    (found,) = (worker for worker in workers if worker.told(InviteReceived))
    return found


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_take_the_call_and_leave_the_dialog_to_the_worker(transport: str) -> None:
    workers = [Worker("10.0.1.1"), Worker("10.0.1.2")]
    world, alice, edge = stage(*workers)
    way = Hop(transport, EDGE, 5060)  # type: ignore[arg-type]
    key = dial(world, alice, workers[0], destination=way)
    world.run()
    worker = taker(workers)
    assert alice.told(Accepted)
    assert worker.told(Confirmed)
    invite = worker.last(InviteReceived)
    assert invite.source.host == alice.host
    alice.endpoint.bye(key, world.now)
    world.run()
    assert worker.told(Ended)
    assert edge.forwarder.tally.requests == 1
    passed = [each.data[:3] for each in world.log if each.sender == EDGE]
    assert b"ACK" not in passed and b"BYE" not in passed
    world.run(LONG)
    assert alice.endpoint.counts.transactions == 0
    assert worker.endpoint.counts.transactions == 0


def test_hang_up_at_the_caller_by_the_shortest_way() -> None:
    workers = [Worker("10.0.1.1")]
    world, alice, _ = stage(*workers)
    call(world, alice, workers)
    workers[0].endpoint.bye(workers[0].last(InviteReceived).call, world.now)
    world.run()
    assert alice.told(Ended)
    byes = [each for each in world.log if each.data.startswith(b"BYE")]
    assert {(each.sender, each.receiver) for each in byes} == {("10.0.1.1", alice.host)}


def test_cancel_a_call_that_rings_at_its_worker() -> None:
    workers = [Worker("10.0.1.1"), Worker("10.0.1.2")]
    for worker in workers:
        worker.answers = False
    world, alice, edge = stage(*workers)
    key = dial(world, alice, workers[0], destination=Hop("UDP", EDGE, 5060))
    world.run()
    edge.lose_memory()
    alice.endpoint.cancel(key, world.now)
    world.run()
    assert taker(workers).told(Cancelled)
    assert alice.last(Rejected).status == 487
    world.run(LONG)
    assert taker(workers).endpoint.counts.transactions == 0


def test_find_room_elsewhere_and_bring_all_of_the_call_there() -> None:
    workers = [Worker("10.0.1.1", FULL), Worker("10.0.1.2"), Worker("10.0.1.3", FULL)]
    for attempt in range(12):
        world, alice, edge = stage(*workers)
        call(world, alice, workers, call_id=f"call-{attempt}")
        assert alice.told(Accepted), attempt
        world.run(LONG)
        assert all(worker.endpoint.counts.transactions == 0 for worker in workers)
        assert edge.forwarder.tally.retries <= 2


def test_cancel_a_call_that_has_moved() -> None:
    ringing = Worker("10.0.1.2")
    ringing.answers = False
    workers = [Worker("10.0.1.1", FULL), ringing]
    moved = 0
    for attempt in range(8):
        world, alice, edge = stage(*workers)
        way = Hop("UDP", EDGE, 5060)
        key = dial(world, alice, ringing, destination=way, call_id=f"call-{attempt}")
        world.run()
        moved += edge.forwarder.tally.retries
        alice.endpoint.cancel(key, world.now)
        world.run()
        assert alice.last(Rejected).status == 487
        world.run(LONG)
        assert ringing.endpoint.counts.transactions == 0
    assert moved


def test_tell_the_caller_when_all_are_full() -> None:
    workers = [Worker("10.0.1.1", FULL), Worker("10.0.1.2", FULL)]
    world, alice, _ = stage(*workers)
    call(world, alice, workers)
    assert alice.last(Rejected).status == 503
    world.run(LONG)
    assert all(worker.endpoint.counts.transactions == 0 for worker in workers)


@pytest.mark.parametrize("seed", range(6))
def test_take_calls_over_a_network_that_loses_and_repeats(seed: int) -> None:
    network = Network(seed=seed, loss=0.2, duplicates=0.2, jitter=0.3)
    workers = [Worker("10.0.1.1", FULL), Worker("10.0.1.2")]
    world, alice, _ = stage(*workers, network=network)
    call(world, alice, workers, call_id=f"call-{seed}")
    world.run(40)
    assert alice.told(Accepted)
    world.run(LONG)
    assert all(worker.endpoint.counts.transactions == 0 for worker in workers)


def test_survive_that_an_edge_forgets_all_between_two_messages() -> None:
    workers = [Worker("10.0.1.1"), Worker("10.0.1.2")]
    world, alice, edge = stage(*workers)
    dial(world, alice, workers[0], destination=Hop("UDP", EDGE, 5060))
    for _ in range(50):
        world.run(0.005)
        edge.lose_memory()
    assert alice.told(Accepted)
    assert taker(workers).told(Confirmed)


# Phones behind a NAT: Via and Contact say an address that leads nowhere

HIDDEN = "192.168.1.5"
PUBLIC = Hop("UDP", "203.0.113.7", 5060)


def invite_of_a_hidden_phone() -> Script:
    return Script(host=HIDDEN, callee="10.0.1.1")


def answered_hidden(worker: Worker, raw: Raw) -> tuple[World, Script]:
    edge = EdgeNode(Roster.of([lease(1)]))
    world = World([raw, edge, worker])
    script = invite_of_a_hidden_phone()
    raw.send(script.request("INVITE", 1, body="v=0\r\n"), Hop("UDP", EDGE, 5060))
    world.run(0.1)
    (ok,) = raw.responses(200)
    tagged = Script(host=HIDDEN, callee="10.0.1.1", to_tag=ok.to_tag)
    return world, tagged


def test_hang_up_at_a_phone_behind_a_nat_by_its_true_source() -> None:
    raw, worker = Raw(PUBLIC.host), Worker("10.0.1.1")
    world, tagged = answered_hidden(worker, raw)
    raw.send(tagged.request("ACK", 1), Hop("UDP", "10.0.1.1", 5060))
    world.run(0.1)
    assert worker.told(Confirmed)
    worker.endpoint.bye(worker.last(InviteReceived).call, world.now)
    world.run(0.1)
    assert raw.requests("BYE")


def test_learn_from_the_ack_where_such_a_phone_is() -> None:
    raw, worker = Raw(PUBLIC.host), Worker("10.0.1.1")
    world, tagged = answered_hidden(worker, raw)
    other = Raw("203.0.113.8")
    world.nodes.append(other)
    other.send(tagged.request("ACK", 1), Hop("UDP", "10.0.1.1", 5060))
    world.run(0.1)
    worker.endpoint.bye(worker.last(InviteReceived).call, world.now)
    world.run(0.1)
    assert other.requests("BYE") and not raw.requests("BYE")


def test_change_nothing_when_the_ack_comes_by_the_edge_too() -> None:
    raw, worker = Raw(PUBLIC.host), Worker("10.0.1.1")
    world, tagged = answered_hidden(worker, raw)
    raw.send(tagged.request("ACK", 1), Hop("UDP", EDGE, 5060))
    world.run(0.1)
    assert worker.told(Confirmed)
    worker.endpoint.bye(worker.last(InviteReceived).call, world.now)
    world.run(0.1)
    assert raw.requests("BYE")


def test_hold_by_way_of_the_edge_and_be_called_back_at_the_source() -> None:
    raw, worker = Raw(PUBLIC.host), Worker("10.0.1.1")
    world, tagged = answered_hidden(worker, raw)
    raw.send(tagged.request("ACK", 1), Hop("UDP", EDGE, 5060))
    hold = tagged.request("INVITE", 2, body="v=0\r\n", uri="sip:parley@10.0.1.1:5060")
    raw.send(hold, Hop("UDP", EDGE, 5060))
    world.run(0.1)
    worker.endpoint.answer_reinvite(worker.last(InviteReceived).call, ANSWER, world.now)
    world.run(0.1)
    assert len(raw.responses(200)) == 2
    raw.send(tagged.request("ACK", 2), Hop("UDP", EDGE, 5060))
    world.run(0.1)
    worker.endpoint.bye(worker.last(InviteReceived).call, world.now)
    world.run(0.1)
    assert raw.requests("BYE")


def test_believe_an_edge_that_puts_on_no_second_via() -> None:
    """A copy of an edge's Via, by who has seen it, before no other."""
    edge, worker = EdgeNode(Roster.of([lease(1)])), Worker("10.0.1.1")
    script = invite_of_a_hidden_phone()
    data = script.request("INVITE", 1, body="v=0\r\n").encode()
    edge.receive(data, PUBLIC, 0.0)
    (sent,) = edge.transmissions()
    seen = parse(sent.data)
    alone = seen.with_header("Via", seen.via)
    worker.receive(render(alone), Hop("UDP", "198.51.100.9", 5060), 0.0)
    assert worker.last(InviteReceived).source.host == PUBLIC.host
