"""Who may do what: one row a route, held against the whole API by test_access_matrix.

A new route needs a row here, or in `access_v1`: how to ask for something that is there,
who is let in, and what the others hear.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.protocol.fleet import Facts
from chalicelib.protocol.lease import Sight, Witness
from tests.adapters.fleet_contract import lease, started
from tests.builders import NOW_MS
from tests.dialects import access_v1
from tests.dialects.gates import (
    ACTIVE_CALL,
    ADMINS_EACH,
    ANY_OF_PARTIES,
    ANY_PRINCIPAL,
    CREATOR_OR_ADMINS,
    CREATOR_OR_SERVERS,
    DTALK,
    EVERYBODY,
    FLEET,
    OLD_KILL,
    OPENCHAT,
    TGORTC,
    V1,
    Body,
    Code,
    Gate,
    Maker,
    Row,
    on_call,
    own,
    plain,
)
from tests.dialects.scenes import (
    FOREIGN,
    MEMBERS,
    NOWHERE,
    Ask,
    Scene,
    Who,
)


def _tgortc() -> list[Row]:
    rooms = "/api/v1/rooms"

    def room(verb: str, body: Body, gate: Gate, refused: Code, **more: Any) -> Row:
        is_late = more.get("is_late", False)
        ask = on_call("POST", f"{rooms}/{{}}/{verb}", body, is_late=is_late)
        route = f"{rooms}/{{room_id}}/{verb}"
        return Row(TGORTC, "POST", route, ask, gate, refused, 400, **more)

    bob = {"uid": "bob", "device_type": "PC"}
    dave = {"uid": "dave"}
    new = {"creator": "dave", "device_type": "PC", "uids": ["erin"]}
    other = {Who.FOREIGN_USER: 400}
    return [
        Row(
            TGORTC,
            "POST",
            rooms,
            plain("POST", rooms, new),
            own(Who.STRANGER) | FOREIGN,
            403,
            subject="dave",
        ),
        room("invite", {"uids": ["erin"]}, ANY_OF_PARTIES, 403),
        room("kick", bob, CREATOR_OR_SERVERS, 403),
        room("join", bob, own(Who.CALLEE), 403, subject="bob", more=other),
        room("leave", bob, own(Who.CALLEE), 403, subject="bob", more=other),
        room("end", {}, CREATOR_OR_SERVERS, 403),
        room("kick", bob, ANY_OF_PARTIES, 400, is_late=True),
        room("leave", bob, own(Who.CALLEE), 403, subject="bob", is_late=True),
        # As real servers have it: whoever leaves what is over has left.
        room("leave", dave, own(Who.STRANGER), 403, subject="dave", is_late=True),
        room("end", {}, ANY_OF_PARTIES, 400, is_late=True),
        Row(
            TGORTC,
            "GET",
            f"{rooms}/sync",
            on_call("GET", f"{rooms}/sync", query="uid=bob&device_type=PC"),
            own(Who.CALLEE) | FOREIGN,
            403,
            subject="bob",
        ),
        Row(
            TGORTC,
            "POST",
            "/api/v1/participants/calling",
            on_call("POST", "/api/v1/participants/calling", {"uids": ["bob"]}),
            own(Who.CALLEE) | FOREIGN,
            403,
            subject="bob",
        ),
        Row(
            TGORTC,
            "POST",
            "/api/v1/webhooks/livekit",
            _livekit_says,
            frozenset({Who.LIVEKIT}),
            401,
            has_own_record=True,
        ),
        Row(
            TGORTC,
            "GET",
            "/api/v1/webhooks/logs/stats",
            plain("GET", "/api/v1/webhooks/logs/stats"),
            ADMINS_EACH,
            403,
        ),
        Row(
            TGORTC,
            "POST",
            "/api/v1/webhooks/logs/cleanup",
            _clean_up,
            ADMINS_EACH,
            403,
        ),
    ]


def _clean_up(scene: Scene, is_there: bool) -> Ask:
    scene.tell()
    return Ask("POST", "/api/v1/webhooks/logs/cleanup", {"retention_days": 1})


def _livekit_says(scene: Scene, is_there: bool) -> Ask:
    scene.ring()
    event = (
        '{"event": "participant_joined", "id": "EV_1", "createdAt": "1700000000", '
        '"room": {"name": "call-of-alice", "sid": "RM_1"}, '
        '"participant": {"identity": "bob", "sid": "PA_1"}}'
    )
    return Ask("POST", "/api/v1/webhooks/livekit", event)


def _dtalk() -> list[Row]:
    return [row for prefix in ("/app", "/call/app") for row in _dtalk_at(prefix)]


def _dtalk_at(prefix: str) -> list[Row]:
    def endpoint(
        name: str, gate: Gate, body: Body, *joined: str, is_late: bool = False
    ) -> Row:
        path = f"{prefix}/{name}"

        def ask(scene: Scene, is_there: bool) -> Ask:
            trace_id = scene.trace_id(joined)
            if is_late:
                scene.end()
            named = {"traceIdStr": trace_id if is_there else "99"}
            return Ask("POST", path, {**body, **named})

        return Row(DTALK, "POST", path, ask, gate, -1019, -1007, is_late=is_late)

    start = {"groupId": "0", "invitees": ["erin"], "RTCType": 2}
    path = f"{prefix}/start-call"
    return [
        Row(DTALK, "POST", path, plain("POST", path, start), ANY_PRINCIPAL),
        endpoint("check-call", ANY_OF_PARTIES, {}),
        endpoint("handle-call", MEMBERS, {"answer": True}, "alice", "carol"),
        endpoint("reply-busy", MEMBERS, {}, "alice", "carol"),
        endpoint("handle-call", MEMBERS, {"answer": False}, "alice", is_late=True),
        endpoint("reply-busy", MEMBERS, {}, "alice", is_late=True),
    ]


def _openchat() -> list[Row]:
    rooms = "/im/api/v1/rtc/rooms"
    tokens = "/im/api/v1/rtc/tokens"
    forbidden, unknown = "403 AUTH_005", "404 SYS_001"

    def room(method: str, rest: str, gate: Gate, body: Any = None, **more: Any) -> Row:
        is_late = more.get("is_late", False)
        ask = on_call(method, f"{rooms}/{{}}{rest}", body, is_late=is_late)
        route = f"{rooms}/{{room_id}}{rest}"
        return Row(OPENCHAT, method, route, ask, gate, forbidden, unknown, **more)

    new = {"type": "p2p", "callerId": "dave", "calleeId": "erin", "mediaType": "video"}
    bob = {"userId": "bob"}
    others_bob = {"subject": "bob"}
    erin = {"userId": "erin"}
    of_creators = CREATOR_OR_SERVERS | FOREIGN
    capabilities = "/im/api/v1/rtc/providers/capabilities"
    return [
        Row(
            OPENCHAT,
            "POST",
            rooms,
            plain("POST", rooms, new),
            own(Who.STRANGER) | FOREIGN,
            forbidden,
            subject="dave",
        ),
        room("GET", "", ANY_OF_PARTIES),
        room("POST", "/join", own(Who.CALLEE), bob, **others_bob),
        room("POST", "/leave", own(Who.CALLEE), bob, **others_bob),
        room("POST", "/end", CREATOR_OR_SERVERS, {}),
        room("POST", "/leave", ANY_OF_PARTIES, {}, is_late=True),
        room("POST", "/end", ANY_OF_PARTIES, {}, is_late=True),
        room("GET", "/participants", ANY_OF_PARTIES),
        # Of a room that is not there, these say false.
        replace(room("PUT", "/end", of_creators), foreign=""),
        replace(room("POST", "/participants", of_creators, erin), foreign=""),
        Row(
            OPENCHAT,
            "DELETE",
            f"{rooms}/{{room_id}}/participants/{{user_id}}",
            on_call("DELETE", f"{rooms}/{{}}/participants/bob"),
            CREATOR_OR_SERVERS | FOREIGN | {Who.CALLEE},
            forbidden,
            subject="bob",
        ),
        Row(
            OPENCHAT,
            "GET",
            f"{rooms}/user/{{user_id}}",
            on_call("GET", f"{rooms}/user/bob"),
            own(Who.CALLEE) | FOREIGN,
            forbidden,
            subject="bob",
        ),
        room("POST", "/connection", own(Who.CALLEE), bob, **others_bob),
        Row(
            OPENCHAT,
            "POST",
            tokens,
            _with_room(tokens, "roomId", bob),
            own(Who.CALLEE),
            forbidden,
            unknown,
            subject="bob",
        ),
        Row(
            OPENCHAT,
            "POST",
            f"{tokens}/validate",
            _about_token("POST", f"{tokens}/validate"),
            ANY_OF_PARTIES | FOREIGN,
            forbidden,
        ),
        Row(
            OPENCHAT,
            "GET",
            f"{tokens}/validate",
            _about_token("GET", f"{tokens}/validate"),
            ANY_OF_PARTIES | FOREIGN,
            forbidden,
        ),
        Row(OPENCHAT, "GET", capabilities, plain("GET", capabilities), ANY_PRINCIPAL),
    ]


def _with_room(path: str, name: str, body: Body) -> Maker:
    def ask(scene: Scene, is_there: bool) -> Ask:
        call_id = scene.ring()
        return Ask("POST", path, {**body, name: call_id if is_there else NOWHERE})

    return ask


def _about_token(method: str, path: str) -> Maker:
    """bob's way into the call's media."""

    def ask(scene: Scene, is_there: bool) -> Ask:
        call_id = scene.ring()
        reply = scene.api.post(f"/im/api/v1/rtc/rooms/{call_id}/connection", {}, "bob")
        token = reply.json["rtcToken"]["token"] if is_there else NOWHERE
        if method == "GET":
            return Ask(method, path, None, f"token={token}")
        return Ask(method, path, {"token": token})

    return ask


def _active_call() -> list[Row]:
    def kill(method: str, prefix: str) -> Row:
        def ask(scene: Scene, is_there: bool) -> Ask:
            session_id = scene.session()
            return Ask(method, f"{prefix}/{session_id if is_there else NOWHERE}")

        route = f"{prefix}/{{session_id}}"
        manner = OLD_KILL if prefix == "/kill" else ACTIVE_CALL
        return Row(manner, method, route, ask, CREATOR_OR_ADMINS, 404, 404)

    def listing(path: str) -> Row:
        def ask(scene: Scene, is_there: bool) -> Ask:
            if is_there:
                scene.session()
            return Ask("GET", path)

        return Row(ACTIVE_CALL, "GET", path, ask, ANY_PRINCIPAL)

    methods = [(m, p) for m in ("GET", "POST") for p in ("/call/kill", "/kill")]
    return [
        *(kill(method, prefix) for method, prefix in methods),
        *(listing(path) for path in ("/call/lists", "/list", "/iceservers")),
    ]


def _fleet() -> list[Row]:
    worker = "/internal/workers/{worker_id}"

    def row(method: str, rest: str, body: Callable[[], Any], route: str = "") -> Row:
        def ask(scene: Scene, is_there: bool) -> Ask:
            scene.enrol()
            return Ask(method, f"/internal/workers/w1/{rest}", body())

        return Row(
            FLEET,
            method,
            f"{worker}/{route or rest}",
            ask,
            frozenset({Who.WORKER}),
            401,
            more={Who.OTHER_WORKER: 403},
            has_own_record=True,
        )

    def find(scene: Scene, is_there: bool) -> Ask:
        scene.session()
        path = "/internal/workers/w1/sessions/s1"
        return Ask("GET", path, query="tenant=default")

    return [
        Row(
            FLEET,
            "GET",
            "/internal/workers",
            plain("GET", "/internal/workers"),
            frozenset({Who.WORKER, Who.OTHER_WORKER}),
            401,
        ),
        Row(
            FLEET,
            "GET",
            f"{worker}/sessions/{{session_id}}",
            find,
            frozenset({Who.WORKER}),
            401,
            more={Who.OTHER_WORKER: 403},
        ),
        row("PUT", "lease", lambda: lease(sessions=7).render()),
        row("POST", "facts", lambda: Facts((started(),)).render()),
        row("POST", "witnesses", lambda: _witness().render()),
        row("POST", "orders/k1/done", lambda: None, "orders/{command_id}/done"),
    ]


def _witness() -> Witness:
    return Witness("w2", 1, Sight.UNREACHABLE, NOW_MS, by="w1")


PUBLIC = tuple(
    Row(V1, "GET", path, plain("GET", path), EVERYBODY)
    for path in ("/health", "/asyncapi.json", "/protocol.schema.json")
)

ROWS = (
    *PUBLIC,
    *access_v1.rows(),
    *_tgortc(),
    *_dtalk(),
    *_openchat(),
    *_active_call(),
    *_fleet(),
)
