"""The one client for URLs of a user's choosing.

A name is resolved once and every address that it has is checked; the connection
goes to a checked address, so that a name which changes its mind changes nothing.
Redirects are answers, not instructions.
"""

import socket
from collections.abc import Callable, Mapping

import urllib3
from urllib3.util import Timeout

from chalicelib.protocol.url_policy import ForbiddenUrl, Target, UrlPolicy
from chalicelib.services.ports import Answer

CONNECT_SECONDS = 3.0

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system orders them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedPoster:
    """A `Poster`."""

    def __init__(self, policy: UrlPolicy, resolve: Resolve = resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        try:
            target = self._policy.target(url)
            addresses = self._resolve(target.host, target.port)
            for address in addresses:
                self._policy.check(address)
        except ForbiddenUrl as forbidden:
            return Answer(None, f"forbidden: {forbidden}")
        except (OSError, UnicodeError):
            return Answer(None, "the host's name cannot be resolved")
        if not addresses:
            return Answer(None, "the host's name cannot be resolved")
        return _post(target, addresses[0], headers, body, timeout_seconds)


def _post(
    target: Target,
    address: str,
    headers: Mapping[str, str],
    body: bytes,
    timeout_seconds: float,
) -> Answer:
    timeout = Timeout(
        connect=min(CONNECT_SECONDS, timeout_seconds), total=timeout_seconds
    )
    with _pool(target, address, timeout) as pool:
        try:
            response = pool.urlopen(
                "POST",
                target.path,
                body=body,
                headers={**headers, "Host": _host_header(target)},
                retries=False,
                redirect=False,
                preload_content=False,
            )
            # The status says it all; a body that never ends is not waited for.
            response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(None, type(error).__name__)
    retry_after = response.headers.get("Retry-After", "")
    return Answer(
        response.status,
        retry_after_seconds=int(retry_after) if retry_after.isdecimal() else None,
    )


def _pool(target: Target, address: str, timeout: Timeout) -> urllib3.HTTPConnectionPool:
    """Connects to the address, and believes only the name."""
    if target.scheme == "http":
        return urllib3.HTTPConnectionPool(
            address, target.port, timeout=timeout, maxsize=1
        )
    return urllib3.HTTPSConnectionPool(
        address,
        target.port,
        timeout=timeout,
        maxsize=1,
        server_hostname=target.host,
        assert_hostname=target.host,
        cert_reqs="CERT_REQUIRED",
    )


def _host_header(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    default = 443 if target.scheme == "https" else 80
    return host if target.port == default else f"{host}:{target.port}"
