"""The guarded client for files that an application wants played.

A name is resolved once, every address that it has is checked, and the connection goes
to one of those; redirects are answers, not instructions.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from chalicelib.protocol.url_policy import ForbiddenUrl, Target, UrlPolicy
from mediaworker.speech.ports import Failure

LARGEST = 100 << 20
ADDRESSES_TRIED = 3

FORBIDDEN, TOO_LARGE, UNSUPPORTED = 403, 413, 415
BAD_GATEWAY, TIMED_OUT = 502, 504

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take."""

    connect_seconds: float = 5.0
    answer_seconds: float = 10.0
    silence_seconds: float = 10.0


PATIENCE = Patience()


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system orders them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Downloader:
    """Every failure is a `Failure`."""

    def __init__(
        self,
        policy: UrlPolicy,
        *,
        resolve: Resolve = resolve,
        patience: Patience = PATIENCE,
        largest: int = LARGEST,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._patience = patience
        self._largest = largest

    @asynccontextmanager
    async def body(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The file's bytes as they come."""
        target, addresses = await self._allowed(url)
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=self._patience.connect_seconds,
            sock_read=self._patience.silence_seconds,
        )
        async with aiohttp.ClientSession(
            timeout=timeout,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            response = await self._answer(session, target, addresses)
            try:
                _check(response, self._largest)
                yield self._chunks(response)
            finally:
                response.close()

    async def _allowed(self, url: str) -> tuple[Target, Sequence[str]]:
        try:
            target = self._policy.target(url)
            async with asyncio.timeout(self._patience.connect_seconds):
                addresses = await self._resolve(target.host, target.port)
            for address in addresses:
                self._policy.check(address)
        except ForbiddenUrl as forbidden:
            raise Failure(f"the URL is not allowed: {forbidden}", FORBIDDEN) from None
        except TimeoutError:
            raise Failure(
                "the host's name was not resolved in time", TIMED_OUT
            ) from None
        except (OSError, UnicodeError):
            addresses = ()
        if not addresses:
            raise Failure("the host's name cannot be resolved", BAD_GATEWAY)
        return target, addresses[:ADDRESSES_TRIED]

    async def _answer(
        self, session: aiohttp.ClientSession, target: Target, addresses: Sequence[str]
    ) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout(self._patience.answer_seconds):
                return await _first_answer(session, target, addresses)
        except aiohttp.ClientConnectorCertificateError:
            raise Failure(
                "the server's certificate is not valid", BAD_GATEWAY
            ) from None
        except aiohttp.ClientSSLError:
            raise Failure(
                "the server does not speak TLS properly", BAD_GATEWAY
            ) from None
        except aiohttp.ClientConnectorError:
            raise Failure("the server cannot be reached", BAD_GATEWAY) from None
        except TimeoutError:
            raise Failure("the server did not answer in time", TIMED_OUT) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise Failure("the server's answer is not HTTP", BAD_GATEWAY) from None

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > self._largest:
                    raise Failure(_too_large(self._largest), TOO_LARGE)
                yield chunk
        except TimeoutError:
            raise Failure("the server stopped sending", TIMED_OUT) from None
        except aiohttp.ClientPayloadError:
            raise Failure("the file ended before it was whole", BAD_GATEWAY) from None
        except (aiohttp.ClientError, OSError):
            raise Failure("the connection was lost", BAD_GATEWAY) from None


async def _first_answer(
    session: aiohttp.ClientSession, target: Target, addresses: Sequence[str]
) -> aiohttp.ClientResponse:
    *others, last = addresses
    for address in others:
        try:
            return await _get(session, target, address)
        except aiohttp.ClientConnectorSSLError:
            raise
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
            continue
    return await _get(session, target, last)


async def _get(
    session: aiohttp.ClientSession, target: Target, address: str
) -> aiohttp.ClientResponse:
    """Connects to the address, and believes only the name."""
    at = f"[{address}]" if ":" in address else address
    url = URL(f"{target.scheme}://{at}:{target.port}{target.path}", encoded=True)
    return await session.get(
        url,
        headers={"Host": target.host_header, "Accept-Encoding": "identity"},
        allow_redirects=False,
        server_hostname=target.host if target.is_secure else None,
    )


def _check(response: aiohttp.ClientResponse, largest: int) -> None:
    """Raises `Failure` for an answer that is not a file."""
    status = response.status
    if 300 <= status < 400:
        raise Failure("the server redirects, and that is not followed", BAD_GATEWAY)
    if status not in (200, 203):
        code = status if 400 <= status < 500 else BAD_GATEWAY
        raise Failure(f"the server answered {status}", code)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Failure("the server compresses the file", UNSUPPORTED)
    if (response.content_length or 0) > largest:
        raise Failure(_too_large(largest), TOO_LARGE)


def _too_large(largest: int) -> str:
    return f"the file is larger than {largest >> 20} MB"
