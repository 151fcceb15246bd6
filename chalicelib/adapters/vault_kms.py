"""A key of AWS KMS as the vault; its context is bound to what it seals."""

import base64
import binascii
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.services.ports import Clock
from chalicelib.services.vault import SealBroken, VaultFailed

PREFIX = "kms:"
"""Tells what another vault has sealed."""
KEPT_MS = 5 * 60 * 1000
"""How long what was opened is not asked for again: a webhook does not wait for KMS."""
MOST_KEPT = 256
BROKEN = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})

_Address = tuple[str, frozenset[tuple[str, str]]]


class KmsVault:
    """A `Vault`."""

    def __init__(self, client: Callable[[], Any], key_arn: str, clock: Clock) -> None:
        """``client`` is called when it is first needed, and each time after."""
        self._client = client
        self._key_arn = key_arn
        self._clock = clock
        self._opened: OrderedDict[_Address, tuple[str, int]] = OrderedDict()
        """With the instant, in epoch milliseconds, until which it is kept."""
        self._lock = threading.Lock()

    def seal(self, plaintext: str, context: Mapping[str, str]) -> str:
        answer = self._ask("encrypt", context, Plaintext=plaintext.encode())
        return PREFIX + base64.b64encode(answer["CiphertextBlob"]).decode()

    def open(self, sealed: str, context: Mapping[str, str]) -> str:
        address = (sealed, frozenset(context.items()))
        now_ms = self._clock.now_ms()
        with self._lock:
            plaintext, until_ms = self._opened.get(address, ("", 0))
        if now_ms < until_ms:
            return plaintext
        plaintext = self._decrypt(sealed, context)
        with self._lock:
            self._opened[address] = (plaintext, now_ms + KEPT_MS)
            self._opened.move_to_end(address)
            while len(self._opened) > MOST_KEPT:
                self._opened.popitem(last=False)
        return plaintext

    def _decrypt(self, sealed: str, context: Mapping[str, str]) -> str:
        if not sealed.startswith(PREFIX):
            raise SealBroken("not sealed by KMS")
        try:
            blob = base64.b64decode(sealed.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            raise SealBroken("not what KMS seals") from None
        answer = self._ask("decrypt", context, CiphertextBlob=blob)
        plaintext: bytes = answer["Plaintext"]
        return plaintext.decode()

    def _ask(self, operation: str, context: Mapping[str, str], **what: bytes) -> Any:
        try:
            ask = getattr(self._client(), operation)
            return ask(KeyId=self._key_arn, EncryptionContext=dict(context), **what)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise (SealBroken if code in BROKEN else VaultFailed)(code) from error
        except BotoCoreError as error:
            raise VaultFailed(type(error).__name__) from error
