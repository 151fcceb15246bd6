"""What the sockets of users' devices are made of, and what pushes over them."""

import functools
import threading
from typing import Any

from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.devices import DynamoDBDevices, DynamoDBTickets
from chalicelib.adapters.dynamodb.history import DynamoDBHistory
from chalicelib.adapters.fan_out import ThreadFanOut
from chalicelib.adapters.sockets import GatewaySockets
from chalicelib.bootstrap import world
from chalicelib.bootstrap.media import providers
from chalicelib.services.calls import CallService
from chalicelib.services.devices.clients import ClientService
from chalicelib.services.devices.devices import DeviceService
from chalicelib.services.devices.pushing import PushService
from chalicelib.services.devices.resuming import ResumeService
from chalicelib.services.devices.signalling import SignalService
from chalicelib.services.devices.tickets import TicketService
from chalicelib.services.media import Entrances
from chalicelib.services.ports import CallRepository, CommitListener

_making = threading.Lock()


@functools.cache
def pushes() -> PushService:
    """A hearer of what was told, and of commits."""
    clock = SystemClock()
    return PushService(
        outbox_reader(),
        devices(),
        gateway_sockets(),
        Entrances(providers(world.settings()), clock),
        ThreadFanOut(),
        clock,
    )


def commit_listener() -> CommitListener | None:
    """None where there is no gateway of sockets to post to."""
    return pushes() if world.settings().clients_url else None


@functools.cache
def client_devices() -> DeviceService:
    return DeviceService(devices(), gateway_sockets(), SystemClock(), SystemDraws())


@functools.cache
def clients() -> ClientService:
    """What the function behind the devices' sockets is made of."""
    clock, draws, sockets = SystemClock(), SystemDraws(), gateway_sockets()
    calls = CallService(outbox_reader(), clock, draws)
    resuming = ResumeService(
        calls,
        outbox_reader(),
        devices(),
        DynamoDBHistory(world.table(world.settings().table)),
        Entrances(providers(world.settings()), clock),
        clock,
        draws,
    )
    signals = SignalService(calls, devices(), sockets, clock, draws)
    return ClientService(client_devices(), resuming, signals, sockets, clock)


@functools.cache
def tickets() -> TicketService:
    table = world.table(world.settings().table)
    return TicketService(DynamoDBTickets(table), SystemClock(), SystemDraws())


@functools.cache
def outbox_reader() -> CallRepository:
    return world.calls(world.settings().table)


def devices() -> DynamoDBDevices:
    model = world.table(world.settings().table)
    return DynamoDBDevices(model, rows.connection_of(model))


def gateway_sockets() -> GatewaySockets:
    return GatewaySockets(_gateway)


def _gateway() -> Any:
    # Threads that come together would each make one.
    with _making:
        return world.client(
            "apigatewaymanagementapi", endpoint_url=world.settings().clients_url
        )
