"""TgoRTC's management API: LiveKit's webhooks in, the log of our own out."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity
from chalicelib.dialects.requests import Request
from chalicelib.dialects.tgortc import livekit, wire
from chalicelib.dialects.tgortc.endpoint import endpoints_of, identify
from chalicelib.dialects.tgortc.livekit import LiveKitEvent, LiveKitEventType
from chalicelib.domain.commands import Appear, CloseRoom, OpenRoom, Vanish
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Provider, Role
from chalicelib.services.calls import Attempt
from chalicelib.services.reports import Report
from chalicelib.services.retries import Unavailable

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)

DAY_MS = 24 * 3600 * 1000


@endpoint("POST", f"{wire.PREFIX}/webhooks/livekit", is_recorded=True)
def hear_livekit(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    settings = plane.settings.livekit
    if settings is None:
        raise Unavailable("livekit is not set up")
    authorization = request.headers.get("authorization")
    livekit.verify(authorization, request.body, settings.api_key, settings.api_secret)
    event = livekit.parse(request.body)
    report = _report(event) if event else None
    place = livekit.call_of(event.room) if event else None
    if event and report and place:
        name = f"livekit#{event.id or request.fingerprint()}"
        plane.reports.hear(*place, Provider.LIVEKIT, report, Attempt(name, name))
    return wire.envelope()


@endpoint("GET", f"{wire.PREFIX}/webhooks/logs/stats")
def show_stats(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = _operator(plane, request)
    return wire.envelope(wire.render_stats(plane.tallies.total(principal.tenant)))


@endpoint("POST", f"{wire.PREFIX}/webhooks/logs/cleanup")
def clean_up(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = _operator(plane, request)
    days = wire.parse_retention_days(request.json_object())
    before_ms = max(0, plane.clock.now_ms() - days * DAY_MS)
    plane.tallies.forget_before(principal.tenant, before_ms)
    plane.webhooks.endpoints.forget_failures(principal.tenant, before_ms)
    return {}


def _operator(plane: ControlPlane, request: Request) -> Principal:
    """Raises `Forbidden` unless an administrator acts."""
    principal = identify(plane, request)
    if principal.role is not Role.ADMIN:
        raise identity.Forbidden("an administrator is needed")
    return principal


def _report(event: LiveKitEvent) -> Report | None:
    """None for a connection that only moved to another."""
    sid, uid = event.sid or "", event.identity
    match event.type:
        case LiveKitEventType.ROOM_STARTED:
            return OpenRoom(event.room_sid)
        case LiveKitEventType.ROOM_FINISHED:
            return CloseRoom(event.room_sid)
        case LiveKitEventType.PARTICIPANT_JOINED if uid:
            return Appear(uid, event.device_type, sid, event.room_sid)
        case LiveKitEventType.PARTICIPANT_LEFT if uid:
            moved = event.disconnect_reason.is_handover
            return None if moved else Vanish(uid, sid)
        case _:
            return None
