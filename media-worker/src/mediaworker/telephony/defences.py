"""Who is let speak to the SIP port, before a byte of what it says is read.

Strangers have few messages a second; who goes on beyond that, or asks only for what
there is not, hears nothing more for a while, and longer each time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

OFFENCES = frozenset({400, 401, 403, 404, 405, 415, 416, 420, 480, 481, 482, 501, 505})
"""Answers that scanners get again and again, and phones seldom."""
MOST_SOURCES = 10_000
SIP_RESPONSE = b"SIP/2.0 "


@dataclass(frozen=True, slots=True)
class Leniency:
    """What a source may do."""

    messages_a_second: float = 40.0
    burst: float = 200.0
    offences_a_second: float = 0.5
    most_offences: float = 30.0
    ban_seconds: float = 30.0
    """Doubled with each ban that follows within the day, up to the longest."""
    longest_ban_seconds: float = 3_600.0


class Defences:
    """Pure: remembers the last sources, as many as it may."""

    def __init__(
        self, friends: Sequence[Network] = (), leniency: Leniency | None = None
    ) -> None:
        """Friends may say as much as they like."""
        self._friends = tuple(friends)
        self._leniency = leniency or Leniency()
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self.dropped = 0
        """Messages that were not read."""
        self.bans = 0

    def admits(self, host: str, now: float) -> bool:
        """Whether its next message is to be read."""
        if self.is_friend(host):
            return True
        source = self._source(host, now)
        if now < source.banned_until:
            self.dropped += 1
            return False
        if source.messages.take(now):
            return True
        self.dropped += 1
        self._offend(source, now)
        return False

    def saw_answer(self, message: bytes, host: str, now: float) -> None:
        """What it is told by us."""
        status = message[8:11]
        if not message.startswith(SIP_RESPONSE) or not status.isdigit():
            return
        if int(status) in OFFENCES and not self.is_friend(host):
            self._offend(self._source(host, now), now)

    def is_friend(self, host: str) -> bool:
        return bool(self._friends) and is_within(host, self._friends)

    def _offend(self, source: "_Source", now: float) -> None:
        if source.offences.take(now):
            return
        leniency = self._leniency
        seconds = leniency.ban_seconds * 2.0 ** min(source.bans, 16)
        source.banned_until = now + min(seconds, leniency.longest_ban_seconds)
        source.bans += 1
        self.bans += 1

    def _source(self, host: str, now: float) -> "_Source":
        name = _name_of(host)
        source = self._sources.get(name)
        if source is None:
            leniency = self._leniency
            source = self._sources[name] = _Source(
                Bucket(leniency.messages_a_second, leniency.burst, now),
                Bucket(leniency.offences_a_second, leniency.most_offences, now),
            )
            if len(self._sources) > MOST_SOURCES:
                self._sources.popitem(last=False)
        else:
            self._sources.move_to_end(name)
        return source


class Bucket:
    """So many at once, and so many a second."""

    __slots__ = ("_at", "_left", "_most", "_rate")

    def __init__(self, rate: float, most: float, now: float) -> None:
        self._rate = rate
        self._most = self._left = most
        self._at = now

    def take(self, now: float) -> bool:
        """False when there is none."""
        grown = self._left + max(0.0, now - self._at) * self._rate
        self._at = max(now, self._at)
        self._left = min(self._most, grown)
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(slots=True)
class _Source:
    messages: Bucket
    offences: Bucket
    banned_until: float = 0.0
    bans: int = 0


def is_within(host: str, networks: Sequence[Network]) -> bool:
    """False for what is no address, too."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def _name_of(host: str) -> str:
    """Of IPv6 the half that a site has for itself."""
    if ":" not in host:
        return host
    try:
        return str(IPv6Network((host.partition("%")[0], 64), strict=False))
    except ValueError:
        return host
