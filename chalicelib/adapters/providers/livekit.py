"""LiveKit: join tokens, minted by hand.

Importing livekit-api costs a Lambda 400 ms of its start; the tokens are plain
JWTs, and livekit-api's own verifier checks them in the tests.
"""

import json

from chalicelib.domain.call import Call
from chalicelib.protocol.claims import TENANT
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Provider
from chalicelib.services.ports import JoinCredentials

GRACE_SECONDS = 300
"""A token outlives the ring by this; LiveKit renews it for who is connected."""
CLOCK_SKEW_SECONDS = 10
SEPARATOR = "."
"""A tenant's name cannot contain it; a call's id can."""


def room_name(tenant: str, call_id: str) -> str:
    """The call's id, which is never used again; behind its tenant if not default.

    An id that itself looks prefixed stands behind the default tenant too, so that
    no two calls of any tenants share a room.
    """
    if tenant == DEFAULT_TENANT and SEPARATOR not in call_id:
        return call_id
    return f"{tenant}{SEPARATOR}{call_id}"


def call_of(room: str) -> tuple[str, str] | None:
    """The tenant and id behind a `room_name`; None for a room that is not ours."""
    prefix, separator, rest = room.partition(SEPARATOR)
    tenant, call_id = (prefix, rest) if separator else (DEFAULT_TENANT, room)
    if not call_id or not TENANT.match(tenant):
        return None
    return (tenant, call_id) if room_name(tenant, call_id) == room else None


class LiveKit:
    """A `MediaProvider`."""

    def __init__(self, client_url: str, api_key: str, api_secret: str) -> None:
        self._client_url = client_url
        self._api_key = api_key
        self._api_secret = api_secret

    def credentials(
        self,
        call: Call,
        uid: str,
        device_type: str,
        now_ms: int,
        seconds: int | None = None,
    ) -> JoinCredentials:
        import jwt

        now = now_ms // 1000
        room = room_name(call.tenant, call.id)
        token = jwt.encode(
            {
                "iss": self._api_key,
                "sub": uid,
                "jti": uid,
                "nbf": now - CLOCK_SKEW_SECONDS,
                "exp": now + (seconds or call.ring_seconds + GRACE_SECONDS),
                "metadata": json.dumps({"device_type": device_type}),
                "video": {"room": room, "roomJoin": True},
            },
            self._api_secret,
            algorithm="HS256",
        )
        return JoinCredentials(Provider.LIVEKIT.value, self._client_url, token, room)
