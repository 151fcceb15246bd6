"""The guarded client for files that an application wants played.

A name is resolved once, every address that it has is checked, and the connection goes
to one of those; redirects are answers, not instructions.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from chalicelib.protocol.url_policy import Target, UrlPolicy
from mediaworker.speech.freshness import Version
from mediaworker.speech.guard import (
    ADDRESSES_TRIED,
    BAD_GATEWAY,
    TIMED_OUT,
    Guard,
    Resolve,
    resolve,
)
from mediaworker.speech.ports import Failure

LARGEST = 100 << 20

NOT_MODIFIED, TOO_LARGE, UNSUPPORTED = 304, 413, 415


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take."""

    connect_seconds: float = 5.0
    answer_seconds: float = 10.0
    silence_seconds: float = 10.0


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Download:
    """A file that comes, or the word that it is still the same."""

    version: Version
    chunks: AsyncIterator[bytes] | None
    """Its bytes as they come; None when it is the one that was asked about."""


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
        self._guard = Guard(policy, resolve, patience.connect_seconds)
        self._patience = patience
        self._largest = largest

    @asynccontextmanager
    async def file(
        self, url: str, known: Version | None = None
    ) -> AsyncIterator[Download]:
        """The file, unless it is the one that is ``known``."""
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
            question = known.question() if known is not None else {}
            asked = _Asked(session, target, question)
            response = await self._answer(asked, addresses)
            try:
                yield self._download(response, is_asked=bool(question))
            finally:
                response.close()

    async def _allowed(self, url: str) -> tuple[Target, Sequence[str]]:
        target = self._guard.target(url)
        addresses = await self._guard.addresses(target.host, target.port)
        return target, addresses[:ADDRESSES_TRIED]

    def _download(
        self, response: aiohttp.ClientResponse, *, is_asked: bool
    ) -> Download:
        version = Version.of(response.headers)
        if is_asked and response.status == NOT_MODIFIED:
            return Download(version, None)
        _check(response, self._largest)
        return Download(version, self._chunks(response))

    async def _answer(
        self, asked: "_Asked", addresses: Sequence[str]
    ) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout(self._patience.answer_seconds):
                return await asked.first_answer(addresses)
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


class _Asked:
    """One question, at one address after the other."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        target: Target,
        question: Mapping[str, str],
    ) -> None:
        self._session = session
        self._target = target
        self._question = question

    async def first_answer(self, addresses: Sequence[str]) -> aiohttp.ClientResponse:
        *others, last = addresses
        for address in others:
            try:
                return await self._get(address)
            except aiohttp.ClientConnectorSSLError:
                raise
            except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
                continue
        return await self._get(last)

    async def _get(self, address: str) -> aiohttp.ClientResponse:
        """Connects to the address, and believes only the name."""
        target = self._target
        at = f"[{address}]" if ":" in address else address
        url = URL(f"{target.scheme}://{at}:{target.port}{target.path}", encoded=True)
        return await self._session.get(
            url,
            headers={
                "Host": target.host_header,
                "Accept-Encoding": "identity",
                **self._question,
            },
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
