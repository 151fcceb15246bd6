"""A vault without a service: AES-256-GCM by a key of the environment's own secret.

For the laptop, where no key is named. Another secret opens nothing that this one has
sealed.
"""

import base64
import binascii
import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from chalicelib.services.ports import Draws
from chalicelib.services.vault import SealBroken

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "local:"
KEY_BYTES = 32
NONCE_BYTES = 12
PURPOSE = b"parley secrets of webhook endpoints"


class LocalVault:
    """A `Vault`."""

    def __init__(self, secret: str, draws: Draws) -> None:
        self._secret = secret
        self._draws = draws

    def seal(self, plaintext: str, context: Mapping[str, str]) -> str:
        nonce = bytes.fromhex(self._draws.token())[-NONCE_BYTES:]
        sealed = _cipher(self._secret).encrypt(
            nonce, plaintext.encode(), _bound(context)
        )
        return PREFIX + base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, context: Mapping[str, str]) -> str:
        from cryptography.exceptions import InvalidTag

        if not sealed.startswith(PREFIX):
            raise SealBroken("not sealed here")
        try:
            blob = base64.b64decode(sealed.removeprefix(PREFIX), validate=True)
            nonce, rest = blob[:NONCE_BYTES], blob[NONCE_BYTES:]
            cipher = _cipher(self._secret)
            return cipher.decrypt(nonce, rest, _bound(context)).decode()
        except (binascii.Error, InvalidTag, ValueError):
            raise SealBroken("sealed by another secret, or for another thing") from None


def _bound(context: Mapping[str, str]) -> bytes:
    return json.dumps(dict(context), sort_keys=True).encode()


@functools.cache
def _cipher(secret: str) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=PURPOSE)
    return AESGCM(derived.derive(secret.encode()))
