"""Which calls may be placed, and how many: nothing leads out unless it is allowed.

Refused
├── the callee is no SIP URI that can be called     400
├── it is not allowed to be called                  403
└── the tenant has as many calls as it may have     403
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from chalicelib.protocol.url_policy import ForbiddenUrl, UrlPolicy
from mediaworker.sip.addresses import Uri
from mediaworker.sip.routing import DEFAULT_PORT, TRANSPORTS, Transport, unbracketed
from mediaworker.telephony.defences import Bucket, Network, is_within

BAD_REQUEST = 400
FORBIDDEN = 403
NOT_IMPLEMENTED = 501
SIP = "sip:"
HOST = re.compile(r"\*?[a-z0-9.-]{1,253}\Z")
PORT = re.compile(r"[0-9]{1,5}\Z")
DAY_MS = 86_400_000


class Refused(Exception):
    """There is no call: a SIP status, and one plain sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Destination:
    """A place that calls may lead to."""

    network: Network | None
    host: str = ""
    """In lower case; all names that end so, if it begins with ``*.``, and any at all
    if it is ``*``."""
    port: int | None = None
    """None: any."""

    @classmethod
    def parse(cls, text: str) -> "Destination":
        """``10.0.0.0/8``, ``sip.example.com:5070``, ``*.example.com`` or ``*``.

        Raises ValueError.
        """
        text = text.strip().lower()
        try:
            return cls(ip_network(text.strip("[]")))
        except ValueError:
            pass
        host, colon, digits = text.rpartition(":")
        if not colon:
            host, digits = text, ""
        is_port = PORT.match(digits) is not None and int(digits) <= 0xFFFF
        if colon and not is_port:
            raise ValueError("a destination's port is a number")
        port = int(digits) if digits else None
        try:
            return cls(ip_network(host.strip("[]")), port=port)
        except ValueError:
            pass
        if host != "*" and not HOST.match(host):
            raise ValueError("a destination is a network, or a host by its name")
        return cls(None, host, port)

    def takes(self, host: str, port: int) -> bool:
        if self.port not in (None, port):
            return False
        if self.network is not None:
            return is_within(host, (self.network,))
        name = self.host
        if name.startswith("*"):
            return host.endswith(name[1:])
        return host == name


@dataclass(frozen=True, slots=True)
class Caps:
    """Of each tenant, on one worker."""

    a_second: float = 1.0
    at_once: int = 20
    a_day: int = 1_000


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom to call, as it was understood."""

    uri: str
    host: str
    port: int
    transport: Transport


def callee_of(text: str) -> Callee:
    """Raises `Refused`."""
    try:
        uri = Uri.parse(_bare(text))
    except ValueError:
        raise Refused(BAD_REQUEST, "the callee is no SIP URI") from None
    named = (uri.parameters.get("transport") or "udp").lower()
    if uri.scheme != "sip" or named not in TRANSPORTS:
        sentence = "only sip URIs over UDP and TCP can be called"
        raise Refused(NOT_IMPLEMENTED, sentence)
    if not uri.host or "maddr" in uri.parameters:
        raise Refused(BAD_REQUEST, "the callee's URI names no host of its own")
    host, port = unbracketed(uri.host).lower(), uri.port or DEFAULT_PORT
    return Callee(str(uri), host, port, TRANSPORTS[named])


def caller_of(text: str | None, host: str) -> str:
    """A URI, where a name alone will do; raises `Refused`."""
    bare = _bare(text or "parley")
    host = f"[{host}]" if ":" in host else host
    if "@" not in bare and ":" not in bare.removeprefix(SIP) and text is not None:
        bare = f"{SIP}{bare.removeprefix(SIP)}@{host}"
    elif text is None:
        bare = f"{bare}@{host}"
    try:
        return str(Uri.parse(bare))
    except ValueError:
        raise Refused(BAD_REQUEST, "the caller is no SIP URI") from None


class Outbound:
    """Pure: counts the calls of each tenant on this worker."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        caps: Caps,
        *,
        allows_loopback: bool = False,
    ) -> None:
        """Loopback may be called in development, without being named."""
        self._destinations = tuple(destinations)
        self._caps = caps
        self._allows_loopback = allows_loopback
        self._policy = UrlPolicy(allows_loopback=allows_loopback)
        self._rates: dict[str, Bucket] = {}
        self._live: Counter[str] = Counter()
        self._day = -1
        self._today: Counter[str] = Counter()
        self.refused = 0

    def begin(self, tenant: str, callee: Callee, now: float, epoch_ms: int) -> None:
        """Count a call that is to be placed; `end` follows. Raises `Refused`."""
        try:
            self._check_name(callee)
            self._check_caps(tenant, now, epoch_ms)
        except Refused:
            self.refused += 1
            raise
        self._live[tenant] += 1
        self._today[tenant] += 1

    def end(self, tenant: str) -> None:
        self._live[tenant] -= 1
        if self._live[tenant] <= 0:
            del self._live[tenant]

    def check(self, callee: Callee, address: str) -> None:
        """Whether what the name has become may be called; raises `Refused`."""
        networks = [d for d in self._destinations if d.network is not None]
        if any(d.takes(address, callee.port) for d in networks):
            return
        try:
            self._policy.check(address)
        except ForbiddenUrl:
            self.refused += 1
            sentence = "the callee's host leads where calls must not lead"
            raise Refused(FORBIDDEN, sentence) from None

    def _check_name(self, callee: Callee) -> None:
        is_allowed = any(d.takes(callee.host, callee.port) for d in self._destinations)
        is_here = self._allows_loopback and _is_loopback(callee.host)
        if not is_allowed and not is_here:
            raise Refused(FORBIDDEN, "calls to this destination are not allowed")

    def _check_caps(self, tenant: str, now: float, epoch_ms: int) -> None:
        caps = self._caps
        if epoch_ms // DAY_MS != self._day:
            self._day = epoch_ms // DAY_MS
            self._today.clear()
            self._rates.clear()
        if self._live[tenant] >= caps.at_once:
            raise Refused(FORBIDDEN, "the tenant has as many calls as it may have")
        if self._today[tenant] >= caps.a_day:
            raise Refused(FORBIDDEN, "the tenant has placed its calls of the day")
        burst = max(1.0, caps.a_second)
        bucket = self._rates.setdefault(tenant, Bucket(caps.a_second, burst, now))
        if not bucket.take(now):
            raise Refused(FORBIDDEN, "the tenant places calls too fast")


def destinations_of(texts: Iterable[str]) -> tuple[Destination, ...]:
    """Raises ValueError."""
    return tuple(Destination.parse(text) for text in texts)


def _bare(text: str) -> str:
    """Out of its brackets, and with its scheme."""
    uri = text.strip()
    if uri.endswith(">") and "<" in uri:
        uri = uri[uri.rindex("<") + 1 : -1]
    scheme, colon, rest = uri.partition(":")
    is_named = colon and scheme.isalpha() and not rest[:1].isdigit()
    return uri if is_named or uri.lower().startswith((SIP, "tel:")) else SIP + uri


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
