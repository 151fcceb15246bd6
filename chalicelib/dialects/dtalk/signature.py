"""``FZM-SIGNATURE``: the sender's key signs the time, and its address is the uid.

``<signature>#<milliseconds>*<anything>#<public key>``: a secp256k1 signature (r, s and
a recovery byte, base64) of the SHA-256 of what stands between the marks, and the
compressed key in hex. It says nothing of the request that it comes with. Cryptography
is imported with the first one.
"""

import base64
import binascii
import hashlib
import re

from chalicelib.dialects.dtalk import ripemd160
from chalicelib.protocol.tokens import Unauthenticated

HEADER = "fzm-signature"
MAX_LENGTH = 1024
VALID_MS = 120_000
"""Before and after the signed time: clocks differ, whichever is ahead."""
NUMBER_BYTES = 32
SIGNATURE_BYTES = 2 * NUMBER_BYTES + 1
META = re.compile(r"([0-9]{1,15})\*[ -~]*\Z")
PUBLIC_KEY = re.compile(r"0[23][0-9a-fA-F]{64}\Z")
ADDRESS_VERSION = b"\x00"
CHECKSUM_BYTES = 4
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class SignatureExpired(Exception):
    """The signature is good, but not of this time."""


def verify(header: str, now_ms: int) -> str:
    """The sender's uid. Raises `Unauthenticated` or `SignatureExpired`."""
    parts = header.strip().split("#") if len(header) <= MAX_LENGTH else []
    if len(parts) != 3:
        raise Unauthenticated("FZM-SIGNATURE must be signature#meta#key")
    signature, meta, public_key = parts
    signed_at = META.match(meta)
    if signed_at is None or not PUBLIC_KEY.match(public_key):
        raise Unauthenticated("FZM-SIGNATURE must be signature#meta#key")
    key = bytes.fromhex(public_key)
    _check(_der(signature), meta.encode(), key)
    if abs(now_ms - int(signed_at[1])) > VALID_MS:
        raise SignatureExpired(f"FZM-SIGNATURE is good for {VALID_MS // 1000} s")
    return address_of(key)


def address_of(public_key: bytes) -> str:
    """The uid of a compressed public key: what Bitcoin calls its address."""
    hashed = ripemd160.digest(hashlib.sha256(public_key).digest())
    payload = ADDRESS_VERSION + hashed
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()
    return _base58(payload + checksum[:CHECKSUM_BYTES])


def _der(signature: str) -> bytes:
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise Unauthenticated("FZM-SIGNATURE's signature must be base64") from None
    if len(raw) != SIGNATURE_BYTES:
        raise Unauthenticated(f"FZM-SIGNATURE's signature has {SIGNATURE_BYTES} bytes")
    from cryptography.hazmat.primitives.asymmetric import utils

    # The last byte would tell the key, which is given.
    r, s = raw[:NUMBER_BYTES], raw[NUMBER_BYTES : 2 * NUMBER_BYTES]
    return utils.encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


def _check(signature: bytes, meta: bytes, public_key: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
        key.verify(signature, meta, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        raise Unauthenticated("FZM-SIGNATURE is not valid") from None


def _base58(data: bytes) -> str:
    digits = ""
    number = int.from_bytes(data)
    while number:
        number, digit = divmod(number, len(BASE58))
        digits = BASE58[digit] + digits
    zeros = len(data) - len(data.lstrip(b"\0"))
    return BASE58[0] * zeros + digits
