"""What erases users."""

from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.erasure import DynamoDBErasure
from chalicelib.adapters.dynamodb.push_tokens import DynamoDBPushTokens
from chalicelib.bootstrap import lines, parts, phones, world
from chalicelib.services.calls import CallService
from chalicelib.services.erasure import Belongings, ErasureService
from chalicelib.settings import Settings


def erasures_of(settings: Settings, calls: CallService) -> ErasureService:
    clock, draws = SystemClock(), SystemDraws()
    table = world.table(settings.table)
    return ErasureService(
        DynamoDBErasure(table, rows.connection_of(table)),
        calls,
        world.calls(settings.table),
        parts.sessions(settings.table),
        Belongings(
            lines.devices(),
            lines.gateway_sockets() if settings.clients_url else None,
            DynamoDBPushTokens(table),
            phones.carriers(settings, clock),
        ),
        world.vault(),
        settings.jwt_secret,
        clock,
        draws,
    )
