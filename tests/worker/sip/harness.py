"""SIP endpoints in one memory and one virtual time, over a network that may be bad."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from itertools import count
from typing import Protocol, TypeVar

from mediaworker.sip.endpoint import Endpoint, Identity, Limits, Timers
from mediaworker.sip.events import (
    CallKey,
    Cancelled,
    Confirmed,
    Ended,
    Event,
    InviteReceived,
    NotAcknowledged,
    Rejected,
)
from mediaworker.sip.messages import Request, Response, parse, render, response_to
from mediaworker.sip.routing import Hop, Transmission

OFFER = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=offer\r\n"
ANSWER = "v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=answer\r\n"
OTHER = "v=0\r\no=- 3 2 IN IP4 192.0.2.3\r\ns=other\r\n"
ENDS = (Cancelled, Rejected, NotAcknowledged, Ended)
LONG = 400.0
"""After so many seconds everything that can happen has happened."""

E = TypeVar("E", bound=Event)
Loses = Callable[[Request | Response], bool]


@dataclass(frozen=True)
class Network:
    """What it does to datagrams, the same for the same seed; TCP has but its delay."""

    seed: int = 0
    loss: float = 0.0
    duplicates: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0
    """Seconds at most that a datagram takes longer: so they overtake each other."""


class Node(Protocol):
    host: str
    port: int

    def receive(self, data: bytes, source: Hop, now: float) -> None: ...

    def transmissions(self) -> list[Transmission]: ...

    def timer(self) -> float | None: ...

    def handle_timer(self, now: float) -> None: ...


def counted(prefix: str) -> Callable[[], str]:
    """Ids that tell whose they are and in which order they were made."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


class Phone:
    """An endpoint, and all that it has told."""

    def __init__(
        self,
        host: str,
        *,
        timers: Timers | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.host, self.port = host, 5060
        identity = Identity(host, {"UDP": 5060, "TCP": 5060}, "test")
        ids = counted(f"id{host.replace('.', 'x')}n")
        self.endpoint = Endpoint(identity, ids, timers, limits)
        self.events: list[Event] = []
        self.reacts: Callable[[Event, float], None] | None = None

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        self.endpoint.receive(data, source, now)
        self.drain(now)

    def transmissions(self) -> list[Transmission]:
        return self.endpoint.transmissions()

    def timer(self) -> float | None:
        return self.endpoint.timer()

    def handle_timer(self, now: float) -> None:
        self.endpoint.handle_timer(now)
        self.drain(now)

    def drain(self, now: float) -> None:
        while (event := self.endpoint.next_event()) is not None:
            self.events.append(event)
            if self.reacts is not None:
                self.reacts(event, now)

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E:
        return self.told(kind)[-1]

    def ends(self, call: CallKey) -> list[Event]:
        return [e for e in self.events if isinstance(e, ENDS) and e.call == call]


class Raw:
    """A peer that is played by the test, message by message."""

    def __init__(self, host: str, port: int = 5060) -> None:
        self.host, self.port = host, port
        self.received: list[Request | Response] = []
        self.sources: list[Hop] = []
        self._outgoing: list[Transmission] = []

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        self.received.append(parse(data))
        self.sources.append(source)

    def transmissions(self) -> list[Transmission]:
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def timer(self) -> float | None:
        return None

    def handle_timer(self, now: float) -> None: ...

    def send(self, text: str | bytes, hop: Hop) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        self._outgoing.append(Transmission(data, hop))

    def requests(self, method: str) -> list[Request]:
        found = (each for each in self.received if isinstance(each, Request))
        return [each for each in found if each.method == method]

    def responses(self, status: int | None = None) -> list[Response]:
        found = (each for each in self.received if isinstance(each, Response))
        return [each for each in found if status in (None, each.status)]

    @property
    def statuses(self) -> list[int]:
        return [each.status for each in self.responses()]


@dataclass(frozen=True)
class Passed:
    """A message that was sent, whether or not it arrived."""

    at: float
    sender: str
    receiver: str
    data: bytes

    @cached_property
    def message(self) -> Request | Response:
        return parse(self.data)


@dataclass
class World:
    nodes: list[Node]
    network: Network = field(default_factory=Network)
    loses: Loses | None = None
    now: float = 1000.0
    log: list[Passed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.network.seed)
        self._serial = count()
        self._flows: dict[str, tuple[Node, Node]] = {}
        self._way: list[tuple[float, int, Node, bytes, Hop]] = []

    def run(self, seconds: float = 0.5) -> None:
        """Until so much later; whatever is due happens in order."""
        until = self.now + seconds
        self.flush()
        while (at := self._next_at()) is not None and at <= until:
            self.now = max(self.now, at)
            self._deliver()
            for node in self.nodes:
                due = node.timer()
                if due is not None and due <= self.now:
                    node.handle_timer(self.now)
            self.flush()
        self.now = until

    def flush(self) -> None:
        for node in self.nodes:
            for transmission in node.transmissions():
                self._send(node, transmission)

    def sent(self, sender: Node, method: str) -> list[Request]:
        """Requests, copies and all."""
        return [
            each.message
            for each in self.log
            if each.sender == sender.host
            and isinstance(each.message, Request)
            and each.message.method == method
        ]

    def answered(self, sender: Node, method: str) -> list[int]:
        """The statuses that it has sent to such requests, copies and all."""
        return [
            each.message.status
            for each in self.log
            if each.sender == sender.host
            and isinstance(each.message, Response)
            and each.message.cseq.method == method
        ]

    def at(self, sender: Node, method: str) -> list[float]:
        """When it has sent such requests."""
        return [
            each.at
            for each in self.log
            if each.sender == sender.host
            and isinstance(each.message, Request)
            and each.message.method == method
        ]

    def _next_at(self) -> float | None:
        times = [due for node in self.nodes if (due := node.timer()) is not None]
        if self._way:
            times.append(self._way[0][0])
        return min(times, default=None)

    def _deliver(self) -> None:
        while self._way and self._way[0][0] <= self.now:
            _, _, node, data, source = heappop(self._way)
            node.receive(data, source, self.now)

    def _send(self, sender: Node, transmission: Transmission) -> None:
        hop, data = transmission.hop, transmission.data
        receiver = self._find(sender, hop)
        name = hop.host if receiver is None else receiver.host
        passed = Passed(self.now, sender.host, name, data)
        self.log.append(passed)
        is_lost = self.loses is not None and self.loses(passed.message)
        if receiver is None or is_lost:
            return
        if hop.transport == "TCP":
            self._send_by_tcp(sender, receiver, transmission)
            return
        source = Hop("UDP", sender.host, sender.port)
        copies = 2 if self._random.random() < self.network.duplicates else 1
        for _ in range(copies):
            if self._random.random() >= self.network.loss:
                late = self._random.random() * self.network.jitter
                self._put(receiver, transmission.data, source, late)

    def _send_by_tcp(
        self, sender: Node, receiver: Node, transmission: Transmission
    ) -> None:
        flow = transmission.hop.flow
        if flow is None or flow not in self._flows:
            flow = f"{sender.host}>{receiver.host}"
            self._flows[flow] = (sender, receiver)
        is_client = self._flows[flow][0] is sender
        port = 40_000 if is_client else sender.port
        source = Hop("TCP", sender.host, port, flow)
        self._put(receiver, transmission.data, source, 0.0)

    def _put(self, receiver: Node, data: bytes, source: Hop, late: float) -> None:
        at = self.now + self.network.delay + late
        heappush(self._way, (at, next(self._serial), receiver, data, source))

    def _find(self, sender: Node, hop: Hop) -> Node | None:
        if hop.flow in self._flows:
            one, other = self._flows[hop.flow]
            return other if one is sender else one
        place = (hop.host, hop.port)
        found = (each for each in self.nodes if (each.host, each.port) == place)
        return next(found, None)


class Fork(Raw):
    """A proxy that sends each INVITE on to all its targets, and answers on.

    It acknowledges refusals, and hands one on when all have refused.
    """

    def __init__(self, host: str, targets: Iterable[Node]) -> None:
        super().__init__(host)
        self._targets = list(targets)
        self._refusals = 0

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        message = parse(data)
        self.received.append(message)
        if isinstance(message, Response):
            self._back(message)
        elif message.method != "ACK":
            for number, target in enumerate(self._targets):
                self._on(message, number, target)

    def _on(self, request: Request, number: int, target: Node) -> None:
        branch = f"{request.via.branch}f{number}"
        lines = render(request)
        via = f"Via: SIP/2.0/UDP {self.host}:5060;branch={branch}\r\n"
        head, _, rest = lines.partition(b"\r\n")
        data = head + b"\r\n" + via.encode() + rest
        self.send(data, Hop("UDP", target.host, target.port))

    def _back(self, response: Response) -> None:
        number = int((response.via.branch or "").rpartition("f")[2])
        if response.cseq.method == "CANCEL":
            if number:
                return
        elif response.status >= 300:
            self._acknowledge(response, self._targets[number])
            self._refusals += 1
            if self._refusals < len(self._targets):
                return
        below = response.vias[1]
        hop = Hop("UDP", below.host, below.port or 5060)
        rest = response.with_header("Via", *response.vias[1:])
        self.send(render(rest), hop)

    def _acknowledge(self, response: Response, target: Node) -> None:
        text = (
            f"ACK sip:{target.host} SIP/2.0\r\n"
            f"Via: {response.via}\r\n"
            f"Max-Forwards: 70\r\n"
            f"From: {response.headers.get('From')}\r\n"
            f"To: {response.headers.get('To')}\r\n"
            f"Call-ID: {response.call_id}\r\n"
            f"CSeq: {response.cseq.number} ACK\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        self.send(text, Hop("UDP", target.host, target.port))


def pair(
    network: Network | None = None,
    loses: Loses | None = None,
    **options: Limits | Timers,
) -> tuple[World, Phone, Phone]:
    alice = Phone("192.0.2.1", **options)  # type: ignore[arg-type]
    bob = Phone("192.0.2.2", **options)  # type: ignore[arg-type]
    return World([alice, bob], network or Network(), loses), alice, bob


def dial(world: World, alice: Phone, bob: Node, **options: object) -> CallKey:
    """alice calls bob; nothing has been delivered yet."""
    target = f"sip:bob@{bob.host}:{bob.port}"
    options = {"offer": OFFER, **options}
    return alice.endpoint.invite(
        target=target,
        caller="sip:alice@example.org",
        now=world.now,
        **options,  # type: ignore[arg-type]
    )


def answered(
    world: World, alice: Phone, bob: Phone, **options: object
) -> tuple[CallKey, CallKey]:
    """A call that is up: alice's name for it, and bob's."""
    call = dial(world, alice, bob, **options)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.accept(theirs, ANSWER, world.now)
    world.run()
    assert bob.told(Confirmed)
    return call, theirs


@dataclass(frozen=True)
class Script:
    """Requests of a raw peer, in one dialog with itself as the caller."""

    host: str = "192.0.2.9"
    callee: str = "192.0.2.2"
    call_id: str = "script"
    from_tag: str | None = "raw"
    to_tag: str | None = None
    transport: str = "UDP"
    headers: tuple[str, ...] = ()

    def request(
        self,
        method: str,
        number: int,
        branch: str | None = None,
        *,
        headers: Iterable[str] = (),
        body: str = "",
        uri: str | None = None,
        via: str | None = None,
        contact: str | None = None,
    ) -> str:
        """`branch` has the cookie; a full `via` takes its place."""
        unique = branch or f"z9hG4bK{self.call_id}{method}{number}"
        place = f"SIP/2.0/{self.transport} {self.host}:5060"
        contact = contact or f"<sip:raw@{self.host}:5060>"
        lines = [
            f"{method} {uri or f'sip:bob@{self.callee}'} SIP/2.0",
            f"Via: {via or f'{place};branch={unique};rport'}",
            "Max-Forwards: 70",
            "From: <sip:raw@example.org>" + _tag(self.from_tag),
            "To: <sip:bob@example.org>" + _tag(self.to_tag),
            f"Call-ID: {self.call_id}",
            f"CSeq: {number} {method}",
            *([] if contact == "none" else [f"Contact: {contact}"]),
            *self.headers,
            *headers,
            *(["Content-Type: application/sdp"] if body.startswith("v=") else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", body])


def _tag(tag: str | None) -> str:
    return "" if tag is None else f";tag={tag}"


@dataclass
class Stage:
    """A raw peer and bob, who is an endpoint."""

    world: World
    raw: Raw
    bob: Phone

    @property
    def hop(self) -> Hop:
        return Hop("UDP", self.bob.host, self.bob.port)

    def say(self, text: str, seconds: float = 0.1, hop: Hop | None = None) -> None:
        self.raw.send(text, hop or self.hop)
        self.world.run(seconds)

    def reply(
        self,
        request: Request,
        status: int,
        *,
        to_tag: str | None = "callee",
        headers: Iterable[tuple[str, str]] = (),
        sdp: str | None = None,
        contact: str = "<sip:raw@192.0.2.9:5060>",
        seconds: float = 0.1,
    ) -> None:
        """To a request of bob's."""
        fields = [("Contact", contact), *headers]
        response = response_to(
            request,
            status,
            to_tag=to_tag,
            headers=fields,
            body=(sdp or "").encode(),
            content_type=None if sdp is None else "application/sdp",
        )
        self.say(render(response).decode(), seconds)

    def dial(self, **options: object) -> CallKey:
        """bob calls the raw peer."""
        call = dial(self.world, self.bob, self.raw, **options)
        self.world.run(0.1)
        return call

    @property
    def theirs(self) -> CallKey:
        return self.bob.last(InviteReceived).call


def staged(**options: Limits | Timers) -> Stage:
    raw = Raw("192.0.2.9")
    bob = Phone("192.0.2.2", **options)  # type: ignore[arg-type]
    return Stage(World([raw, bob]), raw, bob)
