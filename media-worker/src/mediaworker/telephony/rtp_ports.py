"""Which pairs of UDP ports the audio of calls goes through (RFC 3550 section 11)."""

import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

QUARANTINE_SECONDS = 5.0
"""How long a pair rests: what was still on its way must not reach the next call."""
MOST_TRIES = 64
RECEIVE_BYTES = 1 << 16
TIMESTAMPS = 35
"""SO_TIMESTAMPNS, and what its answers are called: Linux's, which Python lacks."""


class NoPorts(Exception):
    """No pair of ports is to be had."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Bound, and not blocking."""

    rtp: socket.socket
    rtcp: socket.socket
    port: int
    """Of RTP, an even one; RTCP has the next."""

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


class RtpPorts:
    """Those of one worker, in turn."""

    def __init__(
        self, host: str, ports: range, clock: Callable[[], float], start: int = 0
    ) -> None:
        """Of the ports' pairs, ``start`` chooses the first, so that nobody foresees
        it."""
        first = ports.start + ports.start % 2
        self._pairs = range(first, ports.stop - 1, 2)
        self._host = host
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._clock = clock
        self._next = start % max(1, len(self._pairs))
        self._used: set[int] = set()
        self._resting: deque[tuple[float, int]] = deque()

    def __len__(self) -> int:
        """How many pairs are in use."""
        return len(self._used) - len(self._resting)

    def open(self) -> Pair:
        """The next that is free; raises `NoPorts`."""
        self._end_rest()
        for _ in range(min(len(self._pairs), MOST_TRIES + len(self._used))):
            port = self._pairs[self._next]
            self._next = (self._next + 1) % len(self._pairs)
            if port not in self._used and (pair := self._bound(port)) is not None:
                self._used.add(port)
                return pair
        raise NoPorts("no port is free for the audio")

    def close(self, pair: Pair) -> None:
        pair.close()
        self._resting.append((self._clock() + QUARANTINE_SECONDS, pair.port))

    def _end_rest(self) -> None:
        now = self._clock()
        while self._resting and self._resting[0][0] <= now:
            self._used.discard(self._resting.popleft()[1])

    def _bound(self, port: int) -> Pair | None:
        opened: list[socket.socket] = []
        try:
            for number in (port, port + 1):
                opened.append(one := socket.socket(self._family, socket.SOCK_DGRAM))
                one.setblocking(False)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
                one.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
                one.bind((self._host, number))
        except OSError:
            for one in opened:
                one.close()
            return None
        return Pair(opened[0], opened[1], port)
