"""What the API function is made of."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from chalicelib.adapters.providers.livekit import LiveKit
from chalicelib.adapters.providers.p2p import PeerToPeer
from chalicelib.adapters.providers.trtc import Trtc
from chalicelib.bootstrap import parts, world
from chalicelib.domain.call import Call
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.calls import CallService
from chalicelib.services.fleet import FleetService
from chalicelib.services.ports import (
    Clock,
    Draws,
    JoinCredentials,
    MediaProvider,
    TallyRepository,
    TrtcTicket,
)
from chalicelib.services.reports import ReportService
from chalicelib.services.sessions import SessionService
from chalicelib.settings import Settings, TrtcSettings


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
def control_plane() -> ControlPlane:
    """What the API function is made of."""
    return _plane(world.settings())


def _plane(settings: Settings) -> ControlPlane:
    clock, draws = SystemClock(), SystemDraws()
    calls = CallService(world.calls(settings.table), clock, draws)
    return ControlPlane(
        settings=settings,
        calls=calls,
        reports=ReportService(calls, parts.effects()),
        tallies=DynamoDBTallies(world.table(settings.table)),
        fleet=parts.fleet_of(settings.table, parts.door(settings, clock)),
        sessions=parts.sessions(settings.table),
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
