"""An issuer's keys, fetched beside the sessions: who needs one never waits for it."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from chalicelib.protocol.jwks import (
    MOST_BYTES,
    Copy,
    InvalidKeySet,
    KeySet,
    PublicKey,
)

logger = logging.getLogger(__name__)

FETCH_SECONDS = 3.0
CHUNK_BYTES = 16 * 1024
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


class KeysUnavailable(Exception):
    """The issuer's keys did not come; says why, without the URL."""


class FetchedKeys:
    """`chalicelib.protocol.tokens.Keys`, of what has come so far.

    A key that is not there yet is asked for, and found by who comes again. While the
    keys cannot be had, those that were stay good, and no others are.
    """

    def __init__(self, url: str, now_ms: Callable[[], int]) -> None:
        self._url = url
        self._now_ms = now_ms
        self._copy = Copy()
        self._is_wanted = asyncio.Event()
        # The first token should find the keys here.
        self._is_wanted.set()

    def find(self, kid: str) -> PublicKey | None:
        if self._copy.is_due(kid, self._now_ms()):
            self._is_wanted.set()
        return self._copy.keys.find(kid)

    async def run(self) -> None:
        """Until cancelled."""
        async with _client() as client:
            while True:
                await self._is_wanted.wait()
                await self._renew(client)
                self._is_wanted.clear()

    async def _renew(self, client: aiohttp.ClientSession) -> None:
        self._copy = self._copy.asked(self._now_ms())
        try:
            keys = KeySet.parse(await _fetch(client, self._url))
        except (KeysUnavailable, InvalidKeySet) as error:
            logger.warning("issuer's keys did not come", extra={"reason": str(error)})
        else:
            self._copy = self._copy.renewed(keys, self._now_ms())


def _client() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    return aiohttp.ClientSession(
        timeout=timeout, headers=HEADERS, auto_decompress=False, trust_env=False
    )


async def _fetch(client: aiohttp.ClientSession, url: str) -> bytes:
    """The document, of at most `MOST_BYTES`. Raises `KeysUnavailable`."""
    try:
        async with client.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise KeysUnavailable(f"status {response.status}")
            return await _body(response)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise KeysUnavailable(type(error).__name__) from None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > MOST_BYTES:
            raise KeysUnavailable(f"more than {MOST_BYTES} bytes")
    return body
