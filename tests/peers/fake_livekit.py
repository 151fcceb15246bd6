"""A LiveKit server on the loopback: rooms, RoomService and webhooks, but no media.

Its messages are LiveKit's own protobufs; livekit-api checks the tokens that it is
sent and signs those that it sends.
"""

import base64
import contextlib
import datetime
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import urllib3
from google.protobuf import json_format
from google.protobuf.message import Message
from livekit.api import AccessToken, TokenVerifier
from livekit.protocol import room as messages
from livekit.protocol.models import DisconnectReason, Room
from livekit.protocol.webhook import WebhookEvent

from chalicelib.adapters.clock import SystemClock
from tests.peers.livekit_http import Fault, Listener, Read, TwirpError
from tests.peers.livekit_rooms import FakeRooms

API_KEY = "devkey"
API_SECRET = "a-livekit-secret-of-at-least-thirty-two-bytes"
PREFIX = "/twirp/livekit.RoomService/"
TOKEN_LIFE = datetime.timedelta(minutes=5)
SEND_SECONDS = 5

Method = tuple[type[Message], str, Callable[..., Message]]
"""Its request, the grant that it needs, and what it does."""


class FakeLiveKit:
    """A server of one API key, within ``with``.

    Connect and disconnect people by ``rooms``. What happens waits to be told, in
    the test's order, by `take` and `send`; or is told at once, with ``is_prompt``.
    """

    def __init__(
        self,
        webhook_url: str = "",
        *,
        is_prompt: bool = False,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self.webhook_url = webhook_url
        self.requests: list[tuple[str, dict[str, Any]]] = []
        """The method and message of each that was let in."""
        self.tokens: list[str] = []
        self.rooms = FakeRooms(self._tell, now_ms or SystemClock().now_ms)
        self._waiting: list[WebhookEvent] = []
        self._sender = ThreadPoolExecutor(1) if is_prompt else None
        self._listener = Listener(self._answer)
        self._methods = self._service()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.port}"

    def join(self, token: str) -> str:
        """Connect as a client with its join token does; the connection's sid."""
        claims = TokenVerifier(API_KEY, API_SECRET).verify(token)
        assert claims.video is not None and claims.video.room_join
        return self.rooms.connect(
            claims.video.room, claims.identity, metadata=claims.metadata
        )

    def take(self) -> list[WebhookEvent]:
        """The events that nobody has taken, in their order."""
        taken, self._waiting = self._waiting, []
        return taken

    def send(self, *events: WebhookEvent) -> list[int]:
        """Post each, again if it is there twice; the statuses of the answers."""
        return [self._post(*self.signed(event)) for event in events]

    @staticmethod
    def signed(
        event: WebhookEvent | bytes, key: str = API_KEY, secret: str = API_SECRET
    ) -> tuple[dict[str, str], bytes]:
        """The headers and the body of an event's webhook."""
        body = event if isinstance(event, bytes) else rendered(event)
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        token = AccessToken(key, secret).with_ttl(TOKEN_LIFE).with_sha256(digest)
        headers = {
            "Content-Type": "application/webhook+json",
            "Authorization": token.to_jwt(),
        }
        return headers, body

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Nothing listens at the URL meanwhile."""
        self._listener.stop()
        yield
        self._listener.start()

    @contextlib.contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """Every request to RoomService goes wrong meanwhile."""
        self._listener.fault = fault
        yield
        self._listener.fault = None

    def _answer(self, path: str, authorization: str, read: Read) -> Message:
        if path not in self._methods:
            raise TwirpError("bad_route")
        kind, grant, act = self._methods[path]
        request = kind()
        read(request)
        self._permit(authorization.removeprefix("Bearer "), grant, request)
        fields = json_format.MessageToDict(request)
        self.requests.append((path.removeprefix(PREFIX), fields))
        return act(request)

    def _permit(self, token: str, grant: str, request: Message) -> None:
        self.tokens.append(token)
        grants = TokenVerifier(API_KEY, API_SECRET).verify(token).video
        room = getattr(request, "room", "")
        is_elsewhere = grant == "room_admin" and grants and grants.room != room
        if not getattr(grants, grant) or is_elsewhere:
            raise TwirpError("unauthenticated", "permissions denied")

    def _service(self) -> dict[str, Method]:
        create, delete = messages.CreateRoomRequest, messages.DeleteRoomRequest
        rooms, people = messages.ListRoomsRequest, messages.ListParticipantsRequest
        member = messages.RoomParticipantIdentity
        return {
            f"{PREFIX}CreateRoom": (create, "room_create", self._create),
            f"{PREFIX}DeleteRoom": (delete, "room_create", self._delete),
            f"{PREFIX}ListRooms": (rooms, "room_list", self._list_rooms),
            f"{PREFIX}ListParticipants": (people, "room_admin", self._list),
            f"{PREFIX}RemoveParticipant": (member, "room_admin", self._remove),
        }

    def _create(self, request: messages.CreateRoomRequest) -> Room:
        return self.rooms.create(request.name)

    def _delete(self, request: messages.DeleteRoomRequest) -> Message:
        if request.room not in self.rooms.names:
            raise TwirpError("not_found", "requested room does not exist")
        self.rooms.close(request.room, DisconnectReason.ROOM_DELETED)
        return messages.DeleteRoomResponse()

    def _list_rooms(self, request: messages.ListRoomsRequest) -> Message:
        found = map(self.rooms.room, list(request.names) or self.rooms.names)
        return messages.ListRoomsResponse(rooms=[room for room in found if room])

    def _list(self, request: messages.ListParticipantsRequest) -> Message:
        participants = self.rooms.participants(request.room)
        return messages.ListParticipantsResponse(participants=participants)

    def _remove(self, request: messages.RoomParticipantIdentity) -> Message:
        members = self.rooms.participants(request.room)
        if request.identity not in [member.identity for member in members]:
            raise TwirpError("not_found", "participant does not exist")
        reason = DisconnectReason.PARTICIPANT_REMOVED
        self.rooms.disconnect(request.room, request.identity, reason)
        return messages.RemoveParticipantResponse()

    def _tell(self, event: WebhookEvent) -> None:
        if self._sender:
            self._sender.submit(self.send, event)
        else:
            self._waiting.append(event)

    def _post(self, headers: dict[str, str], body: bytes) -> int:
        with urllib3.PoolManager(retries=False, timeout=SEND_SECONDS) as pool:
            answer = pool.request("POST", self.webhook_url, headers=headers, body=body)
            return answer.status

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.stop()
        if self._sender:
            self._sender.shutdown()


def rendered(event: WebhookEvent) -> bytes:
    """As LiveKit writes webhooks: camelCase, and without zeros."""
    return json_format.MessageToJson(event, indent=None).encode()
