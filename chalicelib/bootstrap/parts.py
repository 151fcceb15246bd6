"""What the functions behind streams, events, timers and sockets are made of."""

import functools
import os
from collections.abc import Iterable
from typing import Any

from chalicelib.adapters.aws import StepFunctionsRetries
from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.announcements import DynamoDBAnnouncer
from chalicelib.adapters.dynamodb.connections import DynamoDBConnections
from chalicelib.adapters.dynamodb.endpoints import DynamoDBEndpoints
from chalicelib.adapters.dynamodb.failures_log import DynamoDBFailures
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from chalicelib.adapters.dynamodb.health import DynamoDBHealth
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from chalicelib.adapters.ecs_fleet import EcsDeployments
from chalicelib.adapters.http import GuardedPoster
from chalicelib.adapters.providers.livekit import room_name
from chalicelib.adapters.providers.livekit_rooms import LiveKitRooms
from chalicelib.adapters.sockets import GatewaySockets
from chalicelib.adapters.workers import WorkerPorts
from chalicelib.bootstrap import lines, world
from chalicelib.bootstrap.bus import event_bus
from chalicelib.bootstrap.meters import meter
from chalicelib.protocol.control import Doorbell, Redelivery
from chalicelib.protocol.url_policy import UrlPolicy
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Provider
from chalicelib.services.calls import CallService
from chalicelib.services.effects import EffectService, Rooms
from chalicelib.services.fleet import FleetService
from chalicelib.services.measures import Punctuality
from chalicelib.services.ports import Clock
from chalicelib.services.relay import RelayService
from chalicelib.services.retiring import RetireService
from chalicelib.services.roster import WorkerDoor
from chalicelib.services.sessions import SessionService
from chalicelib.services.wakes import WakeService
from chalicelib.services.webhooks.delivery import DeliveryService
from chalicelib.services.webhooks.visits import Ports
from chalicelib.settings import DEFAULT_TABLE, Settings


class LateBus:
    """An `EventBus` whose client is made when it is needed, which is rarely."""

    def publish(self, doorbells: Iterable[Doorbell]) -> list[int]:
        return event_bus().publish(doorbells)


class LateRetries:
    """A `RetryMachine` whose client is made when it is needed, which is rarely."""

    def start(self, redelivery: Redelivery, token: str = "") -> None:
        _retries().start(redelivery, token)


@functools.cache
def _retries() -> StepFunctionsRetries:
    machine_arn = world.settings().redelivery_machine_arn
    return StepFunctionsRetries(world.client("stepfunctions"), machine_arn)


@functools.cache
def deliveries() -> DeliveryService:
    """What the webhook functions are made of."""
    return DeliveryService(delivery_ports())


@functools.cache
def delivery_ports() -> Ports:
    """The world in which webhooks are delivered, and their endpoints managed."""
    read = world.settings()
    table = world.table(read.table)
    fixed = {DEFAULT_TENANT: read.endpoints}
    return Ports(
        calls=world.calls(read.table),
        lanes=DynamoDBLanes(table),
        endpoints=DynamoDBEndpoints(table, world.vault(), fixed),
        health=DynamoDBHealth(table),
        failures=DynamoDBFailures(table),
        poster=GuardedPoster(UrlPolicy(allows_loopback=read.is_development)),
        retries=LateRetries(),
        tallies=DynamoDBTallies(table),
        announcer=DynamoDBAnnouncer(table),
        bus=LateBus(),
        clock=SystemClock(),
        draws=SystemDraws(),
        schedule=read.webhook_schedule,
    )


@functools.cache
def wakes() -> WakeService:
    """What the timers' functions are made of."""
    read, clock = world.settings(), SystemClock()
    repository = world.calls(read.table)
    listener = Punctuality(meter(), lines.commit_listener())
    calls = CallService(repository, clock, SystemDraws(), listener)
    return WakeService(calls, repository, _rooms(read), clock, lines.devices())


@functools.cache
def fleet() -> FleetService:
    """What looks at workers when no worker asks; it needs no secret."""
    return fleet_of(os.environ.get("PARLEY_TABLE", DEFAULT_TABLE), None)


@functools.cache
def retiring() -> RetireService:
    """What looks at a deployment of the workers; it needs no secret."""
    return RetireService(fleet(), EcsDeployments(world.client("ecs")), SystemClock())


def fleet_of(table: str, door: WorkerDoor | None) -> FleetService:
    return FleetService(
        DynamoDBFleet(world.table(table)),
        sessions(table),
        door,
        SystemClock(),
        SystemDraws(),
    )


def sessions(table: str) -> SessionService:
    model = world.table(table)
    repository = DynamoDBSessions(model, rows.connection_of(model))
    return SessionService(repository, SystemClock(), SystemDraws())


def door(settings: Settings, clock: Clock) -> WorkerDoor | None:
    if not settings.reaches_workers:
        return None
    return WorkerPorts(settings.jwt_secret, clock)


@functools.cache
def relay() -> RelayService:
    """What the function behind applications' sockets is made of."""
    read, clock, draws = world.settings(), SystemClock(), SystemDraws()
    return RelayService(
        DynamoDBConnections(world.table(read.table)),
        fleet_of(read.table, None),
        sessions(read.table),
        WorkerPorts(read.jwt_secret, clock),
        GatewaySockets(_gateway),
        clock,
        draws,
        read.connections_url,
    )


@functools.cache
def _gateway() -> Any:
    url = world.settings().connections_url
    return world.client("apigatewaymanagementapi", endpoint_url=url)


@functools.cache
def effects() -> EffectService:
    """What the effects' function is made of."""
    read = world.settings()
    clock, draws = SystemClock(), SystemDraws()
    return EffectService(world.calls(read.table), _rooms(read), clock, draws)


def _rooms(settings: Settings) -> dict[Provider, Rooms]:
    found: dict[Provider, Rooms] = {}
    if livekit := settings.livekit:
        control = LiveKitRooms(livekit.url, livekit.api_key, livekit.api_secret)
        found[Provider.LIVEKIT] = Rooms(control, room_name)
    return found
