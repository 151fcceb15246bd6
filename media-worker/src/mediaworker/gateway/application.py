"""The routes of the worker's port."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from chalicelib.protocol import client_document
from chalicelib.protocol.control import HealthStatus, WorkerHealth
from chalicelib.protocol.ice import IceSettings
from chalicelib.protocol.relay import MAX_BODY_BYTES, RELAY_PATH
from chalicelib.protocol.session import schema
from mediaworker.gateway.calls import Calls
from mediaworker.gateway.commands import Commands
from mediaworker.gateway.cors import Cors
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused, refusals_as_json
from mediaworker.gateway.handshake import CALL_TYPES
from mediaworker.gateway.metrics import Metrics, Readings
from mediaworker.gateway.orders import Obey, Orders
from mediaworker.gateway.precache import Precache, Prepare
from mediaworker.gateway.relay import Relay, RelayDoor
from mediaworker.gateway.streams import Streams
from mediaworker.runtime.ports import Sessions

ICE_CACHE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Desk:
    """For whom the routes speak."""

    sessions: Sessions
    doorkeeper: Doorkeeper
    ice: IceSettings
    health: Callable[[], WorkerHealth]
    readings: Readings
    obey: Obey
    epoch_ms: Callable[[], int]
    new_id: Callable[[], str]
    relay: Relay
    prepare: Prepare
    origins: frozenset[str] = frozenset()
    """Of pages that may read the answers; ``*`` for any."""


def application_of(desk: Desk) -> web.Application:
    """All but the sockets, whose heads never come here unless they lack the upgrade."""
    calls = Calls(desk.sessions, desk.doorkeeper, desk.new_id)
    metrics = Metrics(desk.readings, desk.doorkeeper)
    orders = Orders(desk.obey, desk.doorkeeper)
    commands = Commands(desk.sessions, desk.doorkeeper)
    streams = Streams(desk.sessions, desk.doorkeeper)
    relay = RelayDoor(desk.relay, desk.doorkeeper)
    precache = Precache(desk.prepare, desk.doorkeeper)

    async def health(request: web.Request) -> web.Response:
        found = desk.health()
        status = 503 if found.status is HealthStatus.STARTING else 200
        return web.json_response(found.render(), status=status)

    # Made before the first session, for it takes a part of a tick.
    described = json.dumps(client_document.document())
    protocol = json.dumps(schema.document())

    async def asyncapi(request: web.Request) -> web.Response:
        return web.json_response(text=described)

    async def session_protocol(request: web.Request) -> web.Response:
        return web.json_response(text=protocol)

    async def ice_servers(request: web.Request) -> web.Response:
        principal = desk.doorkeeper.admit(request.headers, request.query)
        now_seconds = desk.epoch_ms() // 1_000
        body = desk.ice.render(principal.uid, now_seconds)
        return web.json_response(body, headers=ICE_CACHE)

    application = web.Application(
        middlewares=[refusals_as_json], client_max_size=MAX_BODY_BYTES
    )
    Cors(desk.origins).add_to(application)
    router = application.router
    router.add_get("/health", health)
    router.add_get("/asyncapi.json", asyncapi)
    router.add_get("/protocol.schema.json", session_protocol)
    router.add_get("/metrics", metrics.show)
    router.add_get("/iceservers", ice_servers)
    router.add_get("/call/lists", calls.lists)
    router.add_get("/call/kill/{id}", calls.kill, allow_head=False)
    router.add_post("/call/kill/{id}", calls.kill)
    router.add_post("/command/{id}", commands.take)
    router.add_get("/events/{id}", streams.show, allow_head=False)
    router.add_post("/precache", precache.take)
    router.add_post("/internal/orders", orders.take)
    router.add_post(RELAY_PATH, relay.take)
    for path in CALL_TYPES:
        router.add_get(path, _upgrade_required, allow_head=False)
    return application


async def _upgrade_required(request: web.Request) -> web.Response:
    sentence = "this is a WebSocket: ask for the upgrade"
    raise Refused(426, sentence, {"Upgrade": "websocket"})
