"""Who may knock, with what proof; and what stands behind the door when they do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import jwt

from chalicelib import bootstrap
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.bootstrap import ControlPlane
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.tokens import worker_token
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity.keys import Wanted
from chalicelib.services.sessions import SessionService
from chalicelib.services.webhooks.tallies import Tally
from tests.adapters.fleet_contract import lease, order, started
from tests.builders import FakeDraws
from tests.dialects.conftest import JWT_SECRET, Api, Reply, token
from tests.peers.fake_livekit import FakeLiveKit

TENANT, RIVAL = "default", "rival"
NOWHERE = "nowhere"
"""An id that nothing has."""


class Who(StrEnum):
    """Everybody who may send a request."""

    NOBODY = "nobody"
    MALFORMED = "malformed token"
    EXPIRED = "expired token"
    UNSIGNED = "token of the algorithm none"
    ALGORITHM = "token of another algorithm"
    FORGED = "token of another secret"
    REVOKED_KEY = "revoked API key"
    WORKER = "worker"
    OTHER_WORKER = "other worker"
    LIVEKIT = "LiveKit"
    FOREIGN_USER = "other tenant's user of the same name"
    FOREIGN_ADMIN = "other tenant's admin"
    FOREIGN_KEY = "other tenant's API key"
    STRANGER = "stranger"
    PARTY = "party"
    CALLEE = "callee"
    CREATOR = "creator"
    SERVER = "server"
    ADMIN = "admin"
    SERVER_KEY = "server's API key"
    ADMIN_KEY = "admin's API key"


UIDS = {
    Who.CREATOR: "alice",
    Who.CALLEE: "bob",
    Who.PARTY: "carol",
    Who.STRANGER: "dave",
    Who.SERVER: "shop",
    Who.ADMIN: "root",
    Who.FOREIGN_ADMIN: "root",
}
ROLES = {
    Who.SERVER: Role.SERVER,
    Who.ADMIN: Role.ADMIN,
    Who.FOREIGN_ADMIN: Role.ADMIN,
}
KEYS = {
    Who.SERVER_KEY: (TENANT, Role.SERVER),
    Who.ADMIN_KEY: (TENANT, Role.ADMIN),
    Who.FOREIGN_KEY: (RIVAL, Role.ADMIN),
    Who.REVOKED_KEY: (TENANT, Role.ADMIN),
}

FOREIGN = frozenset({Who.FOREIGN_USER, Who.FOREIGN_ADMIN, Who.FOREIGN_KEY})
MEMBERS = frozenset({Who.CREATOR, Who.CALLEE, Who.PARTY})
ADMINS = frozenset({Who.ADMIN, Who.ADMIN_KEY})
SERVERS = frozenset({Who.SERVER, Who.SERVER_KEY}) | ADMINS
LOCALS = MEMBERS | SERVERS | {Who.STRANGER}
UNPROVEN = frozenset(Who) - FOREIGN - LOCALS
"""Those whose credentials prove nothing to whom asks for a user."""


@dataclass(frozen=True)
class Ask:
    """A request without its sender."""

    method: str
    path: str
    body: Any = None
    query: str = ""


@dataclass
class Scene:
    """One API in memory, and what is to be asked about."""

    api: Api
    subject: str = "alice"
    """Whose name the other tenant's user has."""

    names: list[str] = field(default_factory=lambda: [NOWHERE, "call-of-alice", "s1"])
    """Of what may be there or not."""

    @property
    def plane(self) -> ControlPlane:
        return bootstrap.control_plane()

    def named(self, name: str) -> str:
        """The id of something that has been made."""
        self.names.append(name)
        return name

    def ring(self, joined: tuple[str, ...] = ("alice", "carol")) -> str:
        """alice has called bob, who is rung, and carol, who has joined."""
        rooms = "/api/v1/rooms"
        body = {
            "room_id": "call-of-alice",
            "creator": "alice",
            "device_type": "PC",
            "invite_on": 1,
            "uids": ["bob", "carol"],
            "max_participants": 8,
        }
        assert self.api.post(rooms, body, "alice").status == 200
        for uid in joined:
            path = f"{rooms}/call-of-alice/join"
            member = {"uid": uid, "device_type": "PC"}
            assert self.api.post(path, member, uid).status == 200
        return "call-of-alice"

    def end(self) -> None:
        """The call that alice made."""
        reply = self.api.post("/api/v1/rooms/call-of-alice/end", {}, "alice")
        assert reply.status == 200

    def trace_id(self, joined: tuple[str, ...] = ("alice", "carol")) -> str:
        """Of the call, in dtalk's numbers."""
        call_id = self.ring(joined)
        return str(self.api.store.calls[TENANT, call_id].trace_id)

    def session(self) -> str:
        """alice's, at a worker that is there."""
        self.enrol()
        service = SessionService(
            MemorySessions(self.api.store), self.api.clock, FakeDraws()
        )
        service.hear((started(),))
        return "s1"

    def tell(self) -> None:
        """A webhook has been told, long ago."""
        self.plane.tallies.add(TENANT, 0, Tally(told=1))

    def enrol(self) -> None:
        MemoryFleet(self.api.store).renew(lease())
        MemoryFleet(self.api.store).keep_order("w1", 1, order())

    def send(self, ask: Ask, proof: Mapping[str, str]) -> Reply:
        return self.api.request(
            ask.method, ask.path, ask.body, uid=None, headers=proof, query=ask.query
        )

    def credentials(self, who: Who, ask: Ask) -> dict[str, str]:
        if who in KEYS:
            return {"x-api-key": self._api_key(who)}
        if who is Who.LIVEKIT:
            text = ask.body if isinstance(ask.body, str) else ""
            return {
                "authorization": FakeLiveKit.signed(text.encode())[0]["Authorization"]
            }
        bearer = _token(who, self.subject)
        return {} if bearer is None else {"authorization": f"Bearer {bearer}"}

    def _api_key(self, who: Who) -> str:
        tenant, role = KEYS[who]
        keys = self.plane.keys
        key, text = keys.create(
            Principal(tenant, "root", Role.ADMIN), Wanted("k", role)
        )
        if who is Who.REVOKED_KEY:
            keys.revoke(tenant, key.id)
        return text


def _token(who: Who, subject: str) -> str | None:
    if who is Who.NOBODY:
        return None
    if who in (Who.WORKER, Who.OTHER_WORKER):
        now = SystemClock().now_ms() // 1000
        return worker_token(JWT_SECRET, "w1" if who is Who.WORKER else "w2", now)
    if who is Who.FOREIGN_USER:
        return token(subject, Role.USER, RIVAL)
    tenant = RIVAL if who is Who.FOREIGN_ADMIN else TENANT
    good = token(UIDS.get(who, "root"), ROLES.get(who, Role.USER), tenant)
    return _spoilt(good, who)


def _spoilt(good: str, who: Who) -> str:
    """An administrator's token with one thing wrong; or just as it is."""
    claims = jwt.decode(good, options={"verify_signature": False})
    claims["role"] = Role.ADMIN.value
    match who:
        case Who.MALFORMED:
            return "nonsense"
        case Who.EXPIRED:
            past = SystemClock().now_ms() // 1000 - 60
            return jwt.encode({**claims, "exp": past}, JWT_SECRET, "HS256")
        case Who.UNSIGNED:
            return jwt.encode(claims, "", "none")
        case Who.ALGORITHM:
            return jwt.encode(claims, JWT_SECRET + "x" * 64, "HS512")
        case Who.FORGED:
            return jwt.encode(claims, "x" * 64, "HS256")
        case _:
            return good
