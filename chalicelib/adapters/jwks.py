"""An issuer's keys, from where it publishes them."""

import logging
import threading
from typing import TYPE_CHECKING

from chalicelib.protocol.jwks import (
    MOST_BYTES,
    Copy,
    InvalidKeySet,
    KeySet,
    PublicKey,
)
from chalicelib.services.ports import Clock

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

log = logging.getLogger(__name__)

FETCH_SECONDS = 3.0
CHUNK_BYTES = 16 * 1024


class KeysUnavailable(Exception):
    """The issuer's keys did not come; says why, without the URL."""


class FetchedKeys:
    """`chalicelib.protocol.tokens.Keys`, asked for when a token needs them.

    While they cannot be had, those that were stay good, and no others are.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._copy = Copy()
        self._lock = threading.Lock()

    def find(self, kid: str) -> PublicKey | None:
        # One asks, and the others wait for what it gets.
        with self._lock:
            if self._copy.is_due(kid, self._clock.now_ms()):
                self._renew()
            return self._copy.keys.find(kid)

    def _renew(self) -> None:
        self._copy = self._copy.asked(self._clock.now_ms())
        try:
            keys = KeySet.parse(fetch(self._url, self._clock))
        except (KeysUnavailable, InvalidKeySet) as error:
            log.warning("an issuer's keys did not come", extra={"reason": str(error)})
        else:
            self._copy = self._copy.renewed(keys, self._clock.now_ms())


def fetch(url: str, clock: Clock) -> bytes:
    """The document, of at most `MOST_BYTES`. Raises `KeysUnavailable`."""
    # An issuer is rarely there, and the others need not wait for this.
    import urllib3

    timeout = urllib3.Timeout(total=FETCH_SECONDS)
    ends_at_ms = clock.now_ms() + int(FETCH_SECONDS * 1000)
    try:
        with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
            response = pool.request(
                "GET",
                url,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            if response.status != 200:
                raise KeysUnavailable(f"status {response.status}")
            return _body(response, clock, ends_at_ms)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise KeysUnavailable(type(error).__name__) from error


def _body(response: "BaseHTTPResponse", clock: Clock, ends_at_ms: int) -> bytes:
    """As it comes, for one that drips comes in time by no timeout of a read's."""
    body = b""
    while chunk := response.read1(CHUNK_BYTES):
        body += chunk
        if len(body) > MOST_BYTES:
            raise KeysUnavailable(f"more than {MOST_BYTES} bytes")
        if clock.now_ms() > ends_at_ms:
            raise KeysUnavailable("too slow")
    return body
