"""What remembers calls that are over, and what reaches phones in pockets."""

import functools

from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb.history import DynamoDBHistory, DynamoDBLiveCalls
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.push_tokens import DynamoDBPushTokens
from chalicelib.adapters.http import GuardedPoster
from chalicelib.adapters.mobile_push import (
    Carrier,
    Carriers,
    SnsCarrier,
    WebhookCarrier,
)
from chalicelib.bootstrap import world
from chalicelib.protocol.url_policy import UrlPolicy
from chalicelib.services.calls import CallService
from chalicelib.services.devices.push_tokens import DeviceService
from chalicelib.services.devices.ring_pushes import RingPushes
from chalicelib.services.history import HistoryService
from chalicelib.services.ports import Clock
from chalicelib.services.timeline import TimelineService
from chalicelib.settings import Settings


@functools.cache
def history() -> HistoryService:
    table = world.table(world.settings().table)
    return HistoryService(
        DynamoDBHistory(table), DynamoDBLiveCalls(table), SystemClock(), SystemDraws()
    )


@functools.cache
def ring_pushes() -> RingPushes:
    read, clock = world.settings(), SystemClock()
    return RingPushes(
        world.calls(read.table),
        DynamoDBPushTokens(world.table(read.table)),
        carriers(read, clock),
        clock,
        SystemDraws(),
    )


def devices(settings: Settings) -> DeviceService:
    clock = SystemClock()
    return DeviceService(
        DynamoDBPushTokens(world.table(settings.table)),
        carriers(settings, clock),
        clock,
        SystemDraws(),
    )


def timelines(settings: Settings, calls: CallService) -> TimelineService:
    table = world.table(settings.table)
    return TimelineService(
        calls,
        world.calls(settings.table),
        DynamoDBLanes(table),
        SystemClock(),
        SystemDraws(),
    )


def carriers(settings: Settings, clock: Clock) -> Carriers:
    """SNS for the apps that it knows, the webhook for all others."""
    push = settings.push
    found: list[Carrier] = []
    if push.sns_apps:
        found.append(SnsCarrier(lambda: world.client("sns"), push.sns_apps))
    if push.webhook_url:
        poster = GuardedPoster(UrlPolicy(allows_loopback=settings.is_development))
        found.append(
            WebhookCarrier(poster, push.webhook_url, push.webhook_secret, clock)
        )
    return Carriers(found)
