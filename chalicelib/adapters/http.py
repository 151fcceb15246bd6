"""The one client for URLs of a user's choosing.

A name is resolved once and every address that it has is checked; the connection
goes to a checked address, so that a name which changes its mind changes nothing.
Redirects are answers, not instructions. Nothing of the environment is used: no
proxies, no cookies, no connection that is kept.
"""

import functools
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import zip_longest

from chalicelib.adapters import exchange
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.exchange import Deadline, Failed, failures_of
from chalicelib.protocol import retry_after
from chalicelib.protocol.url_policy import ForbiddenUrl, Target, UrlPolicy
from chalicelib.services.ports import Answer, Clock

CONNECT_SECONDS = 3.0
"""To one address, of which there may be several."""
MOST_TRIED = 4
MOST_LOOKUPS = 64
"""At a time: one that is given up goes on until the system gives it up too."""
UNRESOLVED = "the host's name cannot be resolved"
AGENT = "Parley-Webhooks/1"

Resolve = Callable[[str, int], Sequence[str]]
Lookup = Sequence[str] | Exception


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system orders them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Believes whom the system believes; reading its certificates takes a while."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class GuardedPoster:
    """A `Poster`; good for many threads at once."""

    def __init__(
        self,
        policy: UrlPolicy,
        resolve: Resolve = resolve,
        clock: Clock | None = None,
        tls: Callable[[], ssl.SSLContext] = tls_context,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._clock = clock or SystemClock()
        self._tls = tls
        self._lookups = threading.BoundedSemaphore(MOST_LOOKUPS)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        """``timeout_seconds`` are for all of it, from the name's look-up on."""
        deadline = Deadline.after(timeout_seconds)
        try:
            target = self._policy.target(url)
            request = exchange.request_of(
                target, {"User-Agent": AGENT, **headers}, body
            )
            addresses = self._addresses(target, deadline)
            with closing(self._connected(target, addresses, deadline)) as connection:
                head = exchange.answer_to(request, connection, deadline)
        except ForbiddenUrl as forbidden:
            return Answer(None, f"forbidden: {forbidden}")
        except Failed as failure:
            return Answer(None, str(failure))
        asked = head.fields.get("retry-after", "")
        now_seconds = self._clock.now_ms() // 1000
        return Answer(
            head.status, retry_after_seconds=retry_after.parse(asked, now_seconds)
        )

    def _addresses(self, target: Target, deadline: Deadline) -> Sequence[str]:
        """Checked, all of them; raises `ForbiddenUrl` or `Failed`."""
        if target.address is not None:
            return [target.address]
        addresses = self._looked_up(target, deadline)
        for address in addresses:
            self._policy.check(address)
        if not addresses:
            raise Failed(UNRESOLVED)
        return alternating(addresses)[:MOST_TRIED]

    def _looked_up(self, target: Target, deadline: Deadline) -> Sequence[str]:
        """In a thread of its own, for the system's look-up cannot be interrupted."""
        found = queue.SimpleQueue[Lookup]()
        with failures_of("looking up the host's name"):
            if not self._lookups.acquire(timeout=deadline.left()):
                raise TimeoutError
            look_up = functools.partial(self._look_up, target, found)
            threading.Thread(target=look_up, daemon=True).start()
            try:
                addresses = found.get(timeout=deadline.left())
            except queue.Empty:
                raise TimeoutError from None
        if isinstance(addresses, OSError | UnicodeError):
            raise Failed(UNRESOLVED) from addresses
        if isinstance(addresses, Exception):
            raise addresses
        return addresses

    def _look_up(self, target: Target, found: queue.SimpleQueue[Lookup]) -> None:
        try:
            found.put(self._resolve(target.host, target.port))
        except Exception as error:
            found.put(error)
        finally:
            self._lookups.release()

    def _connected(
        self, target: Target, addresses: Sequence[str], deadline: Deadline
    ) -> socket.socket:
        """Connects to an address, and believes only the name; raises `Failed`."""
        with failures_of("connecting"):
            plain = _first_connected(addresses, target.port, deadline)
        if not target.is_secure:
            return plain
        with failures_of("in the TLS handshake"):
            try:
                return _secured(plain, self._tls(), target.host, deadline)
            except BaseException:
                plain.close()
                raise


def alternating(addresses: Sequence[str]) -> list[str]:
    """Without repetitions, families in turn (RFC 8305 section 4)."""
    unique = list(dict.fromkeys(addresses))
    is_first_ipv6 = ":" in unique[0]
    first = [one for one in unique if (":" in one) is is_first_ipv6]
    others = [one for one in unique if (":" in one) is not is_first_ipv6]
    return [one for pair in zip_longest(first, others) for one in pair if one]


def _first_connected(
    addresses: Sequence[str], port: int, deadline: Deadline
) -> socket.socket:
    """Each has its share of the time that is left."""
    for left, address in zip(range(len(addresses), 1, -1), addresses, strict=False):
        try:
            return _connect(address, port, deadline.left() / left)
        except OSError:
            continue
    return _connect(addresses[-1], port, deadline.left())


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(min(CONNECT_SECONDS, seconds))
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


def _secured(
    plain: socket.socket, context: ssl.SSLContext, host: str, deadline: Deadline
) -> ssl.SSLSocket:
    plain.settimeout(deadline.left())
    # Of one that was reset already wrapping would lose the socket, still open.
    plain.getpeername()
    secured = context.wrap_socket(
        plain, server_hostname=host, do_handshake_on_connect=False
    )
    try:
        secured.do_handshake()
    except BaseException:
        secured.close()
        raise
    return secured
