"""What a row of the access matrix says: how to ask, who is let in, what others hear."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.dialects.conftest import Reply
from tests.dialects.phones import (
    check_activecall,
    check_dtalk,
    check_openchat,
    check_tgortc,
)
from tests.dialects.scenes import (
    ADMINS,
    FOREIGN,
    LOCALS,
    MEMBERS,
    NOWHERE,
    SERVERS,
    Ask,
    Scene,
    Who,
)

Code = int | str
Body = dict[str, Any]
Gate = frozenset[Who]
Maker = Callable[[Scene, bool], Ask]
"""Makes the request valid, for what is there or (False) for what is nowhere: a list
then has nothing in it."""

EVERYBODY = frozenset(Who)
ANY_PRINCIPAL = LOCALS | FOREIGN
"""Everybody finds what is their own, which may be nothing."""
ANY_OF_PARTIES = MEMBERS | SERVERS
PARTIES_OR_ADMINS = MEMBERS | ADMINS
CREATOR_OR_SERVERS = SERVERS | {Who.CREATOR}
CREATOR_OR_ADMINS = ADMINS | {Who.CREATOR}
ADMINS_EACH = ADMINS | (FOREIGN - {Who.FOREIGN_USER})
SERVERS_EACH = SERVERS | (FOREIGN - {Who.FOREIGN_USER})
"""Each of its own tenant."""


def own(who: Who) -> Gate:
    """The user itself, or who may act for users."""
    return SERVERS | {who}


@dataclass(frozen=True)
class Manner:
    """How a dialect answers."""

    check: Callable[[Reply], None]
    """A refusal's shape."""
    code_of: Callable[[Reply], Code]
    """Of a refusal."""
    unproven: Code
    """What those hear whose credentials prove nothing."""
    reused: Code
    """What one hears whose Idempotency-Key was used for another request."""
    running: Code
    """What one hears whose first request has not been answered yet."""
    is_success: Callable[[Reply], bool] = lambda reply: reply.status < 300


@dataclass(frozen=True)
class Row:
    """One route, or one use of it."""

    manner: Manner
    method: str
    route: str
    """As `app.routes` has it."""
    ask: Maker
    gate: Gate
    """Who is let in."""
    refused: Code = ""
    """What the others of the tenant hear."""
    foreign: Code = ""
    """What other tenants hear, of what is there and of what is nowhere alike."""
    subject: str = "alice"
    """Whose name the other tenant's user has, to be mistaken for."""
    has_own_record: bool = False
    """Whether an id in the request tells its repetition, rather than a key."""
    is_late: bool = False
    """Whether what it names is over, so that nothing comes of it."""
    more: Mapping[Who, Code] = field(default_factory=dict)
    """What single ones hear who hear something else."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"

    def expected(self, who: Who) -> Code | None:
        """None for who is let in."""
        if who in self.gate:
            return None
        if who in self.more:
            return self.more[who]
        if who in FOREIGN:
            return self.foreign or self.refused
        if who in LOCALS:
            return self.refused
        return self.manner.unproven


def check_v1(reply: Reply) -> None:
    """A refusal in its shape."""
    assert 400 <= reply.status < 500
    assert set(reply.json) == {"code", "message"}
    assert all(isinstance(text, str) and text for text in reply.json.values())


def check_kill(reply: Reply) -> None:
    """Active Call's, with what clients of the old path read besides."""
    assert 400 <= reply.status < 500
    assert {"code", "message"} <= set(reply.json) <= {"code", "message", "status", "id"}


def code(reply: Reply) -> Code:
    found: Code = reply.json["code"]
    return found


TGORTC = Manner(check_tgortc, code, 401, 409, 409)
DTALK = Manner(
    check_dtalk,
    lambda reply: int(reply.json["result"]),
    -1010,
    -1012,
    -1000,
    lambda reply: reply.json.get("result") == 0,
)
OPENCHAT = Manner(
    check_openchat,
    lambda reply: f"{reply.status} {reply.json['error']['code']}",
    "401 AUTH_004",
    "409 SYS_001",
    "409 SYS_001",
)
ACTIVE_CALL = Manner(check_activecall, code, 401, 409, 409)
OLD_KILL = replace(ACTIVE_CALL, check=check_kill)
FLEET = Manner(check_activecall, code, 401, 409, 409)
V1 = Manner(
    check_v1,
    code,
    "unauthenticated",
    "idempotency_key_reused",
    "idempotency_key_in_use",
)


def on_call(
    method: str, path: str, body: Any = None, query: str = "", *, is_late: bool = False
) -> Maker:
    """``{}`` of the path is the id of a call of alice, bob and carol, which has ended
    if one comes late."""

    def ask(scene: Scene, is_there: bool) -> Ask:
        call_id = scene.ring() if is_there else NOWHERE
        if is_late and is_there:
            scene.end()
        return Ask(method, path.format(call_id), body, query)

    return ask


def plain(method: str, path: str, body: Any = None, query: str = "") -> Maker:
    """What needs nothing to be there."""
    return lambda scene, is_there: Ask(method, path, body, query)
