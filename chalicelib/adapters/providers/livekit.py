"""LiveKit: join tokens, minted by hand.

Importing livekit-api costs a Lambda 400 ms of its start; the tokens are plain
JWTs, and livekit-api's own verifier checks them in the tests.
"""

import json

import jwt

from chalicelib.domain.call import Call
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Provider
from chalicelib.services.ports import JoinCredentials

GRACE_SECONDS = 300
"""A token outlives the ring by this; LiveKit renews it for who is connected."""
CLOCK_SKEW_SECONDS = 10


def room_name(call: Call) -> str:
    """The call's id, which is never used again; behind its tenant if not default."""
    if call.tenant == DEFAULT_TENANT:
        return call.id
    return f"{call.tenant}.{call.id}"


class LiveKit:
    """A `MediaProvider`."""

    def __init__(self, client_url: str, api_key: str, api_secret: str) -> None:
        self._client_url = client_url
        self._api_key = api_key
        self._api_secret = api_secret

    def credentials(
        self, call: Call, uid: str, device_type: str, now_ms: int
    ) -> JoinCredentials:
        now = now_ms // 1000
        room = room_name(call)
        token = jwt.encode(
            {
                "iss": self._api_key,
                "sub": uid,
                "jti": uid,
                "nbf": now - CLOCK_SKEW_SECONDS,
                "exp": now + call.ring_seconds + GRACE_SECONDS,
                "metadata": json.dumps({"device_type": device_type}),
                "video": {"room": room, "roomJoin": True},
            },
            self._api_secret,
            algorithm="HS256",
        )
        return JoinCredentials(Provider.LIVEKIT.value, self._client_url, token, room)
