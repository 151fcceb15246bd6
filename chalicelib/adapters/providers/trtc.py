"""Tencent's TRTC: tickets, minted by hand.

A UserSig lets a user into an application, a PrivateMapKey into one room of it; both
are TLSSigAPIv2, which Tencent's own package checks in the tests.
"""

import base64
import hashlib
import hmac
import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.call import Call
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.ports import JoinCredentials, TrtcTicket

TICKET_SECONDS = 24 * 3600
ALL_PRIVILEGES = 255
"""Create and enter the room, send and receive every kind of stream."""
NUMERIC_ROOM = 0
ACCOUNT_TYPE = 0
ALPHABET = str.maketrans("+/=", "*-_")
"""Tencent's own for URLs, instead of RFC 4648's."""


@dataclass(frozen=True, slots=True)
class Trtc:
    """A `MediaProvider`."""

    sdk_app_id: int
    secret_key: str = field(repr=False)

    def credentials(
        self,
        call: Call,
        uid: str,
        device_type: str,
        now_ms: int,
        seconds: int | None = None,
    ) -> JoinCredentials:
        lifetime = TICKET_SECONDS if seconds is None else seconds
        ticket = self.ticket(call.room_number, uid, now_ms, lifetime)
        return JoinCredentials(
            provider=Provider.TRTC.value,
            url="",
            token=ticket.user_sig,
            room=ticket.room_id,
            more={
                "sdkAppId": ticket.sdk_app_id,
                "userSig": ticket.user_sig,
                "privateMapKey": ticket.private_map_key,
            },
        )

    def ticket(
        self, room_id: int, uid: str, now_ms: int, seconds: int = TICKET_SECONDS
    ) -> TrtcTicket:
        """What lets a user into the room of this number."""
        now = now_ms // 1000
        rights = self._rights(room_id, uid, now + seconds)
        return TrtcTicket(
            room_id=room_id,
            user_sig=self.user_sig(uid, now, seconds),
            private_map_key=self._sign(uid, now, seconds, rights),
            sdk_app_id=self.sdk_app_id,
        )

    def user_sig(self, uid: str, now: int, seconds: int) -> str:
        """What lets a user into the application from ``now``, in epoch seconds."""
        return self._sign(uid, now, seconds)

    def _rights(self, room_id: int, uid: str, expires_at: int) -> bytes:
        name = uid.encode()
        return struct.pack(
            f">BH{len(name)}s5I",
            NUMERIC_ROOM,
            len(name),
            name,
            self.sdk_app_id,
            room_id,
            expires_at,
            ALL_PRIVILEGES,
            ACCOUNT_TYPE,
        )

    def _sign(
        self, uid: str, now: int, seconds: int, rights: bytes | None = None
    ) -> str:
        signed: dict[str, Any] = {
            "TLS.identifier": uid,
            "TLS.sdkappid": self.sdk_app_id,
            "TLS.time": now,
            "TLS.expire": seconds,
        }
        if rights is not None:
            signed["TLS.userbuf"] = base64.b64encode(rights).decode()
        text = "".join(f"{name}:{value}\n" for name, value in signed.items())
        digest = hmac.digest(self.secret_key.encode(), text.encode(), hashlib.sha256)
        signature = base64.b64encode(digest).decode()
        document = json.dumps({"TLS.ver": "2.0", **signed, "TLS.sig": signature})
        packed = zlib.compress(document.encode())
        return base64.b64encode(packed).decode().translate(ALPHABET)
