"""LiveKit's RoomService: its Twirp API in JSON, over a connection per request.

A Lambda that was frozen finds the connections that it kept dead, and a second
attempt would double the wait; so none is kept and none is made twice.
"""

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.util import Timeout

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.providers import livekit_json
from chalicelib.adapters.providers.livekit import CLOCK_SKEW_SECONDS
from chalicelib.adapters.providers.livekit_json import NotLiveKit, Participant
from chalicelib.services.providers import Present, ProviderUnreachable

log = logging.getLogger(__name__)

SERVICE = "/twirp/livekit.RoomService/"
SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
TOKEN_SECONDS = 60
BODY_MAX_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
REFUSALS = (401, 403)
NOT_FOUND = "not_found"
"""As Twirp spells it, of a room or of a participant."""


class LiveKitRooms:
    """A `RoomControl`."""

    def __init__(
        self, url: str, api_key: str, api_secret: str, timeout_seconds: float = 3
    ) -> None:
        """``url`` as clients have it, ``wss://`` included; raises `ValueError`."""
        parsed = urllib3.util.parse_url(url)
        if parsed.scheme not in SCHEMES or not parsed.netloc:
            raise ValueError("LiveKit's URL must be a ws, wss, http or https URL")
        self._origin = f"{SCHEMES[parsed.scheme]}://{parsed.netloc}"
        self._path = (parsed.path or "").rstrip("/") + SERVICE
        self._api_key = api_key
        self._api_secret = api_secret
        self._timeout_seconds = timeout_seconds
        self._clock = SystemClock()

    def delete_room(self, room: str) -> None:
        self._ask("DeleteRoom", {"room": room}, {"roomCreate": True})

    def remove_participant(self, room: str, identity: str) -> None:
        self._ask(
            "RemoveParticipant",
            {"room": room, "identity": identity},
            {"roomAdmin": True, "room": room},
        )

    def list_participants(self, room: str) -> tuple[Present, ...]:
        """Machines are not parties: agents, recorders, streams and cameras."""
        answer = self._ask(
            "ListParticipants", {"room": room}, {"roomAdmin": True, "room": room}
        )
        if answer and "participants" not in answer:
            # Somebody else's JSON must not pass for an empty room.
            raise ProviderUnreachable("ListParticipants: another answer")
        try:
            found = livekit_json.messages(answer, "participants")
            participants = [Participant.parse(message) for message in found]
        except NotLiveKit as error:
            raise ProviderUnreachable(f"ListParticipants: {error}") from None
        return tuple(
            Present(one.identity, one.sid, one.device_type, one.joined_at_ms)
            for one in participants
            if one.is_party and one.is_connected
        )

    def _ask(
        self, method: str, message: Mapping[str, Any], grants: Mapping[str, Any]
    ) -> dict[str, Any]:
        """LiveKit's answer; empty for what is not there."""
        content = json.dumps(message).encode()
        try:
            status, body = self._post(method, content, self._token(grants))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ProviderUnreachable(f"{method}: {type(error).__name__}") from None
        answer = _message(body)
        if status == 200 and answer is not None:
            return answer
        # A 404 of anybody but LiveKit says nothing of the room.
        if status == 404 and answer and answer.get("code") == NOT_FOUND:
            return {}
        if status in REFUSALS:
            log.error(
                "LiveKit refuses the API key or its secret",
                extra={"method": method, "status": status},
            )
        raise ProviderUnreachable(f"{method}: answered {status}")

    def _token(self, grants: Mapping[str, Any]) -> str:
        import jwt

        now = self._clock.now_ms() // 1000
        claims = {
            "iss": self._api_key,
            "nbf": now - CLOCK_SKEW_SECONDS,
            "exp": now + TOKEN_SECONDS,
            "video": dict(grants),
        }
        return jwt.encode(claims, self._api_secret, algorithm="HS256")

    def _post(self, method: str, body: bytes, token: str) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout_seconds
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }
        timeout = Timeout(connect=self._timeout_seconds, total=self._timeout_seconds)
        with urllib3.connection_from_url(self._origin, timeout=timeout) as pool:
            response = pool.urlopen(
                "POST",
                self._path + method,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                return response.status, _read(response, deadline)
            finally:
                response.close()


def _message(body: bytes) -> dict[str, Any] | None:
    try:
        return livekit_json.parse(body)
    except NotLiveKit:
        return None


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The body, if it is of a bounded size and comes in time."""
    body = b""
    while chunk := response.read1(CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise urllib3.exceptions.HTTPError("the body is too large")
        if time.monotonic() > deadline:
            raise urllib3.exceptions.TimeoutError("the body is too slow")
    return body
