"""Addresses of ours that STUN and TURN servers have to tell."""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from socket import AF_INET, SOCK_DGRAM
from typing import Any, Self

from aioice import Candidate
from aioice.ice import StunProtocol
from aioice.stun import TransactionError

from chalicelib.protocol.ice import IceSettings
from mediaworker.webrtc.stack import Address, Path

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
"""How long a server may take."""
MOST_STUN = 2
MOST_TURN = 3
URL = re.compile(
    r"(?P<scheme>stun|turns?):(?P<host>\[[^\]]+\]|[^:?]+)(:(?P<port>\d{1,5}))?"
    r"(\?transport=(?P<transport>udp|tcp))?"
)
PORT = 3478
TLS_PORT = 5349


@dataclass(frozen=True, slots=True)
class TurnServer:
    """With what it knows us by."""

    address: Address
    username: str | None
    password: str | None = field(repr=False)
    transport: str
    is_tls: bool


@dataclass(frozen=True, slots=True)
class Servers:
    """Whom the worker asks, for itself."""

    stun: tuple[Address, ...] = ()
    turn: tuple[TurnServer, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.stun or self.turn)

    @classmethod
    def of(cls, ice: IceSettings, name: str, now_seconds: int) -> Self:
        """Those that somebody has set, with credentials minted for ``name``.

        URLs that aioice cannot use, as STUN over TLS, are passed over.
        """
        if ice.is_default:
            return cls()
        stun: list[Address] = []
        turn: list[TurnServer] = []
        for entry in ice.render(name, now_seconds):
            for url in entry["urls"]:
                found = URL.fullmatch(url)
                if found is not None and found["scheme"] == "stun":
                    stun.append(_address(found, PORT))
                elif found is not None:
                    turn.append(_turn(found, entry["username"], entry["credential"]))
        return cls(tuple(stun[:MOST_STUN]), tuple(turn[:MOST_TURN]))


def _address(found: re.Match[str], port: int) -> Address:
    return found["host"].strip("[]"), int(found["port"] or port)


def _turn(
    found: re.Match[str], username: str | None, password: str | None
) -> TurnServer:
    is_tls = found["scheme"] == "turns"
    transport = found["transport"] or ("tcp" if is_tls else "udp")
    address = _address(found, TLS_PORT if is_tls else PORT)
    return TurnServer(address, username, password, transport, is_tls)


async def gather(
    path: Path, servers: Servers, tell: Callable[[Candidate], None]
) -> None:
    """Ask all of them at once, and tell each address when it is known, once."""
    known = {(local.host, local.port) for local in path.local_candidates}

    def found(candidate: Candidate | None) -> None:
        if candidate is None or (candidate.host, candidate.port) in known:
            return
        known.add((candidate.host, candidate.port))
        tell(candidate)

    async with asyncio.TaskGroup() as tasks:
        for server in servers.stun:
            for socket in path.sockets():
                ask = partial(_ask_stun, path, socket, server)
                tasks.create_task(_bounded(ask, server, found))
        for turn in servers.turn:
            relay = partial(_ask_turn, path, turn)
            tasks.create_task(_bounded(relay, turn.address, found))


async def _ask_stun(path: Path, socket: StunProtocol, server: Address) -> Candidate:
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(*server, family=AF_INET, type=SOCK_DGRAM)
    host, port = infos[0][4][:2]
    return await path.ask_stun(socket, (str(host), int(port)))


async def _ask_turn(path: Path, server: TurnServer) -> Candidate | None:
    return await path.ask_turn(
        server.address,
        server.username,
        server.password,
        transport=server.transport,
        is_tls=server.is_tls,
    )


async def _bounded(
    ask: Callable[[], Coroutine[Any, Any, Candidate | None]],
    server: Address,
    found: Callable[[Candidate | None], None],
) -> None:
    """A server that does not help keeps nobody from a call."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            candidate = await ask()
    except (OSError, TransactionError, TimeoutError, ValueError) as error:
        why = str(error) or type(error).__name__
        named = {"server": f"{server[0]}:{server[1]}", "why": why}
        logger.info("STUN or TURN server does not help", extra=named)
    else:
        found(candidate)
