"""Whatever is done on either side, over whatever network, comes to a clean end."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from mediaworker.sip.endpoint import Counts, Endpoint, WrongTime
from mediaworker.sip.events import (
    Accepted,
    CallKey,
    Confirmed,
    Event,
    InviteReceived,
    Rejected,
)
from mediaworker.sip.routing import Hop
from tests.worker.sip.harness import (
    ANSWER,
    LONG,
    OFFER,
    OTHER,
    Network,
    Phone,
    World,
    dial,
    pair,
)

Cut = tuple[int, int, bytes]
NOTHING = Counts(0, 0, 0)


Deed = Callable[[Endpoint, CallKey, float], None]
DEEDS: dict[str, Deed] = {
    "ring": lambda it, call, now: it.ring(call, now),
    "ring with media": lambda it, call, now: it.ring(call, now, ANSWER),
    "accept": lambda it, call, now: it.accept(call, ANSWER, now),
    "reject": lambda it, call, now: it.reject(call, 486, now),
    "cancel": lambda it, call, now: it.cancel(call, now),
    "bye": lambda it, call, now: it.bye(call, now),
    "hang up": lambda it, call, now: it.hang_up(call, now),
    "reinvite": lambda it, call, now: it.reinvite(call, OTHER, now),
    "answer reinvite": lambda it, call, now: it.answer_reinvite(call, OTHER, now),
    "refuse reinvite": lambda it, call, now: it.refuse_reinvite(call, 488, now),
    "acknowledge": lambda it, call, now: it.acknowledge(call, ANSWER),
    "info": lambda it, call, now: it.info(call, "text/plain", b"1", now),
}
DIALS = {"dial": OFFER, "dial without offer": None}
VERBS = [*DEEDS, *DIALS, "accept", "answer reinvite"]
"""Some more often than others, so that calls come far."""


@dataclass(frozen=True)
class Act:
    verb: str
    is_by_alice: bool
    of: int
    """Which of its calls, counted from the latest."""
    after: float


ACTS = st.lists(
    st.builds(
        Act,
        st.sampled_from(VERBS),
        st.booleans(),
        st.integers(0, 2),
        st.sampled_from([0.0, 0.005, 0.02, 0.3, 1.0, 5.0, 40.0]),
    ),
    min_size=1,
    max_size=30,
)
NETWORKS = st.builds(
    Network,
    seed=st.integers(0, 2**16),
    loss=st.sampled_from([0.0, 0.1, 0.3, 0.8]),
    duplicates=st.sampled_from([0.0, 0.2]),
    delay=st.just(0.01),
    jitter=st.sampled_from([0.0, 0.02, 1.0]),
)


def calls_of(phone: Phone) -> list[CallKey]:
    return list(dict.fromkeys(event.call for event in phone.events))


def act_out(act: Act, world: World, phone: Phone, other: Phone) -> CallKey | None:
    """A call that was placed."""
    if act.verb in DIALS:
        return dial(world, phone, other, offer=DIALS[act.verb])
    calls = calls_of(phone)
    if act.of < len(calls):
        try:
            DEEDS[act.verb](phone.endpoint, calls[-1 - act.of], world.now)
        except WrongTime:
            assert act.verb != "hang up"
    phone.drain(world.now)
    return None


PIECES = (
    b"INVITE",
    b"ACK",
    b"CANCEL",
    b"BYE",
    b"UPDATE",
    b"INFO",
    b"SIP/2.0 200 OK",
    b"SIP/2.0 401 No",
    b";tag=raw",
    b"z9hG4bK",
    b"<sip:[::1]>",
    b"tel:1",
    b"\r\nRoute: <sip:a>",
    b"\r\nRecord-Route: <sip:b>",
    b"\r\nContact: *",
    b"\r\n\r\n",
    b"\xff",
    b"99999999999",
    b"",
)
CUTS = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 40), st.sampled_from(PIECES)),
    max_size=4,
)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 11), CUTS), max_size=12))
def test_take_whatever_comes(changes: list[tuple[int, list[Cut]]]) -> None:
    """Messages of a true call, cut and mended, to an endpoint in the midst of it."""
    world, alice, bob = pair()
    alice.reacts, bob.reacts = answering(alice), answering(bob)
    call = dial(world, alice, bob)
    world.run()
    alice.endpoint.reinvite(call, OTHER, world.now)
    alice.endpoint.info(call, "text/plain", b"1", world.now)
    world.run(0.015)
    for which, cuts in changes:
        data = world.log[which % len(world.log)].data
        for start, length, piece in cuts:
            data = data[:start] + piece + data[start + length :]
        for phone, other in ((alice, bob), (bob, alice)):
            phone.receive(data, Hop("UDP", other.host, other.port), world.now)
        world.run(0.1)
    for phone in (alice, bob):
        for each in calls_of(phone):
            phone.endpoint.hang_up(each, world.now)
        phone.drain(world.now)
    world.run(2 * LONG)
    assert alice.endpoint.counts == bob.endpoint.counts == NOTHING


def assert_ended_once(phone: Phone, calls: list[CallKey]) -> None:
    for call in calls:
        assert len(phone.ends(call)) == 1
        told = [event for event in phone.events if event.call == call]
        assert told[-1] == phone.ends(call)[0]


def answering(phone: Phone) -> Callable[[Event, float], None]:
    """Somebody who takes every call at once."""

    def react(event: Event, now: float) -> None:
        if isinstance(event, InviteReceived):
            phone.endpoint.accept(event.call, ANSWER, now)
        elif isinstance(event, Accepted) and event.needs_answer:
            phone.endpoint.acknowledge(event.call, ANSWER)

    return react


@settings(max_examples=120)
@given(ACTS, NETWORKS, st.booleans())
def test_every_call_ends_once_on_either_side_and_is_forgotten(
    acts: list[Act], network: Network, is_answered: bool
) -> None:
    world, alice, bob = pair(network)
    if is_answered:
        alice.reacts, bob.reacts = answering(alice), answering(bob)
    placed: dict[Phone, list[CallKey]] = {alice: [], bob: []}
    for act in [Act("dial", True, 0, 0.02), *acts]:
        phone, other = (alice, bob) if act.is_by_alice else (bob, alice)
        call = act_out(act, world, phone, other)
        if call is not None:
            placed[phone].append(call)
        world.run(act.after)
    world.run(LONG)
    for phone in (alice, bob):
        for call in [*placed[phone], *calls_of(phone)]:
            phone.endpoint.hang_up(call, world.now)
        phone.drain(world.now)
    world.run(LONG)
    for phone in (alice, bob):
        for call in calls_of(phone):
            phone.endpoint.hang_up(call, world.now)
        phone.drain(world.now)
    world.run(LONG)
    for phone in (alice, bob):
        assert_ended_once(phone, [*placed[phone], *calls_of(phone)])
        assert phone.endpoint.counts == NOTHING
        assert phone.endpoint.timer() is None


@settings(max_examples=60)
@given(
    st.integers(0, 2**16),
    st.sampled_from(["accept", "reject", "cancel", "race"]),
    st.floats(0.0, 0.3),
)
def test_both_sides_agree_on_what_came_of_a_call(
    seed: int, story: str, loss: float
) -> None:
    network = Network(seed=seed, loss=loss, duplicates=0.1, jitter=0.05)
    world, alice, bob = pair(network)
    call = dial(world, alice, bob)
    world.run(25.0)
    if not bob.told(InviteReceived):
        world.run(LONG)
        assert alice.last(Rejected).status == 408
        return
    theirs = bob.last(InviteReceived).call
    if story in ("accept", "race"):
        bob.endpoint.accept(theirs, ANSWER, world.now)
    if story == "reject":
        bob.endpoint.reject(theirs, 486, world.now)
    if story in ("cancel", "race") and not alice.ends(call):
        alice.endpoint.cancel(call, world.now)
    world.run(25.0)
    bob.drain(world.now)
    is_up = bool(alice.told(Accepted)) and not alice.ends(call)
    if is_up and bob.told(Confirmed):
        assert not bob.ends(theirs)
        assert story == "accept"
    world.run(LONG)
    for phone in (alice, bob):
        for each in calls_of(phone):
            phone.endpoint.hang_up(each, world.now)
        phone.drain(world.now)
    world.run(LONG)
    assert_ended_once(alice, [call])
    assert_ended_once(bob, [theirs])
    assert alice.endpoint.counts == bob.endpoint.counts == NOTHING
