"""Sessions that keep to the port's protocol, and a port around them on the loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import uvloop

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.ice import ice_servers
from chalicelib.protocol.lease import EndSession, Order
from chalicelib.protocol.session.commands import Tts
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.tokens import Trust, worker_token
from chalicelib.protocol.vocabulary import Role
from mediaworker.control.neighbours import Neighbours
from mediaworker.gateway.application import Desk, application_of
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.passing import Passing
from mediaworker.gateway.port import Port
from mediaworker.gateway.relay import Relay
from mediaworker.gateway.sockets import Sockets
from mediaworker.runtime.ports import Peer, Refusal, SessionView, Watcher
from mediaworker.speech.replies import Prepared
from mediaworker.transports.relay_peer import Outcome
from mediaworker.worker import Worker

SECRET = "a-worker-secret-of-at-least-thirty-two-bytes"
NOW_MS = 1_790_000_000_000
FAR_SECONDS = 4_000_000_000
PATIENCE_SECONDS = 5.0


def token(uid: str = "alice", role: Role = Role.USER, tenant: str = "default") -> str:
    claims = Principal(tenant, uid, role).render()
    return jwt.encode({**claims, "exp": FAR_SECONDS}, SECRET, algorithm="HS256")


def part_token() -> str:
    return worker_token(SECRET, "control", FAR_SECONDS)


def run(talk: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """On the loop that the worker runs on."""

    async def bounded() -> None:
        async with asyncio.timeout(4 * PATIENCE_SECONDS):
            await talk()

    uvloop.run(bounded())


@dataclass
class FakeHandle:
    """Remembers what its socket told it."""

    view: SessionView
    peer: Peer
    texts: list[bytes] = field(default_factory=list)
    audio: list[bytes] = field(default_factory=list)
    lost: list[bool] = field(default_factory=list)
    hears: Callable[["FakeHandle"], None] = lambda handle: None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def session_id(self) -> str:
        return self.view.session_id

    def receive_text(self, text: bytes) -> None:
        self.texts.append(text)
        self._changed()

    def receive_audio(self, payload: bytes) -> None:
        self.audio.append(payload)
        self._changed()

    def lose(self, is_clean: bool) -> None:
        self.lost.append(is_clean)
        self._changed()

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    def _changed(self) -> None:
        self.hears(self)
        self._news.set()


class FakeSessions:
    """Opens whatever is asked for, until it is told to refuse."""

    def __init__(self) -> None:
        self.handles: dict[str, FakeHandle] = {}
        self.watchers: dict[str, list[Watcher]] = {}
        self.queries: list[SessionQuery] = []
        self.ended: list[EndSession] = []
        self.refusal: Exception | None = None
        self.greeting: Callable[[Peer], None] = lambda peer: None
        self.hears: Callable[[FakeHandle], None] = lambda handle: None

    def open(
        self, principal: Principal, query: SessionQuery, call_type: CallType, peer: Peer
    ) -> FakeHandle:
        if self.refusal is not None:
            raise self.refusal
        chosen = query.id or f"s{len(self.handles)}"
        self.queries.append(query)
        handle = self.add(chosen, principal.uid, principal.tenant, peer, call_type)
        self.greeting(peer)
        return handle

    def add(
        self,
        session_id: str,
        uid: str,
        tenant: str = "default",
        peer: Any = None,
        call_type: CallType = CallType.WEBSOCKET,
        **parties: str,
    ) -> FakeHandle:
        view = SessionView(session_id, tenant, uid, call_type, NOW_MS, **parties)
        handle = FakeHandle(view, peer, hears=self.hears)
        self.handles[session_id] = handle
        return handle

    def views(self) -> tuple[SessionView, ...]:
        return tuple(handle.view for handle in self.handles.values())

    def end(self, order: EndSession) -> bool:
        self.ended.append(order)
        handle = self.handles.pop(order.session_id, None)
        if handle is not None and handle.peer is not None:
            handle.peer.send_text('{"event":"hangup"}')
            handle.peer.close(1000, order.reason)
        return handle is not None

    def receive(self, session_id: str, command: bytes) -> bool:
        if self.refusal is not None:
            raise self.refusal
        handle = self.handles.get(session_id)
        if handle is None:
            return False
        for watcher in self.watchers.get(session_id, ()):
            watcher.tell_command(command)
        handle.receive_text(command)
        return True

    def watch(self, session_id: str, watcher: Watcher) -> Callable[[], None] | None:
        if session_id not in self.handles:
            return None
        watchers = self.watchers.setdefault(session_id, [])
        watchers.append(watcher)
        return lambda: watchers.remove(watcher)

    @property
    def only(self) -> FakeHandle:
        (handle,) = self.handles.values()
        return handle


class Refusing(Refusal):
    def __init__(self, status: int, sentence: str, after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after_seconds = after


@dataclass
class FakeWay:
    """Keeps what is posted to the gateway's sockets, and answers as it is told to."""

    posted: list[tuple[str, str]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    """Of the next posts; then all are taken."""
    gone: set[str] = field(default_factory=set)

    async def post(self, endpoint: str, connection_id: str, text: str) -> Outcome:
        if self.outcomes:
            outcome = self.outcomes.pop(0)
            if outcome is not Outcome.TAKEN:
                return outcome
        self.posted.append((connection_id, text))
        return Outcome.TAKEN

    async def close(self, endpoint: str, connection_id: str) -> Outcome:
        self.closed.append(connection_id)
        return Outcome.TAKEN

    async def look(self, endpoint: str, connection_id: str) -> Outcome:
        return Outcome.GONE if connection_id in self.gone else Outcome.TAKEN


@dataclass
class Place:
    """A port that listens, and all that stands behind it."""

    sessions: FakeSessions = field(default_factory=FakeSessions)
    readings: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = False
    trust: Trust = Trust(SECRET)
    orders: list[Order] = field(default_factory=list)
    obeys: bool = True
    origins: frozenset[str] = frozenset()
    way: "FakeWay" = field(default_factory=lambda: FakeWay())
    worker_id: str = "w1"
    number: int = 0
    prepared: Prepared | Refusal = Prepared(1, "a-key", 640, False)
    asked: list[tuple[str, Tts]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.number}"

    def __post_init__(self) -> None:
        self.is_ready = True
        self.neighbours = Neighbours(self.worker_id)
        self.worker = Worker(
            self.worker_id, lambda: len(self.sessions.views()), lambda: self.is_ready
        )

    async def prepare(self, tenant: str, command: Tts) -> Prepared:
        if isinstance(self.prepared, Refusal):
            raise self.prepared
        self.asked.append((tenant, command))
        return self.prepared

    def obey(self, order: Order) -> bool:
        self.orders.append(order)
        return self.obeys

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Place"]:
        self.relay = Relay(
            self.sessions,
            lambda: contextlib.nullcontext(self.way),
            "serverSideTrack",
            lambda: NOW_MS,
        )
        doorkeeper = Doorkeeper(self.trust, is_open=self.is_open)
        desk = Desk(
            sessions=self.sessions,
            doorkeeper=doorkeeper,
            ice=ice_servers(self.environment),
            health=self.worker.health,
            readings=lambda: self.readings,
            obey=self.obey,
            epoch_ms=lambda: NOW_MS,
            new_id=lambda: "a-command",
            relay=self.relay,
            prepare=self.prepare,
            origins=self.origins,
        )
        sockets = Sockets(self.sessions, doorkeeper, "serverSideTrack", lambda: NOW_MS)
        self.passing = Passing(
            self.sessions,
            doorkeeper,
            self.neighbours,
            self.token,
            lambda: not self.worker.is_draining,
        )
        application = application_of(desk)
        async with Port(application, sockets, self.passing, "127.0.0.1", 0) as port:
            self.number = port.number
            async with asyncio.TaskGroup() as tasks:
                runs = (self.relay.run, self.passing.run)
                running = [tasks.create_task(run()) for run in runs]
                yield self
                for task in running:
                    task.cancel()

    def token(self) -> str:
        return worker_token(SECRET, self.worker_id, FAR_SECONDS)


class Wire:
    """A TCP connection of a test that keeps to no rules."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, place: Place) -> AsyncIterator["Wire"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.number)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def rest(self) -> bytes:
        """All until the worker closes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read()

    async def head(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def take(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.readexactly(size)

    async def frame(self) -> tuple[int, bytes]:
        """The opcode and the payload of the next unmasked frame."""
        first, second = await self.take(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await self.take(2 if size == 126 else 8))
        return first & 0x0F, await self.take(size)


KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""RFC 6455 section 1.3."""
TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


def upgrade(path: str = "/call", *, uid: str | None = "alice", **fields: str) -> bytes:
    """A request for a socket; ``fields`` replace its own, an empty one removes."""
    given = {
        "Host": "worker",
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
        "Authorization": f"Bearer {token(uid)}" if uid else "",
    }
    given |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


def masked(opcode: int, payload: bytes = b"", *, first: int = 0x80) -> bytes:
    """A client's frame; ``first`` is the final bit and the reserved ones."""
    size = len(payload)
    if size < 126:
        head = bytes([first | opcode, 0x80 | size])
    elif size < 65_536:
        head = bytes([first | opcode, 0x80 | 126]) + size.to_bytes(2)
    else:
        head = bytes([first | opcode, 0x80 | 127]) + size.to_bytes(8)
    mask = b"\x01\x02\x03\x04"
    repeated = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload) ^ int.from_bytes(repeated)
    return head + mask + mixed.to_bytes(size)
