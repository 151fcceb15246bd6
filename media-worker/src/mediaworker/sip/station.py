"""What all the machines of an endpoint share: its name, its time, its way out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from zlib import crc32

from mediaworker.sip.routing import (
    TRANSPORTS,
    Hop,
    Transmission,
    Transport,
    unbracketed,
)
from mediaworker.sip.timers import Agenda, Timers

COOKIE = "z9hG4bK"
MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Identity:
    """How the endpoint names itself in Contact and Via."""

    host: str
    """IPv6 in brackets."""
    ports: Mapping[Transport, int]
    user_agent: str
    user: str = "parley"

    def __post_init__(self) -> None:
        if set(self.ports) != set(TRANSPORTS.values()):
            raise ValueError("an endpoint has a port of each transport")

    def via(self, transport: Transport, branch: str) -> str:
        port = self.ports[transport]
        return f"SIP/2.0/{transport} {self.host}:{port};branch={branch};rport"

    def contact(self, transport: Transport) -> str:
        place = f"{self.user}@{self.host}:{self.ports[transport]}"
        return f"<sip:{place};transport={transport.lower()}>"


@dataclass(frozen=True, slots=True)
class Limits:
    calls: int = 2_000
    transactions: int = 20_000
    """Where requests of strangers are refused; those within calls are not."""
    forks: int = 16
    """Of one call that we place: dialogs that answer it."""
    ringing_seconds: float = 300.0
    """After so long without a final response, what we asked for is cancelled."""


class Station:
    def __init__(
        self,
        identity: Identity,
        ids: Callable[[], str],
        timers: Timers,
        limits: Limits,
    ) -> None:
        self.identity = identity
        self.ids = ids
        self.timers = timers
        self.limits = limits
        self.agenda = Agenda()
        self._hosts: tuple[str, ...] = (identity.host,)
        """The last that it had, the present one among them."""
        self._outgoing: list[Transmission] = []

    def rename(self, host: str) -> None:
        """From now on; what is under way is answered to the former name still."""
        self.identity = replace(self.identity, host=host)
        self._hosts = (*self._hosts, host)[-MOST_NAMES:]

    def is_named(self, host: str) -> bool:
        """By the name that it has, or by one that it had."""
        return unbracketed(host) in map(unbracketed, self._hosts)

    def transmit(self, data: bytes, hop: Hop) -> None:
        self._outgoing.append(Transmission(data, hop))

    def take_outgoing(self) -> list[Transmission]:
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def branch(self) -> str:
        return COOKIE + self.ids()

    def chance(self, below: int) -> int:
        """A number that nobody foresees."""
        return crc32(self.ids().encode()) % below
