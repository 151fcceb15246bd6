"""Whose a token is that we minted for a provider: the way back from it to a call."""

import base64
import binascii
import hmac
import json
import zlib
from dataclasses import dataclass
from typing import Any

from chalicelib.adapters.providers.livekit import call_of
from chalicelib.adapters.providers.trtc import ALPHABET, Trtc

TOKEN_MAX_LENGTH = 8 * 1024
DOCUMENT_MAX_BYTES = 4 * 1024
STANDARD_ALPHABET = {ours: theirs for theirs, ours in ALPHABET.items()}


@dataclass(frozen=True, slots=True)
class Holder:
    """What a token says, once it is known to be ours."""

    uid: str
    place: tuple[str, str] | None
    """The tenant and the call; None where tokens are for every room."""
    expires_at_ms: int


def of_livekit(token: str, api_key: str, api_secret: str) -> Holder | None:
    """None for what is no token of ours; an old one is one still."""
    import jwt

    try:
        claims = jwt.decode(
            token[:TOKEN_MAX_LENGTH],
            api_secret,
            algorithms=["HS256"],
            issuer=api_key,
            options={
                "require": ["exp", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
            },
        )
        place = call_of(claims["video"]["room"])
        at_ms = int(claims["exp"]) * 1000
        return Holder(claims["sub"], place, at_ms) if place else None
    except (jwt.InvalidTokenError, LookupError, TypeError, ValueError, AttributeError):
        return None


def of_trtc(user_sig: str, minter: Trtc) -> Holder | None:
    """None for what is no UserSig of ours; an old one is one still."""
    document = _document(user_sig)
    if document is None:
        return None
    uid, at = document.get("TLS.identifier"), document.get("TLS.time")
    seconds = document.get("TLS.expire")
    if not isinstance(uid, str) or type(at) is not int or type(seconds) is not int:
        return None
    try:
        ours = _document(minter.user_sig(uid, at, seconds))
    except UnicodeEncodeError:
        return None
    assert ours is not None
    signature = str(document.get("TLS.sig")).encode()
    if not hmac.compare_digest(signature, ours["TLS.sig"].encode()):
        return None
    return Holder(uid, None, (at + seconds) * 1000)


def _document(user_sig: str) -> dict[str, Any] | None:
    text = user_sig[:TOKEN_MAX_LENGTH].translate(STANDARD_ALPHABET)
    unpacking = zlib.decompressobj()
    try:
        packed = base64.b64decode(text, validate=True)
        value = json.loads(unpacking.decompress(packed, DOCUMENT_MAX_BYTES))
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
