"""The composition root: the only place that names adapters.

Nothing is built at import; each handler builds what it needs on first use.
"""

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.config
import botocore.session

from chalicelib import settings as settings_module
from chalicelib.adapters.aws import EventBridgeBus, StepFunctionsRetries
from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.connections import DynamoDBConnections
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from chalicelib.adapters.http import GuardedPoster
from chalicelib.adapters.memory import FixedEndpoints
from chalicelib.adapters.providers.livekit import LiveKit, room_name
from chalicelib.adapters.providers.livekit_rooms import LiveKitRooms
from chalicelib.adapters.providers.p2p import PeerToPeer
from chalicelib.adapters.providers.trtc import Trtc
from chalicelib.adapters.sockets import GatewaySockets
from chalicelib.adapters.workers import WorkerPorts
from chalicelib.domain.call import Call
from chalicelib.protocol.url_policy import UrlPolicy
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Provider
from chalicelib.services import delivery
from chalicelib.services.calls import CallService
from chalicelib.services.delivery import DeliveryService
from chalicelib.services.effects import EffectService, Rooms
from chalicelib.services.fleet import FleetService
from chalicelib.services.ports import (
    Clock,
    Draws,
    EventBus,
    JoinCredentials,
    MediaProvider,
    TallyRepository,
    TrtcTicket,
)
from chalicelib.services.relay import RelayService
from chalicelib.services.reports import ReportService
from chalicelib.services.roster import WorkerDoor
from chalicelib.services.sessions import SessionService
from chalicelib.services.wakes import WakeService
from chalicelib.settings import DEFAULT_TABLE, Settings, TrtcSettings

EVENT_SOURCE = "parley"
CLIENT_CONFIG = botocore.config.Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=50,
    retries={"total_max_attempts": 3, "mode": "standard"},
)


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """What the dialects need: services, and the world that they act in."""

    settings: Settings
    calls: CallService
    reports: ReportService
    tallies: TallyRepository
    fleet: FleetService
    sessions: SessionService
    providers: Mapping[Provider, MediaProvider]
    clock: Clock
    draws: Draws

    def credentials(
        self, call: Call, uid: str, device_type: str, seconds: int | None = None
    ) -> JoinCredentials:
        """Of the call's own provider; one that is not set up fails no command."""
        provider = self.providers.get(call.provider)
        if provider is None:
            name = call.provider.value
            return JoinCredentials(
                name, "", "", call.id, problem=f"{name} is not set up"
            )
        now_ms = self.clock.now_ms()
        return provider.credentials(call, uid, device_type, now_ms, seconds)

    def trtc_ticket(self, call: Call, uid: str) -> TrtcTicket:
        """Whatever carries the call; one that opens nothing where TRTC is not set."""
        if self.settings.trtc is None:
            return TrtcTicket(call.room_number, "", "", 0)
        minter = _trtc(self.settings.trtc)
        return minter.ticket(call.room_number, uid, self.clock.now_ms())


@functools.cache
def settings() -> Settings:
    """The environment's variables, over the environment's one secret."""
    secret_arn = os.environ.get("PARLEY_SECRET_ARN")
    secrets: dict[str, str] = {}
    if secret_arn:
        answer = _client("secretsmanager").get_secret_value(SecretId=secret_arn)
        secrets = json.loads(answer["SecretString"])
    return settings_module.parse({**secrets, **os.environ})


@functools.cache
def control_plane() -> ControlPlane:
    """What the API function is made of."""
    return _plane(settings())


def _plane(settings: Settings) -> ControlPlane:
    clock, draws = SystemClock(), SystemDraws()
    calls = CallService(_calls(settings.table), clock, draws)
    return ControlPlane(
        settings=settings,
        calls=calls,
        reports=ReportService(calls, effects()),
        tallies=DynamoDBTallies(_table(settings.table)),
        fleet=_fleet(settings.table, _door(settings, clock)),
        sessions=_sessions(settings.table),
        providers=providers(settings),
        clock=clock,
        draws=draws,
    )


def providers(settings: Settings) -> dict[Provider, MediaProvider]:
    """Those that the environment sets up.

    A worker is none of them yet: its sessions have one party each.
    """
    found: dict[Provider, MediaProvider] = {Provider.P2P: PeerToPeer(settings.ice)}
    if settings.trtc:
        found[Provider.TRTC] = _trtc(settings.trtc)
    if livekit := settings.livekit:
        found[Provider.LIVEKIT] = LiveKit(
            livekit.client_url, livekit.api_key, livekit.api_secret
        )
    return found


def _trtc(trtc: TrtcSettings) -> Trtc:
    return Trtc(trtc.sdk_app_id, trtc.secret_key)


@functools.cache
def event_bus() -> EventBus:
    """What the outbox function publishes to; it needs no secret."""
    bus = os.environ.get("PARLEY_BUS", "parley")
    return EventBridgeBus(_client("events"), bus, EVENT_SOURCE)


@functools.cache
def deliveries() -> DeliveryService:
    """What the webhook functions are made of."""
    read = settings()
    return DeliveryService(
        delivery.Ports(
            calls=_calls(read.table),
            lanes=DynamoDBLanes(_table(read.table)),
            endpoints=FixedEndpoints({DEFAULT_TENANT: read.endpoints}),
            poster=GuardedPoster(UrlPolicy(allows_loopback=read.is_development)),
            retries=StepFunctionsRetries(
                _client("stepfunctions"), read.redelivery_machine_arn
            ),
            tallies=DynamoDBTallies(_table(read.table)),
            clock=SystemClock(),
            draws=SystemDraws(),
        )
    )


@functools.cache
def wakes() -> WakeService:
    """What the timers' functions are made of."""
    read, clock = settings(), SystemClock()
    repository = _calls(read.table)
    calls = CallService(repository, clock, SystemDraws())
    return WakeService(calls, repository, _rooms(read), clock)


@functools.cache
def fleet() -> FleetService:
    """What looks at workers when no worker asks; it needs no secret."""
    return _fleet(os.environ.get("PARLEY_TABLE", DEFAULT_TABLE), None)


def _fleet(table: str, door: WorkerDoor | None) -> FleetService:
    return FleetService(
        DynamoDBFleet(_table(table)),
        _sessions(table),
        door,
        SystemClock(),
        SystemDraws(),
    )


def _sessions(table: str) -> SessionService:
    model = _table(table)
    repository = DynamoDBSessions(model, rows.connection_of(model))
    return SessionService(repository, SystemClock(), SystemDraws())


def _door(settings: Settings, clock: Clock) -> WorkerDoor | None:
    if not settings.reaches_workers:
        return None
    return WorkerPorts(settings.jwt_secret, clock)


@functools.cache
def relay() -> RelayService:
    """What the function behind applications' sockets is made of."""
    read, clock, draws = settings(), SystemClock(), SystemDraws()
    return RelayService(
        DynamoDBConnections(_table(read.table)),
        _fleet(read.table, None),
        _sessions(read.table),
        WorkerPorts(read.jwt_secret, clock),
        GatewaySockets(_gateway),
        clock,
        draws,
        read.connections_url,
    )


@functools.cache
def _gateway() -> Any:
    url = settings().connections_url
    return _client("apigatewaymanagementapi", endpoint_url=url)


@functools.cache
def effects() -> EffectService:
    """What the effects' function is made of."""
    read = settings()
    clock, draws = SystemClock(), SystemDraws()
    return EffectService(_calls(read.table), _rooms(read), clock, draws)


def _rooms(settings: Settings) -> dict[Provider, Rooms]:
    found: dict[Provider, Rooms] = {}
    if livekit := settings.livekit:
        control = LiveKitRooms(livekit.url, livekit.api_key, livekit.api_secret)
        found[Provider.LIVEKIT] = Rooms(control, room_name)
    return found


def _calls(table: str) -> DynamoDBCalls:
    model = _table(table)
    return DynamoDBCalls(model, rows.connection_of(model))


@functools.cache
def _table(name: str) -> type[Row]:
    """One for all repositories, for each has a client of its own to be made."""
    model = rows.table(name)
    # Now, for threads that come together would make one each.
    _ = rows.connection_of(model).client
    return model


@functools.cache
def _client(service: str, endpoint_url: str | None = None) -> Any:
    # Straight from botocore: boto3 adds 60 ms to a start and nothing that we use.
    session = botocore.session.get_session()
    return session.create_client(
        service, config=CLIENT_CONFIG, endpoint_url=endpoint_url
    )
