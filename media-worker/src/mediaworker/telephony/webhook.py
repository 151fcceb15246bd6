"""Tells businesses of calls that come: signed, to addresses that are checked.

A name is resolved once, every address that it has is checked, and the connection goes
to one of those; redirects are not followed.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
from yarl import URL

from chalicelib.protocol.url_policy import ForbiddenUrl, Target, UrlPolicy

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
ADDRESSES_TRIED = 3
AGENT = "Parley-Webhooks/1"
PREFIX = "whsec_"
EVENT = "invite"

ResolveAll = Callable[[str, int], Awaitable[Sequence[str]]]


class SipWebhook:
    """The URLs in turn; the next one where one fails."""

    def __init__(
        self,
        urls: Sequence[str],
        secret: str | None,
        policy: UrlPolicy,
        resolve: ResolveAll,
        epoch_ms: Callable[[], int],
    ) -> None:
        """Without a secret nothing is signed."""
        self._urls = tuple(urls)
        self._secret = secret
        self._policy = policy
        self._resolve = resolve
        self._epoch_ms = epoch_ms
        self._turn = 0
        self.failed = 0
        """Attempts."""

    async def tell(self, event_id: str, body: Mapping[str, Any]) -> bool:
        """Whether one of them has answered with 2xx."""
        first, self._turn = self._turn, self._turn + 1
        data = json.dumps(body, ensure_ascii=False).encode()
        for at in range(len(self._urls)):
            url = self._urls[(first + at) % len(self._urls)]
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    status = await self._post(url, event_id, data)
            except (ForbiddenUrl, aiohttp.ClientError, OSError, ValueError) as error:
                why = type(error).__name__
            else:
                if 200 <= status < 300:
                    return True
                why = str(status)
            self.failed += 1
            logger.warning("SIP webhook failed", extra={"why": why})
        return False

    async def _post(self, url: str, event_id: str, data: bytes) -> int:
        target = self._policy.target(url)
        addresses = await self._resolve(target.host, target.port)
        for address in addresses:
            self._policy.check(address)
        if not addresses:
            raise OSError("no address")
        headers = {
            "Content-Type": "application/json",
            "Host": target.host_header,
            "User-Agent": AGENT,
            **self._signed(event_id, data),
        }
        async with aiohttp.ClientSession(
            trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            *others, last = addresses[:ADDRESSES_TRIED]
            for address in others:
                try:
                    return await _sent(session, target, address, headers, data)
                except aiohttp.ClientConnectorSSLError:
                    raise
                except aiohttp.ClientConnectorError:
                    continue
            return await _sent(session, target, last, headers, data)

    def _signed(self, event_id: str, data: bytes) -> dict[str, str]:
        seconds = str(self._epoch_ms() // 1_000)
        headers = {
            "X-Event-Type": EVENT,
            "X-Event-ID": event_id,
            "X-Timestamp": seconds,
            "webhook-id": event_id,
            "webhook-timestamp": seconds,
        }
        if self._secret is not None:
            headers |= signatures(self._secret, event_id, seconds, data)
        return headers


def signatures(secret: str, event_id: str, seconds: str, data: bytes) -> dict[str, str]:
    """By the contract (hex of the body), and by Standard Webhooks."""
    simple = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    told = f"{event_id}.{seconds}.".encode() + data
    digest = hmac.new(_key(secret), told, hashlib.sha256).digest()
    standard = base64.b64encode(digest).decode()
    return {"X-Signature": simple, "webhook-signature": f"v1,{standard}"}


def _key(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()


async def _sent(
    session: aiohttp.ClientSession,
    target: Target,
    address: str,
    headers: Mapping[str, str],
    data: bytes,
) -> int:
    """Connects to the address, and believes only the name; the answer's status."""
    async with session.post(
        _pinned(target, address),
        data=data,
        headers=headers,
        allow_redirects=False,
        server_hostname=target.host if target.is_secure else None,
    ) as response:
        return response.status


def _pinned(target: Target, address: str) -> URL:
    at = f"[{address}]" if ":" in address else address
    return URL(f"{target.scheme}://{at}:{target.port}{target.path}", encoded=True)
