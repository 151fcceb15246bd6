"""What the API function is made of."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb.keys import DynamoDBKeys
from chalicelib.adapters.dynamodb.limits import DynamoDBWindows
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from chalicelib.adapters.repetitions import StoredRepetitions
from chalicelib.bootstrap import erasures, lines, parts, phones, world
from chalicelib.bootstrap.media import providers, trtc
from chalicelib.bootstrap.trust import trust_of
from chalicelib.bootstrap.webhooks import Webhooks, webhooks_of
from chalicelib.domain.call import Call
from chalicelib.protocol.tokens import Trust
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.calls import CallService
from chalicelib.services.devices.push_tokens import DeviceService
from chalicelib.services.devices.tickets import TicketService
from chalicelib.services.erasure import ErasureService
from chalicelib.services.fleet import FleetService
from chalicelib.services.history import HistoryService
from chalicelib.services.identity.keys import KeyService
from chalicelib.services.identity.limits import LimitService, WindowRepository
from chalicelib.services.media import Entrances
from chalicelib.services.ports import (
    Clock,
    Draws,
    JoinCredentials,
    MediaProvider,
    TrtcTicket,
)
from chalicelib.services.repetition import Repetitions
from chalicelib.services.reports import ReportService
from chalicelib.services.sessions import SessionService
from chalicelib.services.timeline import TimelineService
from chalicelib.services.webhooks.tallies import TallyRepository
from chalicelib.settings import Settings


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
    repetitions: Repetitions
    trust: Trust
    keys: KeyService
    limits: LimitService
    history: HistoryService
    timelines: TimelineService
    devices: DeviceService
    tickets: TicketService
    webhooks: Webhooks
    erasures: ErasureService
    clock: Clock
    draws: Draws

    def credentials(
        self, call: Call, uid: str, device_type: str, seconds: int | None = None
    ) -> JoinCredentials:
        """Of the call's own provider; one that is not set up fails no command."""
        entrances = Entrances(self.providers, self.clock)
        return entrances.credentials(call, uid, device_type, seconds)

    def trtc_ticket(self, call: Call, uid: str) -> TrtcTicket:
        """Whatever carries the call; one that opens nothing where TRTC is not set."""
        if self.settings.trtc is None:
            return TrtcTicket(call.room_number, "", "", 0)
        minter = trtc(self.settings.trtc)
        return minter.ticket(call.room_number, uid, self.clock.now_ms())


@functools.cache
def control_plane() -> ControlPlane:
    """What the API function is made of."""
    return _plane(world.settings())


def _plane(settings: Settings) -> ControlPlane:
    clock, draws = SystemClock(), SystemDraws()
    calls = CallService(
        world.calls(settings.table), clock, draws, lines.commit_listener()
    )
    return ControlPlane(
        settings=settings,
        calls=calls,
        reports=ReportService(calls, parts.effects()),
        tallies=DynamoDBTallies(world.table(settings.table)),
        fleet=parts.fleet_of(settings.table, parts.door(settings, clock)),
        sessions=parts.sessions(settings.table),
        providers=providers(settings),
        repetitions=StoredRepetitions(
            world.table(settings.table), world.vault(), clock, draws
        ),
        trust=trust_of(settings),
        keys=KeyService(DynamoDBKeys(world.table(settings.table)), clock, draws),
        limits=limits_of(settings, DynamoDBWindows(world.table(settings.table)), clock),
        history=phones.history(),
        timelines=phones.timelines(settings, calls),
        devices=phones.devices(settings),
        tickets=lines.tickets(),
        webhooks=webhooks_of(settings, parts.delivery_ports(), phones.history()),
        erasures=erasures.erasures_of(settings, calls),
        clock=clock,
        draws=draws,
    )


def limits_of(
    settings: Settings, repository: WindowRepository, clock: Clock
) -> LimitService:
    of_user, of_server = settings.rate_limit, settings.rate_limit_servers
    return LimitService(repository, clock, of_user, of_server)
