"""dtalk's four endpoints."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.dialects.dtalk import wire
from chalicelib.dialects.dtalk.endpoint import Asked, endpoints_of
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Answer, Command, Create, Leave, ReplyBusy
from chalicelib.domain.errors import CallNotFound, NotParticipant
from chalicelib.protocol.vocabulary import Dialect

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)


@endpoint("start-call", is_recorded=True)
def start_call(asked: Asked) -> dict[str, Any]:
    plane, principal = asked.plane, asked.principal
    wanted = wire.StartCall.parse(asked.body, principal.uid)
    device_type = wire.device_type_of(asked.request)
    call = plane.calls.create(_create(asked, wanted), asked.attempt)
    credentials = plane.credentials(call, principal.uid, device_type)
    return wire.render_started(call, principal.uid, credentials)


@endpoint("check-call")
def check_call(asked: Asked) -> dict[str, Any]:
    principal = asked.principal
    trace_id = wire.parse_trace_id(asked.body)
    call = asked.plane.calls.find_by_trace(principal.tenant, trace_id)
    if call is None:
        raise CallNotFound(str(trace_id))
    if not principal.is_privileged:
        _require_party(call, principal.uid)
    wire.require_expected(call, principal.uid)
    return wire.render_call(call, principal.uid)


@endpoint("handle-call", is_recorded=True)
def handle_call(asked: Asked) -> dict[str, Any]:
    plane, uid = asked.plane, asked.principal.uid
    wanted = wire.HandleCall.parse(asked.body)
    device_type = wire.device_type_of(asked.request)
    if not wanted.answer:
        _execute(asked, wanted.trace_id, Leave(uid))
        return {}
    call = _execute(
        asked, wanted.trace_id, Answer(uid, device_type, asked.request.device)
    )
    credentials = plane.credentials(call, uid, device_type)
    return wire.render_ticket(plane.trtc_ticket(call, uid), credentials)


@endpoint("reply-busy", is_recorded=True)
def reply_busy(asked: Asked) -> dict[str, Any]:
    trace_id = wire.parse_trace_id(asked.body)
    _execute(asked, trace_id, ReplyBusy(asked.principal.uid))
    return {}


def _execute(asked: Asked, trace_id: int, command: Command) -> Call:
    """An ended call ignores whoever comes late; strangers are refused even so."""
    principal = asked.principal
    call = asked.plane.calls.execute_by_trace(
        principal.tenant, trace_id, command, asked.attempt
    )
    _require_party(call, principal.uid)
    return call


def _require_party(call: Call, uid: str) -> None:
    if call.participant(uid) is None:
        raise NotParticipant(uid)


def _create(asked: Asked, wanted: wire.StartCall) -> Create:
    plane, principal = asked.plane, asked.principal
    settings = plane.settings
    trace_id = plane.draws.trace_id(plane.clock.now_ms())
    return Create(
        tenant=principal.tenant,
        call_id=str(trace_id),
        trace_id=trace_id,
        room_number=plane.draws.room_number(),
        dialect=Dialect.DTALK,
        provider=settings.provider_of(Dialect.DTALK),
        media_type=wanted.media_type,
        creator=principal.uid,
        invitees=wanted.invitees,
        is_invite_only=True,
        max_participants=wanted.max_participants(settings.max_participants),
        ring_seconds=settings.ring_seconds,
        max_call_seconds=settings.max_call_seconds,
        details={}
        if wanted.group_id == wire.PRIVATE
        else {wire.GROUP_ID: wanted.group_id},
        device=asked.request.device,
    )
